"""From a stream's raw lines to a Block: cut, told apart from safe text where they are not, times and levels read.

All of a chunk's lines go through each step at once; what few of them need is done to those alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calmtui import sanitise
from calmtui.logs.block import CONTINUES, CUT, DATED, GAP, NOTE, RAW, ROW, TROUBLE, Block, Mask, Origins
from calmtui.logs.formats.columns import NO_TIME
from calmtui.logs.formats.events import Events
from calmtui.logs.formats.gravity import Levels
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, Origin
from calmtui.logs.sgr import MAX_BYTES, cut, decode
from calmtui.logs.times import Clock
from calmtui.providers.base import Untimed

TOGETHER = SECOND
"""A line that goes on with another belongs to it when its time, or when it came, is so little after, in nanoseconds;
otherwise a program that stamps only its banner would have all its lines put back to its start."""

Raw = Sequence[tuple[int | None, bytes]]
"""Lines as sources give them: time in nanoseconds since the epoch or None, and bytes."""
Ints = NDArray[np.int64]


class Reader:
    """Reads one stream. Its lines are numbered in the order in which they come."""

    def __init__(self, origin: Origin, origins: Origins, *, live: bool = False) -> None:
        self.origin = origin
        self.origins = origins
        self.offset = 0
        """Nanoseconds by which the stream's clock is known to run ahead; taken off where its lines stand in time."""
        self.last_time: int | None = None
        """Time of the last line that had one, nanoseconds since the epoch."""
        self.cut = 0
        """Lines that were too long."""
        self.number = origins.number(origin)
        """The stream's number in `origins`."""
        self._live = live
        self._clock = Clock()
        self._levels = Levels()
        self._events = Events()
        self._seq = 0
        self._last_came = 0
        self._last_at = 0
        self._last_level = int(Level.NONE)

    def lines(self, raw: Raw, came: int) -> Block:
        """The lines of a chunk; `came` is now, in nanoseconds."""
        if not raw:
            return Block.empty(self.origins)
        pieces, given = _whole_lines(*_apart(raw))
        rows = self._rows(len(pieces))
        rows["flags"] = self._cut(pieces) | _not_text(pieces)
        self._read(rows, pieces, given, came)
        return Block.of(pieces, rows, self.origins)

    def note(self, text: str, came: int, *, lost: int = 0, trouble: bool = False, gap: bool = False) -> Block:
        """A row about the stream, at this place in it."""
        rows = self._rows(1)
        rows["at"], rows["ts"] = came, lost
        rows["flags"] = NOTE | TROUBLE * trouble | GAP * (gap or lost > 0)
        return Block.of([sanitise.word(text).encode()], rows, self.origins)

    def _rows(self, count: int) -> NDArray[np.void]:
        rows = np.zeros(count, ROW)
        rows["origin"] = self.number
        rows["seq"] = np.arange(self._seq + 1, self._seq + 1 + count)
        self._seq += count
        return rows

    def _cut(self, pieces: list[bytes]) -> NDArray[np.uint8]:
        """Cut the lines that are too long; their flags."""
        flags = np.zeros(len(pieces), np.uint8)
        if max(map(len, pieces)) > MAX_BYTES:
            for number, piece in enumerate(pieces):
                if len(piece) > MAX_BYTES:
                    pieces[number] = cut(piece)
                    flags[number] = CUT
                    self.cut += 1
        return flags

    def _read(self, rows: NDArray[np.void], pieces: list[bytes], given: Ints, came: int) -> None:
        """Fill in the times, places in time and levels of lines."""
        own, stamps = self._times(pieces, given)
        levels = self._levels.read_all(pieces, stamps)
        timed = own != NO_TIME
        heads = timed & ~self._shaped(pieces, given)
        if heads.all():
            at, ts, flags = self._placed(own, came), own, np.full(len(rows), DATED, np.uint8)
        else:
            at, ts, flags = self._continued(own, timed, heads, came)
            levels = self._inherited(levels, flags & CONTINUES > 0)
        rows["at"], rows["ts"], rows["stamp"], rows["level"] = at, ts, stamps, levels
        rows["flags"] |= flags
        if timed.any():
            self.last_time, self._last_came = int(ts[-1]), came
        elif self._known(came):
            self._last_came = came
        self._last_at, self._last_level = int(at[-1]), int(levels[-1])

    def _continued(self, own: Ints, timed: Mask, heads: Mask, came: int) -> tuple[Ints, Ints, NDArray[np.uint8]]:
        """Where lines stand in time, their times, and flags, when some of them go on with the one before."""
        known = self._known(came)
        before = np.maximum.accumulate(np.where(timed, np.arange(len(own)), -1))
        joins = before >= 0
        ts = np.where(joins, own[np.maximum(before, 0)], (self.last_time or 0) if known else came)
        dated = joins | known
        at = self._placed(ts, came)

        event = np.maximum.accumulate(np.where(heads, np.arange(len(own)), -1))
        head_at = np.where(event >= 0, at[np.maximum(event, 0)], self._last_at)
        goes_on = dated & ~heads & ((event >= 0) | known)
        together = goes_on & (at - head_at <= TOGETHER) & (at >= head_at - TOGETHER)
        at = np.where(together, head_at, at)
        if self.last_time is None and not timed[0] and timed.any():  # the end of an event before the first time
            first = int(np.argmax(timed))
            at[:first] = at[first]
        return at, ts, (DATED * dated | CONTINUES * goes_on).astype(np.uint8)

    def _known(self, came: int) -> bool:
        """Whether a line that came then may go on with the last one."""
        return self.last_time is not None and came - self._last_came <= TOGETHER

    def _times(self, pieces: list[bytes], given: Ints) -> tuple[Ints, NDArray[np.uint16]]:
        """The time of each line, its source's or else its own, and how many characters of it spell it."""
        if (given != NO_TIME).all():
            return given, np.zeros(len(pieces), np.uint16)
        own, stamps = self._clock.read_all(pieces)
        if (given == NO_TIME).all():
            return own, stamps
        stamps[given != NO_TIME] = 0
        return np.where(given != NO_TIME, given, own), stamps

    def _shaped(self, pieces: list[bytes], given: Ints) -> Mask:
        """Which lines with a time of their source's go on with the one before all the same, by their shape."""
        told = given != NO_TIME
        if not told.any():
            return np.zeros(len(pieces), np.bool_)
        return np.asarray(told & np.array(self._events.read_all(pieces, None), np.bool_))

    def _placed(self, ts: Ints, came: int) -> Ints:
        """Where lines stand in time, which is not always what their text says.

        The clock's offset is taken off. Of a line that has just come, a time after `came` is a clock that runs ahead:
        it stands where it came, or it would hide those of all other streams behind it. A time in whole seconds says
        only that it was within that second: it stands where in that second it came.
        """
        at = ts - self.offset
        if not self._live:
            return at
        whole = (ts % SECOND == 0) & (came < at + 2 * SECOND)
        return np.minimum(np.where(whole, at + SECOND - 1, at), came)

    def _inherited(self, levels: NDArray[np.uint8], goes_on: Mask) -> NDArray[np.uint8]:
        """The levels, where a line of an event does not say one that of the line before."""
        said = np.maximum.accumulate(np.where(goes_on & (levels == Level.NONE), -1, np.arange(len(levels))))
        return np.where(said >= 0, levels[np.maximum(said, 0)], np.uint8(self._last_level))


