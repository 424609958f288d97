"""LogLine: one line of one stream, made safe and put in time.

Lines are kept as bytes and columns (see `block`); a LogLine is made of one when it is drawn, written or looked at.
"""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter

import msgspec

from calmtui.logs.level import Level

SECOND = 1_000_000_000
"""Nanoseconds."""

Span = tuple[int, int, str]
"""Begin and end within a line's text, and a colour in rich's words: `(0, 5, "bold red")`."""


class Origin(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where lines come from: a stream of a node of a source. Shared by all lines of the stream."""

    source: str
    node_id: str
    node: str
    """The node's name, as it is drawn."""
    stream: str = ""
    """A path, a container's name; empty when the node has one stream only."""


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line. All text in it is safe for a terminal."""

    at: int
    """Where it stands in time, nanoseconds since the epoch: at `ts`, or when it came where it has none."""
    ts: int | None
    """Its time in nanoseconds since the epoch, as the source or the line says it, or as the stamped line does
    that it continues; None when nothing tells it."""
    origin: Origin
    seq: int
    """Its number within its stream."""
    text: str
    level: Level = Level.NONE
    stamp: int = 0
    """How many characters at the beginning of the text spell the time and may go unseen beside a time column."""
    spans: tuple[Span, ...] = ()
    late: bool = False
    """It came after lines that follow it in time had been shown."""
    cut: bool = False
    """It was longer than what is kept of a line; its text ends by saying how much."""


class Note(LogLine, frozen=True, gc=False):
    """A row about the stream rather than of it: a gap, a rotation, a reconnect, an error, an end."""

    lost: int = 0
    """Lines known to be lost at this place."""
    trouble: bool = False
    """The stream failed here."""
    gap: bool = False
    """Lines are missing here: `lost` of them, or nobody knows how many."""


key = attrgetter("at", "origin", "seq")
"""What lines are ordered by: time, then stream, then the stream's own order. No two lines have the same."""


def rfc3339(at: int) -> str:
    """Nanoseconds since the epoch as `2026-11-21T02:29:14.103000000Z`."""
    seconds, nanos = divmod(at, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"
