"""Merger: lines of many streams in the order of time, though they come when they come.

A line is held for `lateness` so that those that belong before it can still come, and longer, up to `PATIENCE`, while
a stream that is being read has not got as far as that. What comes when later lines have been given out already is
marked, to be inserted in its place. Pure: the caller says what time it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calmtui.logs.block import LATE, Block, Key, Origins, Rows, joined, key_at, upto
from calmtui.logs.line import SECOND

LATENESS = 3 * SECOND // 10
"""How long a line waits at least for those before it, in nanoseconds: what a reader does not feel."""
PATIENCE = 2 * SECOND
"""How long it waits at the most, and how far behind a stream may be that is waited for."""
CALM = 60 * SECOND
"""After so long without a late line, lines wait no longer than at first."""
MOST = 2048
"""Lines given out at once, which take 2 ms and a few more to be kept and drawn: keys have their turn in between."""
MOST_LATE = 256
"""Of those that belong among lines given out earlier: each may have to be put into a segment of its own."""


class _Waiting(NamedTuple):
    came: int
    lines: Block
    """In order."""
    first: int
    """The time of the first of them."""
    last: Key
    """The place of the last."""
    begin: int = 0
    """How many of them were given out already."""

    def upto(self, key: Key) -> int:
        """How many stand at that place or before it, those that were given out counted."""
        if self.last <= key:
            return len(self.lines)
        return self.begin if self.first > key[0] else max(upto(self.lines, key), self.begin)


class _Turn(NamedTuple):
    """Whose turn it is: all up to `due`, and what stands up to `ripe` if the time `reached` is not before it."""

    due: Key | None
    ripe: Key | None
    reached: int

    def end(self, one: _Waiting) -> int:
        """Where in a waiting block those lines end."""
        end = one.begin if self.due is None else one.upto(self.due)
        if self.ripe is None or end == len(one.lines) or one.first > self.reached:
            return end
        at = one.lines.rows["at"]
        reached = len(at) if one.last[0] <= self.reached else int(np.searchsorted(at, self.reached, "right"))
        return max(end, min(one.upto(self.ripe), reached))


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
        self._origins = origins
        self._least = lateness
        self._raised = 0
        self._waiting: list[_Waiting] = []
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
        lines, late = lines.ordered(), 0
        if self.lateness is not None:
            lines, late = self._judged(lines, came, history_before)
            reach = int(lines.rows["at"][-1])
            self._heard[int(lines.rows["origin"][0])] = (came, reach, reach >= history_before)
        self._waiting.append(_Waiting(came, lines, int(lines.rows["at"][0]), key_at(lines, len(lines) - 1)))
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
        self.more = False
        if self.lateness is None or not self._waiting:
            return Block.empty(self._origins)
        if now > self._raised + CALM:
            self.lateness = self._least
        turn = self._turn(now, self.lateness or 0, pressed=pressed)
        ends = self._within_bounds([turn.end(one) for one in self._waiting])
        given, kept = list[Block](), list[_Waiting]()
        for one, end in zip(self._waiting, ends, strict=True):
            if end > one.begin:
                given.append(one.lines.stretch(one.begin, end))
            if end < len(one.lines):
                kept.append(one._replace(begin=end))
        self._waiting = kept
        if not given:
            return Block.empty(self._origins)
        lines = joined(given).ordered()
        self._count -= len(lines)
        newest = key_at(lines, len(lines) - 1)
        if self._newest is None or newest > self._newest:
            self._newest = newest
        return lines

    def _within_bounds(self, ends: list[int]) -> list[int]:
        """Where in each waiting block those lines end that are given out, when too many are the earliest of them."""
        waiting = list(zip(self._waiting, ends, strict=True))
        if sum(end - one.begin for one, end in waiting) <= MOST_LATE:
            return ends
        early = 0
        if self._newest is not None:
            early = sum(one.upto(self._newest) - one.begin for one in self._waiting)
        most = MOST if early <= MOST_LATE else MOST_LATE
        if sum(end - one.begin for one, end in waiting) <= most:
            return ends
        self.more = True
        last = self._earliest([one.lines.rows[one.begin : end] for one, end in waiting], most)
        return [min(end, one.upto(last)) for one, end in waiting]

    def _earliest(self, rows: list[Rows], count: int) -> Key:
        """The place of the last of so many, the earliest of all."""
        at = int(np.partition(np.concatenate([some["at"] for some in rows]), count - 1)[count - 1])
        before = [int(np.searchsorted(some["at"], at)) for some in rows]
        same = np.concatenate(
            [some[begin:][some["at"][begin:] == at] for some, begin in zip(rows, before, strict=True)]
        )
        order = np.lexsort((same["seq"], self._origins.ranks[same["origin"]]))
        row = same[order[count - sum(before) - 1]]
        return at, self._origins.known[row["origin"]], int(row["seq"])

    def _turn(self, now: int, lateness: int, *, pressed: bool) -> _Turn:
        patience = max(lateness, PATIENCE)
        due = [one.last for one in self._waiting if one.came <= now - patience]
        ripe = [one.last for one in self._waiting if pressed or one.came <= now - lateness]
        if self._newest is not None:  # what belongs before it is out of order anyhow
            due.append(self._newest)
        reached = min(
            (
                reach
                for came, reach, live in self._heard.values()
                if came > now - lateness and (pressed or (live and reach > came - patience))
            ),
            default=now,
        )
        return _Turn(max(due, default=None), max(ripe, default=None), reached)

    def rest(self) -> Block:
        """All that is still held, in order, when no more will come."""
        blocks = [one.lines.stretch(one.begin, len(one.lines)) for one in self._waiting]
        self._waiting, self._count = [], 0
        return joined(blocks).ordered() if blocks else Block.empty(self._origins)