def _apart(raw: Raw) -> tuple[list[bytes], Ints]:
    """The bytes of lines, and the times that their source gives."""
    if isinstance(raw, Untimed):
        return list(raw.lines), np.full(len(raw), NO_TIME)
    given = [NO_TIME if ts is None else ts for ts, _ in raw]
    return [piece for _, piece in raw], np.array(given, np.int64)


def _whole_lines(pieces: list[bytes], given: Ints) -> tuple[list[bytes], Ints]:
    """The lines without the other half of a line end, and those that hold line ends as several."""
    joined = b"\n".join(pieces)
    if b"\r" in joined:
        pieces = [piece.removesuffix(b"\r") for piece in pieces]
    if joined.count(b"\n") >= len(pieces):
        parts = [piece.rstrip(b"\n").split(b"\n") for piece in pieces]
        pieces = [line.removesuffix(b"\r") for lines in parts for line in lines]
        given = np.repeat(given, [len(lines) for lines in parts])
    return pieces, given


def _not_text(pieces: list[bytes]) -> NDArray[np.uint8]:
    """RAW for each line whose bytes are not its text."""
    flags = np.zeros(len(pieces), np.uint8)
    joined = np.frombuffer(b"".join(pieces), np.uint8)
    odd = np.count_nonzero(joined - np.uint8(0x20) > 0x5E)  # neither printable ASCII…
    if odd and odd > np.count_nonzero(joined == 0x09):  # …nor a tab
        for number, piece in enumerate(pieces):
            if decode(piece)[0].encode() != piece:
                flags[number] = RAW
    return flags
