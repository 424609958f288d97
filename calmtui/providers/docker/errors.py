"""Foreign errors stop here: the SDK's, those of sockets and TLS, and the engine's own answers.

Classes are looked up by name, so that nothing heavy is imported to say that a socket is missing.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping

from calmtui import masks
from calmtui.errors import (
    AuthFailed,
    Forbidden,
    HostKeyRejected,
    Misconfigured,
    NodeGone,
    OutcomeUnknown,
    SourceError,
    Throttled,
    Unreachable,
)

LONGEST = 300
"""Characters of a foreign text that are shown; engines quote whole command lines."""

_ENGINE = "is the engine running, and is this its address? see `docker info`"
_LIST = "see the container's state before doing it again"
_TLS = "check `tls` of the source"

Meaning = tuple[type[SourceError], str]
"""What a foreign error comes to, and what to do about it."""

CLASSES: Mapping[str, Meaning] = {
    # The engine answered with an error status: STATUS says more.
    "docker.errors.APIError": (SourceError, ""),
    "docker.errors.NotFound": (NodeGone, ""),
    "docker.errors.ImageNotFound": (SourceError, "pull or build the image on that engine"),
    # Settings.
    "docker.errors.TLSParameterError": (Misconfigured, _TLS),
    "docker.errors.InvalidVersion": (Misconfigured, "the engine is older than Docker 1.12: upgrade it"),
    "docker.errors.InvalidConfigFile": (Misconfigured, "mend `~/.docker/config.json`"),
    "docker.errors.ContextException": (Misconfigured, "see `docker context ls`"),
    "docker.errors.ContextNotFound": (Misconfigured, "see `docker context ls`"),
    "docker.errors.ContextAlreadyExists": (Misconfigured, "see `docker context ls`"),
    "docker.errors.MissingContextParameter": (Misconfigured, "see `docker context ls`"),
    "requests.exceptions.InvalidURL": (Misconfigured, "check `host` of the source"),
    "requests.exceptions.MissingSchema": (Misconfigured, "check `host` of the source"),
    "requests.exceptions.InvalidSchema": (Misconfigured, "check `host` of the source"),
    "requests.exceptions.InvalidProxyURL": (Misconfigured, "check the proxy settings"),
    "requests.exceptions.InvalidHeader": (Misconfigured, "mend `~/.docker/config.json`"),
    # The connection.
    "requests.exceptions.SSLError": (HostKeyRejected, _TLS),
    "requests.exceptions.ConnectTimeout": (Unreachable, _ENGINE),
    "requests.exceptions.ReadTimeout": (Unreachable, _ENGINE),
    "requests.exceptions.Timeout": (Unreachable, _ENGINE),
    "requests.exceptions.ConnectionError": (Unreachable, _ENGINE),
    "requests.exceptions.ProxyError": (Unreachable, "check the proxy settings"),
    "requests.exceptions.ChunkedEncodingError": (Unreachable, _ENGINE),
    "requests.exceptions.TooManyRedirects": (Unreachable, "this is not a Docker engine: check `host`"),
    "requests.exceptions.HTTPError": (SourceError, ""),
    # An answer that is no engine's.
    "requests.exceptions.ContentDecodingError": (SourceError, _ENGINE),
    "requests.exceptions.InvalidJSONError": (SourceError, _ENGINE),
    "requests.exceptions.JSONDecodeError": (SourceError, _ENGINE),
    "docker.errors.StreamParseError": (SourceError, _ENGINE),
    # Requests that the SDK itself refuses to make, or that are about images, which calmtui does not touch.
    "docker.errors.DockerException": (SourceError, ""),
    "docker.errors.NullResource": (SourceError, ""),
    "docker.errors.InvalidArgument": (SourceError, ""),
    "docker.errors.InvalidRepository": (SourceError, ""),
    "docker.errors.DeprecatedMethod": (SourceError, ""),
    "docker.errors.ContainerError": (SourceError, ""),
    "docker.errors.BuildError": (SourceError, ""),
    "docker.errors.ImageLoadError": (SourceError, ""),
    "requests.exceptions.RequestException": (SourceError, ""),
    "requests.exceptions.URLRequired": (SourceError, ""),
    "requests.exceptions.RetryError": (SourceError, ""),
    "requests.exceptions.StreamConsumedError": (SourceError, ""),
    "requests.exceptions.UnrewindableBodyError": (SourceError, ""),
    "urllib3.exceptions.HTTPError": (Unreachable, _ENGINE),
    # Sockets, names and TLS, as asyncio raises them; the SDK wraps the same ones.
    "builtins.FileNotFoundError": (Unreachable, "start the engine, or correct `host`"),
    "builtins.PermissionError": (
        Forbidden,
        "join the group that owns the socket (`sudo usermod -aG docker $USER`, log in again) or use a rootless engine",
    ),
    "builtins.ConnectionRefusedError": (Unreachable, "start the engine, or correct `host`"),
    "builtins.TimeoutError": (Unreachable, _ENGINE),
    "builtins.OSError": (Unreachable, _ENGINE),
    "builtins.EOFError": (Unreachable, _ENGINE),
    "builtins.ValueError": (SourceError, "is that a Docker engine? check `host` of the source"),
    "socket.gaierror": (Unreachable, "check `host` of the source: its name is not known here"),
    "ssl.SSLCertVerificationError": (
        HostKeyRejected,
        "give the authority that signed it as `tls: {ca: …}`; if it was good before, find out why it changed",
    ),
    "ssl.SSLEOFError": (Unreachable, _ENGINE),
    "ssl.SSLError": (HostKeyRejected, _TLS),
}
"""By a class's full name; of a class that is not here the nearest ancestor's holds."""

STATUS: Mapping[int, Meaning] = {
    400: (SourceError, ""),
    401: (AuthFailed, "the engine or a proxy before it wants to know who you are"),
    403: (Forbidden, "an authorisation plugin or a socket proxy before the engine does not allow it"),
    404: (NodeGone, ""),
    409: (SourceError, "its state has changed: look again"),
    429: (Throttled, ""),
    501: (SourceError, ""),
    503: (Unreachable, "the engine is starting or overloaded"),
}
"""By the HTTP status of an engine's answer; anything else is a SourceError."""

