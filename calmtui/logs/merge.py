"""Merger: lines of many streams in the order of time, though they come when they come.

A line is held for `lateness` so that those that belong before it can still come. What comes when later lines
have been given out already is marked, to be inserted in its place. Pure: the caller says what time it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import msgspec

from calmtui.logs.line import SECOND, LogLine, key

LATENESS = 3 * SECOND // 10
"""How long a line waits for those before it, in nanoseconds: what a reader does not feel."""


class Merger:
    """Holds lines back until their turn.

    `lateness` None: none is given out before all have come, and `rest` gives them in the exact order of time.
    """

    def __init__(self, lateness: int | None = LATENESS) -> None:
        self.lateness = lateness
        self.late = 0
        """Lines that came too late to be given out in order."""
        self._pending: list[LogLine] = []
        self._arrivals: deque[tuple[int, LogLine]] = deque()
        """When each batch came, and the last of its lines in the order of time."""
        self._newest: LogLine | None = None

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, lines: list[LogLine], came: int, *, history_before: int = 0) -> None:
        """Take in lines of a stream that came at `came`.

        A line from before `history_before`, the moment its stream was opened, is history: it is put in its
        place but never counted as late.
        """
        if not lines:
            return
        if self.lateness is None:
            self._pending += lines
            return
        taken = [placed(line, came) for line in lines]
        newest = self._newest
        if newest is not None:
            taken = [self._judge(line, newest, history_before) for line in taken]
        self._pending += taken
        self._arrivals.append((came, max(taken, key=key)))

    def _judge(self, line: LogLine, newest: LogLine, history_before: int) -> LogLine:
        if line.at >= history_before and key(line) < key(newest):
            self.late += 1
            return msgspec.structs.replace(line, late=True)
        return line

    def take(self, now: int) -> list[LogLine]:
        """What has waited long enough at `now`, nanoseconds since the epoch, and all that belongs before it, in order.

        Late lines and history stand at the beginning; they belong among lines given out earlier.
        """
        if self.lateness is None:
            return []
        ripe: LogLine | None = None
        while self._arrivals and self._arrivals[0][0] <= now - self.lateness:
            _, last = self._arrivals.popleft()
            if ripe is None or key(last) > key(ripe):
                ripe = last
        if ripe is None:
            return []
        self._pending.sort(key=key)
        end = bisect_right(self._pending, key(ripe), key=key)
        given, self._pending = self._pending[:end], self._pending[end:]
        if given and (self._newest is None or key(given[-1]) > key(self._newest)):
            self._newest = given[-1]
        return given

    def rest(self) -> list[LogLine]:
        """All that is still held, in order, when no more will come."""
        rest, self._pending = sorted(self._pending, key=key), []
        self._arrivals.clear()
        return rest


def placed(line: LogLine, came: int) -> LogLine:
    """A line at its place in time, which is not always what its text says.

    A time after `came` is a clock that runs ahead: such a line stands where it came, or it would hide
    those of all other streams behind it. A time in whole seconds says only that it was within that
    second: a line that has just come stands where in that second it came.
    """
    at = min(line.at, came)
    if at % SECOND == 0 and came < at + 2 * SECOND:
        at = min(came, at + SECOND - 1)
    return line if at == line.at else msgspec.structs.replace(line, at=at)
