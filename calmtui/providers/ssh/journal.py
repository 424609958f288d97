"""The journal of a host or of one of its units, through `journalctl`; a cursor says where to go on.

`journalctl` takes a cursor whose entry has been removed for the entry next to it, and says nothing. So a reading
that goes on asks for the entry of the cursor itself too: if another one comes, entries are lost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import msgspec

from calmtui.errors import Forbidden, SourceError
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.ssh.actions import denied
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.stream import broken, resumed, stream

_LEVELS = {"0": "emerg", "1": "alert", "2": "crit", "3": "error", "4": "warning"}
"""Priorities that are said in the line; the others are the ordinary case."""


class Entry(msgspec.Struct):
    """The fields that are read of an entry. Any of them may be repeated, and is then a list."""

    message: Any = msgspec.field(name="MESSAGE", default=None)
    cursor: str = msgspec.field(name="__CURSOR", default="")
    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP", default="")
    """Microseconds since the epoch."""
    seqnum: str = msgspec.field(name="__SEQNUM", default="")
    """Counts the entries of the host's journal under `seqnum_id`; systemd 254 and newer."""
    seqnum_id: str = msgspec.field(name="__SEQNUM_ID", default="")
    identifier: Any = msgspec.field(name="SYSLOG_IDENTIFIER", default=None)
    pid: Any = msgspec.field(name="_PID", default=None)
    priority: Any = msgspec.field(name="PRIORITY", default=None)


_decoder = msgspec.json.Decoder(Entry)


async def journal(pool: HostPool, unit: str | None, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
    """The entries of a unit, or of the whole host; see `providers.base.Logs.logs`."""
    name = "" if unit else "journal"
    last = Entry(cursor=request.positions.get(name, ""))

    async def once() -> AsyncGenerator[LogChunk, None]:
        nonlocal last
        resuming = last.cursor != ""
        async with stream(pool, "journal", 'exec "$@"', arguments(unit, request, last.cursor)) as reader:
            rest = b""
            while data := await reader.read():
                whole, newline, rest = (rest + data).rpartition(b"\n")
                if not newline:
                    continue
                entries = [decode(line) for line in whole.split(b"\n")]
                if resuming:
                    resuming = False
                    if same(last.cursor, entries[0].cursor):
                        del entries[0]
                    else:
                        yield LogChunk(name, note=lost(last, entries[0]), gap=True)
                last = next((entry for entry in reversed(entries) if entry.cursor), last)
                yield LogChunk(name, [line for entry in entries for line in lines(entry)], position=last.cursor)
            if reader.exit_status or (reader.stderr and not request.follow):
                text = reader.stderr.decode(errors="replace").strip()
                kind = Forbidden if denied(text) else SourceError
                raise kind(f"journalctl: {text[:300] or f'exit {reader.exit_status}'}", where=pool.name)
            if request.follow or reader.exit_status is None:
                raise broken(pool, reader)

    async with aclosing(resumed(once, request)) as chunks:
        async for chunk in chunks:
            yield chunk


def arguments(unit: str | None, request: LogRequest, cursor: str) -> list[str]:
    """Journalctl's command line; with a cursor, everything from its entry on."""
    words = ["journalctl", "--output=json", "--quiet", "--no-pager"]
    if unit:
        words.append(f"--unit={unit}")
    if request.follow:
        words.append("--follow")
    if cursor:
        return [*words, "--no-tail", f"--cursor={cursor}"]
    if request.since is not None:
        words.append(f"--since=@{request.since:.6f}")
    return [*words, "--no-tail" if request.tail is None else f"--lines={request.tail}"]


def same(one: str, other: str) -> bool:
    """Whether two cursors name one entry: the sequence it stands in and its number there, where both say."""
    first, second = (dict(part.partition("=")[::2] for part in cursor.split(";")) for cursor in (one, other))
    if {"s", "i"} <= first.keys() & second.keys():
        return (first["s"], first["i"]) == (second["s"], second["i"])
    return one == other


def lost(last: Entry, first: Entry) -> str:
    """What to say of the entries between the last one that was read and the first one that there is now."""
    note = f"gap: the journal no longer has the entry last read; what came after it until {_when(first)} is lost"
    if last.realtime:
        note += f" (it was from {_when(last)})"
    if last.seqnum_id and last.seqnum_id == first.seqnum_id and int(first.seqnum) > int(last.seqnum):
        note += f"; the whole host wrote {int(first.seqnum) - int(last.seqnum) - 1} entries in between"
    return note


def _when(entry: Entry) -> str:
    at = _time(entry)
    return "an unknown time" if at is None else f"{datetime.fromtimestamp(at / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _time(entry: Entry) -> int | None:
    """Nanoseconds since the epoch."""
    return int(entry.realtime) * 1000 if entry.realtime.isdecimal() and len(entry.realtime) < 17 else None


def decode(line: bytes) -> Entry:
    """An entry; a line that is none becomes one without time and cursor."""
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:
        return Entry(message=list(line))


def lines(entry: Entry) -> list[tuple[int | None, bytes]]:
    """A message of several lines stays several lines, each with the time of the entry."""
    at, head = _time(entry), _head(entry)
    return [(at, head + part) for part in _bytes(entry.message).rstrip(b"\n").split(b"\n")]


def _head(entry: Entry) -> bytes:
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
