"""Where records are sent besides the ledger, so that its end cannot be cut off unseen: a file, syslog."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from calmtui.errors import CalmError
from calmtui.estate.model import Audit

Sink = Callable[[Sequence[str]], None]
"""Takes lines as `trail.export_line` makes them. Blocks; raises SinkError."""

SYSLOG_PORT = 514
LONGEST = 32_000
"""Bytes of a record that syslog is given whole; of a longer one (a plan of thousands of nodes) only what binds it."""
_AUDIT_NOTICE = 13 * 8 + 5
"""Facility 13 (log audit), severity 5 (notice): RFC 5424, 6.2.1."""


class SinkError(CalmError):
    """A record is in the ledger but could not be sent on."""


def sinks(audit: Audit) -> list[Sink]:
    """The sinks that an estate names."""
    found: list[Sink] = []
    if audit.file is not None:
        path = audit.file
        found.append(lambda lines: _append(path, lines))
    if audit.syslog:
        target = audit.syslog
        found.append(lambda lines: _send(target, lines))
    return found


def _append(path: Path, lines: Sequence[str]) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        with os.fdopen(handle, "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # several consoles append to it
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SinkError(f"the audit file cannot be written: {error.strerror}", where=str(path)) from error


def _send(target: str, lines: Sequence[str]) -> None:
    try:
        with _connected(target) as connection:
            for line in lines:
                connection.send(f"<{_AUDIT_NOTICE}>calmtui: {_short(line)}".encode())
    except OSError as error:
        raise SinkError(f"syslog cannot be reached: {error.strerror or error}", where=target) from error


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else '{"record":"too long, see the ledger",' + line[line.rindex('"seal":') :]


def _connected(target: str) -> socket.socket:
    parts = urlsplit(target)
    if parts.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        connection.connect(parts.path)
        return connection
    address = (parts.hostname or "localhost", parts.port or SYSLOG_PORT)
    family = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0][0]
    connection = socket.socket(family, socket.SOCK_DGRAM)
    connection.connect(address)
    return connection