_NEVER_SENT = (FileNotFoundError, PermissionError, ConnectionRefusedError)
"""Errors of making a connection: after one of these nothing can have happened."""


def is_foreign(error: Exception) -> bool:
    """Whether an error is a socket's or the SDK's, and not a fault of our own."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in {"docker", "requests", "urllib3"}


def answered(status: int, message: str, where: str) -> SourceError:
    """The error for an engine that answered a request with this status and message."""
    if "HTTP request to an HTTPS server" in message:
        return Misconfigured("the engine speaks TLS and the source does not", where=where, next_step="give it `tls`")
    kind, next_step = STATUS.get(status, (SourceError, ""))
    if "dead or marked for removal" in message:
        kind, next_step = NodeGone, ""
    return kind(_text(message) or f"HTTP status {status}", where=where, next_step=next_step)


def translate(error: Exception, where: str, address: str, *, acting: bool = False) -> SourceError:
    """The error of ours for a foreign one.

    `address` is where the engine should be; `acting`: the request was to change something, and may have.
    """
    if isinstance(error, SourceError):
        return error
    response = getattr(error, "response", None)
    if response is not None:
        return answered(response.status_code, str(getattr(error, "explanation", "") or ""), where)
    cause = _cause(error)
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError | ssl.SSLEOFError):
        return _of_tls(cause, where)
    kind, next_step = _meaning(cause)
    if acting and kind is Unreachable and not isinstance(cause, _NEVER_SENT):
        return OutcomeUnknown(_what(cause, address), where=where, next_step=_LIST)
    return kind(_what(cause, address), where=where, next_step=next_step)


def _cause(error: BaseException) -> BaseException:
    """The socket's or TLS's own error if there is one below, or else the outermost."""
    return next((item for item in _below(error, depth=8) if isinstance(item, OSError) and _is_plain(item)), error)


def _is_plain(error: OSError) -> bool:
    return type(error).__module__ in {"builtins", "socket", "ssl"} and bool(error.args)


def _below(error: BaseException, depth: int) -> Iterator[BaseException]:
    """An error and those it wraps: urllib3 passes them as arguments and `reason`, requests as arguments."""
    yield error
    wrapped = [*error.args, getattr(error, "reason", None), error.__cause__, error.__context__]
    for item in wrapped if depth else ():
        if isinstance(item, BaseException):
            yield from _below(item, depth - 1)


def _meaning(error: BaseException) -> Meaning:
    names = (f"{base.__module__}.{base.__qualname__}" for base in type(error).__mro__)
    return next((CLASSES[name] for name in names if name in CLASSES), (SourceError, ""))


def _of_tls(error: ssl.SSLError, where: str) -> SourceError:
    """TLS alerts and broken handshakes: a refused certificate of ours, a peer without TLS, or else distrust."""
    reason = (error.reason or str(error)).upper()
    if "WRONG_VERSION_NUMBER" in reason or "HTTP_REQUEST" in reason or "RECORD_LAYER_FAILURE" in reason:
        return Misconfigured("the engine does not speak TLS on that port", where=where, next_step=_TLS)
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        return AuthFailed(
            f"the engine does not accept our certificate ({reason.lower().replace('_', ' ')})",
            where=where,
            next_step="check `tls: {cert, key}`: its authority must be the engine's",
        )
    kind, next_step = CLASSES["ssl.SSLError"]
    return kind(_text(str(error)), where=where, next_step=next_step)


def _what(error: BaseException, address: str) -> str:
    match error:
        case FileNotFoundError():
            return f"no engine listens on {address}: there is no such socket"
        case PermissionError():
            return f"{address} may not be opened by this user"
        case ConnectionRefusedError():
            return f"no engine listens on {address}: connection refused"
        case TimeoutError():
            return f"no answer from {address} in time"
        case EOFError() | ssl.SSLEOFError():
            return f"{address} closed the connection in the middle of an answer"
        case ssl.SSLCertVerificationError():
            return f"the engine's certificate is not valid: {_text(error.verify_message or str(error))}"
        case OSError(strerror=str(text)) if text:
            return f"the connection failed: {_text(text)}"
    return _text(str(error)) or type(error).__name__


def _text(text: str) -> str:
    text = masks.text(" ".join(text.split()).rstrip("."))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
