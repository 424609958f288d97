"""Merger: lines of many streams in the order of time, though they come when they come.

A line is held for `lateness` so that those that belong before it can still come, and longer, up to `PATIENCE`, while
a stream that is being read has not got as far as that. What comes when later lines have been given out already is
marked, to be inserted in its place. Pure: the caller says what time it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calmtui.logs.block import LATE, Block, Key, Origins, joined, joined_rows, key_at, upto
from calmtui.logs.line import SECOND, Origin

LATENESS = 3 * SECOND // 10
"""How long a line waits at least for those before it, in nanoseconds: what a reader does not feel."""
PATIENCE = 2 * SECOND
"""How long it waits at the most, and how far behind a stream may be that is waited for."""
CALM = 60 * SECOND
"""After so long without a late line, lines wait no longer than at first."""
MOST = 2048
"""Lines put in order and given out at once, which takes 3 to 6 ms: keys have their turn in between."""
MOST_LATE = 256
"""Of those that belong among lines given out earlier: each may have to be put into a segment of its own."""
NOWHERE = Origin("", "", "")
"""Stands before every stream."""


class _Waiting(NamedTuple):
    came: int
    lines: Block
    """In order."""
    times: NDArray[np.int64]
    """Of each of them."""
    first: int
    """The time of the first of them that was not given out."""
    last: Key
    """The place of the last."""
    begin: int = 0
    """How many of them were given out already."""

    def upto(self, key: Key) -> int:
        """How many stand at that place or before it, those that were given out counted."""
        if self.last <= key:
            return len(self.lines)
        return self.begin if self.first > key[0] else max(upto(self.lines, key), self.begin)


class Merger:
    """Holds lines back until their turn.

    `lateness` None: none is given out before all have come, and `rest` gives them in the exact order of time. It grows
    to what late lines would have needed.
    """

    def __init__(self, origins: Origins, lateness: int | None = LATENESS) -> None:
        self.lateness = lateness
        self.late = 0
        """Lines that came too late to be given out in order."""
        self.more = False
        """`take` has left lines whose turn it was for the next time."""
        self.size = 0
        """Bytes of the lines that are held."""
        self._origins = origins
        self._least = lateness
        self._raised = 0
        self._waiting: list[_Waiting] = []
        self._ready = Block.empty(origins)
        """Lines whose turn it is, in order."""
        self._given = self._early = 0
        """How many of them were given out, and how many belong among lines given out before them."""
        self._cut = False
        """More lines than could be put in order had their turn."""
        self._count = 0
        self._newest: Key | None = None
        self._heard: dict[int, tuple[int, int, bool]] = {}
        """By a stream's number: when lines came last, how far in time they reach, and if that is beyond history."""

    def __len__(self) -> int:
        return self._count

    def add(self, lines: Block, came: int, *, history_before: int = 0) -> int:
        """Take in lines of one stream that came at `came`; returns how many of them are late.

        A line from before `history_before`, the moment its stream was opened, is history: it is put in its
        place but never counted as late.
        """
        if not len(lines):
            return 0
        self._count += len(lines)
        self.size += len(lines.data)
        lines, late = lines.ordered(), 0
        if self.lateness is not None:
            lines, late = self._judged(lines, came, history_before)
            reach = int(lines.rows["at"][-1])
            self._heard[int(lines.rows["origin"][0])] = (came, reach, reach >= history_before)
        times = np.ascontiguousarray(lines.rows["at"])
        self._waiting.append(_Waiting(came, lines, times, int(times[0]), key_at(lines, len(lines) - 1)))
        return late

    def _judged(self, lines: Block, came: int, history_before: int) -> tuple[Block, int]:
        """The lines, those that are late marked, and their number."""
        begin = int(np.searchsorted(lines.rows["at"], history_before))
        count = 0 if self._newest is None else upto(lines, self._newest) - begin
        if count <= 0:
            return lines, 0
        self.late += count
        rows = lines.rows.copy()
        rows["flags"][begin : begin + count] |= LATE
        self._widen(came - int(rows["at"][begin]), came)
        return Block(lines.data, rows, lines.origins), count

    def _widen(self, needed: int, came: int) -> None:
        if self.lateness is not None and self.lateness < needed <= PATIENCE:
            self.lateness = needed
        self._raised = came

    def take(self, now: int, *, pressed: bool = False) -> Block:
        """What has waited long enough at `now`, nanoseconds since the epoch, and all that belongs before it, in order.

        When `pressed` for room, also what every stream that is being read has gone beyond, however short it waited.
        Late lines and history stand at the beginning; they belong among lines given out earlier. What is beyond MOST
        is left for the next call: then there is `more`.
        """
        if self._given == len(self._ready) and self.lateness is not None:
            if now > self._raised + CALM:
                self.lateness = self._least
            self._make_ready(self._bound(now, self.lateness or 0, pressed=pressed))
        begin = self._given
        most = MOST if self._early - begin <= MOST_LATE else MOST_LATE
        self._given = min(begin + most, len(self._ready))
        given = self._ready.stretch(begin, self._given)
        self._count -= len(given)
        self.size -= len(given.data)
        self.more = self._cut or self._given < len(self._ready)
        return given

    def _make_ready(self, bound: Key | None) -> None:
        """Put those in order that stand up to there, the earliest of them if they are very many."""
        concerned, kept, due = list[_Waiting](), list[_Waiting](), list[Block]()
        for one in self._waiting:
            (concerned if bound is not None and one.first <= bound[0] else kept).append(one)
        ends = [] if bound is None else self._ends(concerned, bound)
        for one, end in zip(concerned, ends, strict=True):
            if end > one.begin:
                due.append(one.lines.stretch(one.begin, end))
            if end < len(one.lines):
                kept.append(one._replace(begin=end, first=int(one.times[end])))
        self._waiting, self._given, self._early = kept, 0, 0
        self._ready = joined(due).ordered() if due else Block.empty(self._origins)
        if due:
            newest = key_at(self._ready, len(self._ready) - 1)
            if self._newest is not None:
                self._early = upto(self._ready, self._newest)
            self._newest = newest if self._newest is None else max(newest, self._newest)

    def _ends(self, concerned: list[_Waiting], bound: Key) -> list[int]:
        """Where in each block those lines end that stand up to there; when they are too many, the earliest of them."""
        ends = [one.upto(bound) for one in concerned]
        waiting = list(zip(concerned, ends, strict=True))
        self._cut = sum(end - one.begin for one, end in waiting) > MOST
        if not self._cut:
            return ends
        times = [one.times[one.begin : end] for one, end in waiting]
        at = int(np.partition(np.concatenate(times), MOST - 1)[MOST - 1])
        before = [int(some.searchsorted(at)) for some in times]
        if any(before):
            return [one.begin + count for one, count in zip(concerned, before, strict=True)]
        last = self._last_of_the_earliest(at, waiting)
        return [min(end, one.upto(last)) for one, end in waiting]

    def _last_of_the_earliest(self, at: int, waiting: list[tuple[_Waiting, int]]) -> Key:
        """The place of the last of MOST, if that many are of the earliest moment."""
        same = joined_rows(
            [
                one.lines.rows[one.begin : one.begin + int(one.times[one.begin : end].searchsorted(at, "right"))]
                for one, end in waiting
            ]
        )
        row = same[np.lexsort((same["seq"], self._origins.ranks[same["origin"]]))[MOST - 1]]
        return at, self._origins.known[row["origin"]], int(row["seq"])

    def _bound(self, now: int, lateness: int, *, pressed: bool) -> Key | None:
        """Up to where lines have their turn; None: there are none."""
        patience = max(lateness, PATIENCE)
        due = [one.last for one in self._waiting if one.came <= now - patience]
        if self._newest is not None:  # what belongs before it is out of order anyhow
            due.append(self._newest)
        ripe = max((one.last for one in self._waiting if pressed or one.came <= now - lateness), default=None)
        if ripe is not None:
            reached = min(
                (
                    reach
                    for came, reach, live in self._heard.values()
                    if came > now - lateness and (pressed or (live and reach > came - patience))
                ),
                default=now,
            )
            due.append(min(ripe, (reached + 1, NOWHERE, 0)))
        return max(due, default=None)

    def rest(self) -> Block:
        """All that is still held, in order, when no more will come."""
        blocks = [one.lines.stretch(one.begin, len(one.lines)) for one in self._waiting]
        blocks.append(self._ready.stretch(self._given, len(self._ready)))
        self._waiting, self._given, self._count, self.size = [], len(self._ready), 0, 0
        return joined(blocks).ordered() if blocks else Block.empty(self._origins)
