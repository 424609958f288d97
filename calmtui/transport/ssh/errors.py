"""asyncssh's exceptions, and the system's, as the errors that operators are told: one table."""

from __future__ import annotations

import asyncio
import socket
from functools import cache

from calmtui import sanitise
from calmtui.errors import (
    AuthFailed,
    Forbidden,
    HostKeyRejected,
    Misconfigured,
    NodeGone,
    SourceError,
    Unreachable,
)

_LONGEST = 300
"""Characters of a foreign message that are shown."""


@cache
def table() -> dict[type[BaseException], type[SourceError]]:
    """Which error an exception becomes; the nearest class in its ancestry counts. Imports asyncssh."""
    import asyncssh

    return {
        asyncssh.HostKeyNotVerifiable: HostKeyRejected,
        asyncssh.PermissionDenied: AuthFailed,
        asyncssh.PasswordChangeRequired: AuthFailed,
        asyncssh.IllegalUserName: Misconfigured,
        asyncssh.KeyExchangeFailed: Misconfigured,
        asyncssh.ProtocolNotSupported: Misconfigured,
        asyncssh.ConfigParseError: Misconfigured,
        asyncssh.KeyImportError: Misconfigured,
        asyncssh.KeyExportError: Misconfigured,
        asyncssh.KeyGenerationError: Misconfigured,
        asyncssh.KeyEncryptionError: Misconfigured,
        asyncssh.ChannelListenError: Forbidden,
        asyncssh.ChannelOpenError: Unreachable,
        asyncssh.SFTPNoSuchFile: NodeGone,
        asyncssh.SFTPNoSuchPath: NodeGone,
        asyncssh.SFTPPermissionDenied: Forbidden,
        asyncssh.SFTPWriteProtect: Forbidden,
        asyncssh.SFTPNoConnection: Unreachable,
        asyncssh.SFTPConnectionLost: Unreachable,
        asyncssh.SFTPError: SourceError,
        asyncssh.ProcessError: SourceError,
        asyncssh.TimeoutError: Unreachable,
        asyncssh.Error: Unreachable,
        socket.gaierror: Unreachable,
        TimeoutError: Unreachable,
        PermissionError: Forbidden,
        FileNotFoundError: Misconfigured,
        OSError: Unreachable,
        ValueError: Misconfigured,
        asyncio.IncompleteReadError: Unreachable,
    }


_NEXT_STEP = {
    AuthFailed: "see that the host accepts one of your keys: `ssh -v HOST` shows which are offered",
    Forbidden: "the host's administrator can allow it",
}


def translate(error: BaseException, where: str, *, next_step: str = "") -> SourceError:
    """The error to raise `from` a foreign one; a SourceError is handed back as it is."""
    if isinstance(error, SourceError):
        return error
    known = table()
    kind = next((known[ancestor] for ancestor in type(error).__mro__ if ancestor in known), SourceError)
    return kind(_sentence(error), where=where, next_step=next_step or _NEXT_STEP.get(kind, ""))


def foreign() -> tuple[type[BaseException], ...]:
    """What to catch around calls of asyncssh."""
    return tuple(table())


def _sentence(error: BaseException) -> str:
    match error:
        case socket.gaierror():
            return "the name is not known"
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case TimeoutError() if not str(error):
            return "no answer in time"
        case OSError() if error.strerror:
            text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
        case _:
            text = str(error) or type(error).__name__
    return sanitise.word(text[:_LONGEST]).rstrip(".")
