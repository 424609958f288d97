"""The journal of a host or of one of its units, through `journalctl`; a cursor says where to go on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from calmtui.errors import Forbidden, SourceError, Unreachable
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.ssh.actions import denied
from calmtui.providers.ssh.logs import resumed, stream
from calmtui.providers.ssh.pool import HostPool

_UNTIL_STDIN_ENDS = 'exec 3<&0 </dev/null; (read -r _ <&3; kill $$) >/dev/null 2>&1 & exec "$@"'
_LEVELS = {"0": "emerg", "1": "alert", "2": "crit", "3": "error", "4": "warning"}
"""Priorities that are said in the line; the others are the ordinary case."""


class _Entry(msgspec.Struct):
    """The fields that are read of an entry. Any of them may be repeated, and is then a list."""

    message: Any = msgspec.field(name="MESSAGE", default=None)
    cursor: str = msgspec.field(name="__CURSOR", default="")
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")
    identifier: Any = msgspec.field(name="SYSLOG_IDENTIFIER", default=None)
    pid: Any = msgspec.field(name="_PID", default=None)
    priority: Any = msgspec.field(name="PRIORITY", default=None)


_decoder = msgspec.json.Decoder(_Entry)


async def journal(pool: HostPool, unit: str | None, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
    """The entries of a unit, or of the whole host; see `providers.base.Logs.logs`."""
    name, cursor = ("" if unit else "journal"), ""

    async def once() -> AsyncGenerator[LogChunk, None]:
        nonlocal cursor
        command = ["/bin/sh", "-c", _UNTIL_STDIN_ENDS, "journal", *arguments(unit, request, cursor)]
        async with stream(pool, command) as reader:
            rest = b""
            while data := await reader.read():
                whole, newline, rest = (rest + data).rpartition(b"\n")
                if newline:
                    lines, last = decode(whole.split(b"\n"))
                    cursor = last or cursor
                    yield LogChunk(name, lines)
            if reader.exit_status or (reader.stderr and not request.follow):
                text = reader.stderr.decode(errors="replace").strip()
                kind = Forbidden if denied(text) else SourceError
                raise kind(f"journalctl: {text[:300] or f'exit {reader.exit_status}'}", where=pool.name)
            if request.follow or reader.exit_status is None:
                raise Unreachable(str(reader.error or "the connection was lost"), where=pool.name)

    async with aclosing(resumed(once, request)) as chunks:
        async for chunk in chunks:
            yield chunk


def arguments(unit: str | None, request: LogRequest, cursor: str) -> list[str]:
    """Journalctl's command line; with a cursor, everything after it."""
    words = ["journalctl", "--output=json", "--quiet", "--no-pager"]
    if unit:
        words.append(f"--unit={unit}")
    if request.follow:
        words.append("--follow")
    if cursor:
        return [*words, "--no-tail", f"--after-cursor={cursor}"]
    if request.since is not None:
        words.append(f"--since=@{request.since:.6f}")
    return [*words, "--no-tail" if request.tail is None else f"--lines={request.tail}"]


def decode(lines: list[bytes]) -> tuple[list[tuple[int | None, bytes]], str]:
    """Times and texts of entries, and the last cursor. A line that is no entry is kept as it is."""
    decoded: list[tuple[int | None, bytes]] = []
    cursor = ""
    for line in lines:
        try:
            entry = _decoder.decode(line)
        except msgspec.DecodeError:
            decoded.append((None, line))
            continue
        cursor = entry.cursor or cursor
        at = int(entry.realtime) * 1000 if entry.realtime.isdecimal() else None
        head = _head(entry)
        # A message of several lines stays several lines, each with the time of the entry.
        decoded += [(at, head + part) for part in _bytes(entry.message).rstrip(b"\n").split(b"\n")]
    return decoded, cursor


def _head(entry: _Entry) -> bytes:
    identifier, pid, priority = (_bytes(value) for value in (entry.identifier, entry.pid, entry.priority))
    level = _LEVELS.get(priority.decode(errors="replace"))
    head = identifier + (b"[" + pid + b"]" if pid else b"")
    return (head + b": " if head else b"") + (f"{level}: ".encode() if level else b"")


def _bytes(value: Any) -> bytes:
    """A journal field: a text, an array of bytes when it is none, a list when it is repeated, or nothing."""
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    if isinstance(value, list):
        if all(isinstance(item, int) and 0 <= item < 256 for item in value):
            return bytes(value)
        return b" ".join(map(_bytes, value))
    return b""
