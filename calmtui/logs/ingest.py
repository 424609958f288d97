"""From a stream's raw lines to LogLines: text made safe, time and level read."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from calmtui import sanitise
from calmtui.logs.formats.levels import level_of
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, Note, Origin
from calmtui.logs.sgr import decode
from calmtui.logs.times import Clock

CONTINUES = SECOND
"""A line without a time belongs to the stamped one before it when it came so soon after, in nanoseconds;
otherwise a program that stamps only its banner would have all its lines put back to its start."""


class Reader:
    """Reads one stream. Its lines are numbered in the order in which they come."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.clock = Clock()
        self._seq = 0
        self.last_time: int | None = None
        """Time of the last line that had one, nanoseconds since the epoch."""
        self._last_came = 0
        self._level = Level.NONE

    def lines(self, raw: Iterable[tuple[int | None, bytes]], came: int) -> list[LogLine]:
        """The lines of a chunk, each with the time its source gave or None; `came` is now, in nanoseconds."""
        unstamped_before = self.last_time is None
        lines = [self._line(given, data, came) for given, data in raw]
        return _settled(lines) if unstamped_before else lines

    def _line(self, given: int | None, data: bytes, came: int) -> LogLine:
        text, spans = decode(data)
        ts, stamp, continues = given, 0, False
        if ts is not None:
            continues = text[:1] in (" ", "\t")
        elif (found := self.clock.read(text)) is not None:
            ts, stamp = found
        elif self.last_time is not None and came - self._last_came <= CONTINUES:
            ts, continues = self.last_time, True
        if ts is not None:
            self.last_time, self._last_came = ts, came
        level = level_of(text, stamp)
        if continues and level is Level.NONE:
            level = self._level
        self._level = level
        self._seq += 1
        return LogLine(came if ts is None else ts, ts, self.origin, self._seq, text, level, stamp, spans)

    def note(self, text: str, came: int, *, lost: int = 0, trouble: bool = False) -> Note:
        """A row about the stream, at this place in it."""
        self._seq += 1
        return Note(came, None, self.origin, self._seq, sanitise.word(text), lost=lost, trouble=trouble)


def _settled(lines: list[LogLine]) -> list[LogLine]:
    """A stream's first lines, those before the first time put at that time: they are the end of an event before it."""
    first = next((number for number, line in enumerate(lines) if line.ts is not None), 0)
    return [msgspec.structs.replace(line, at=lines[first].at) for line in lines[:first]] + lines[first:]
