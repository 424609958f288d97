"""What the API server, the network and the SDK raise, as the errors of `providers.base`.

`from_status` is for answers, `from_exception` for everything that is not an answer. Nothing from
aiohttp or the kubernetes package leaves this folder.
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

import msgspec

from calmtui import sanitise
from calmtui.providers.base import (
    AuthFailed,
    Forbidden,
    Misconfigured,
    NodeGone,
    OutcomeUnknown,
    SourceError,
    Throttled,
    Unreachable,
)
from calmtui.providers.kubernetes.wire import ApiStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_MESSAGE = 300
"""Characters of the API server's own message that an operator is shown."""


class NotServed(SourceError):
    """The cluster has no such kind of object."""


class Expired(SourceError):
    """The version to go on from is no longer kept (410): list again."""


class Conflict(SourceError):
    """The object was altered in the meantime, or exists already (409)."""


class Rejected(SourceError):
    """The API server will not do that: the request does not fit the object as it is (400, 422)."""


ANSWERS: Mapping[int, tuple[type[SourceError], str]] = {
    400: (Rejected, ""),
    401: (AuthFailed, "renew the credentials of this context (`kubectl` would be refused as well)"),
    403: (Forbidden, ""),
    404: (NodeGone, ""),
    409: (Conflict, "try again"),
    410: (Expired, ""),
    422: (Rejected, ""),
    429: (Throttled, ""),
    504: (Unreachable, ""),
}
"""Error and next step for each status; a status that is not here is a SourceError with its number."""

_MAY_NOT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<what>[^"]*)"'
    r'(?: in API group "[^"]*")?(?: in the namespace "(?P<namespace>[^"]*)"| (?P<everywhere>at the cluster scope))?'
)


def from_status(code: int, body: bytes, where: str) -> SourceError:
    """The error of an answer that is not a success. `body` is the API server's Status, or whatever a proxy sent."""
    message = status_message(body)
    kind, next_step = ANSWERS.get(code, (SourceError, ""))
    if not message:
        message = {401: "the API server does not accept the credentials"}.get(code, f"the API server answered {code}")
    elif code == 401:
        message = f"the API server does not accept the credentials ({message})"
    return kind(message, where=where, next_step=next_step)


def status_message(body: bytes) -> str:
    """The API server's own message, shortened and safe; empty when the body is not its Status."""
    try:
        message = msgspec.json.decode(body, type=ApiStatus).message
    except msgspec.MsgspecError:
        return ""
    found = _MAY_NOT.search(message)
    if found is not None:
        where = " in the whole cluster" if found["everywhere"] else ""
        where = f" in {found['namespace']}" if found["namespace"] else where
        message = f"user {found['user']} cannot {found['verb']} {found['what']}{where}"
    message = sanitise.word(message)
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


def from_exception(error: BaseException, where: str, *, changing: bool = False) -> SourceError:
    """The error of a request that had no answer. `changing`: the request may have changed something."""
    import aiohttp  # loaded by whoever has such an exception in hand

    if isinstance(error, SourceError):
        return error
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Misconfigured(
            f"the API server's certificate is not trusted: {_short(error)}",
            where=where,
            next_step="check `certificate-authority` of the cluster in the kubeconfig",
        )
    if isinstance(error, aiohttp.InvalidURL):
        return Misconfigured("the cluster's `server` in the kubeconfig is not a URL", where=where)
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable(_connect_text(error), where=where, next_step="is the API server up, and the way to it open?")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Unreachable("no connection to the API server in time", where=where)
    if changing:
        return OutcomeUnknown(
            f"the connection broke before the API server answered: {_short(error)}",
            where=where,
            next_step="look at the node before trying again",
        )
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError):
        return Unreachable("the API server closed the connection", where=where)
    if isinstance(error, TimeoutError):
        return Unreachable("the API server did not answer in time", where=where)
    if isinstance(error, aiohttp.ClientError | OSError):
        return Unreachable(f"the connection to the API server broke: {_short(error)}", where=where)
    if isinstance(error, msgspec.MsgspecError):
        return SourceError(f"the API server's answer makes no sense: {_short(error)}", where=where)
    raise error


def _connect_text(error: BaseException) -> str:
    """What the system said, without aiohttp's words around it."""
    cause = getattr(error, "os_error", error)
    host, port = getattr(error, "host", ""), getattr(error, "port", "")
    return f"cannot reach {host}:{port}: {getattr(cause, 'strerror', None) or _short(cause)}"


def _short(error: BaseException) -> str:
    text = sanitise.word(str(error)) or type(error).__name__
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
