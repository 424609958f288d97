"""Merger: lines of many streams in the order of time, though they come when they come.

A line is held for `lateness` so that those that belong before it can still come, and longer, up to `PATIENCE`, while
a stream that is being read has not got as far as that. What comes when later lines have been given out already is
marked, to be inserted in its place. Pure: the caller says what time it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from calmtui.logs.block import LATE, Block, Key, Mask, Origins, joined, key_at, upto
from calmtui.logs.line import SECOND

LATENESS = 3 * SECOND // 10
"""How long a line waits at least for those before it, in nanoseconds: what a reader does not feel."""
PATIENCE = 2 * SECOND
"""How long it waits at the most, and how far behind a stream may be that is waited for."""
CALM = 60 * SECOND
"""After so long without a late line, lines wait no longer than at first."""


class _Waiting(NamedTuple):
    came: int
    first: int
    """The earliest time of its lines."""
    last: Key
    """The place of the latest of them."""
    lines: Block

    @classmethod
    def of(cls, lines: Block, came: int) -> _Waiting:
        rows = lines.rows
        latest = np.flatnonzero(rows["at"] == rows["at"].max())
        return cls(came, int(rows["at"].min()), max(key_at(lines, number) for number in latest.tolist()), lines)


class _Turn(NamedTuple):
    """Whose turn it is: all up to `due`, and what stands up to `ripe` if the time `reached` is not before it."""

    due: Key | None
    ripe: Key | None
    reached: int

    def all_of(self, one: _Waiting) -> bool:
        due = self.due is not None and one.last <= self.due
        return due or (self.ripe is not None and one.last <= self.ripe and one.last[0] <= self.reached)

    def none_of(self, one: _Waiting) -> bool:
        due = self.due is not None and one.first <= self.due[0]
        return not due and (self.ripe is None or one.first > min(self.ripe[0], self.reached))

    def of(self, lines: Block) -> Mask:
        mask = np.zeros(len(lines), np.bool_) if self.due is None else upto(lines, self.due)
        if self.ripe is not None:
            mask |= upto(lines, self.ripe) & (lines.rows["at"] <= self.reached)
        return mask


class Merger:
    """Holds lines back until their turn.

    `lateness` None: none is given out before all have come, and `rest` gives them in the exact order of time. It grows
    to what late lines would have needed.
    """

    def __init__(self, origins: Origins, lateness: int | None = LATENESS) -> None:
        self.lateness = lateness
        self.late = 0
        """Lines that came too late to be given out in order."""
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
        late = 0
        if self.lateness is not None:
            lines, late = self._judged(lines, came, history_before)
            reach = int(lines.rows["at"].max())
            self._heard[int(lines.rows["origin"][0])] = (came, reach, reach >= history_before)
        self._waiting.append(_Waiting.of(lines, came))
        return late

    def _judged(self, lines: Block, came: int, history_before: int) -> tuple[Block, int]:
        """The lines, those that are late marked, and their number."""
        if self._newest is None or int(lines.rows["at"].min()) > self._newest[0]:
            return lines, 0
        late = upto(lines, self._newest) & (lines.rows["at"] >= history_before)
        count = int(np.count_nonzero(late))
        if not count:
            return lines, 0
        self.late += count
        rows = lines.rows.copy()
        rows["flags"][late] |= LATE
        self._widen(came - int(rows["at"][late].min()), came)
        return Block(lines.data, rows, lines.origins), count

    def _widen(self, needed: int, came: int) -> None:
        if self.lateness is not None and self.lateness < needed <= PATIENCE:
            self.lateness = needed
        self._raised = came

    def take(self, now: int, *, pressed: bool = False) -> Block:
        """What has waited long enough at `now`, nanoseconds since the epoch, and all that belongs before it, in order.

        When `pressed` for room, also what every stream that is being read has gone beyond, however short it waited.
        Late lines and history stand at the beginning; they belong among lines given out earlier.
        """
        if self.lateness is None or not self._waiting:
            return Block.empty(self._origins)
        if now > self._raised + CALM:
            self.lateness = self._least
        given, kept = list[Block](), list[_Waiting]()
        turn = self._turn(now, self.lateness or 0, pressed=pressed)
        for one in self._waiting:
            if turn.all_of(one):
                given.append(one.lines)
            elif turn.none_of(one):
                kept.append(one)
            else:
                mask = turn.of(one.lines)
                given.append(one.lines.chosen(mask))
                if not mask.all():
                    kept.append(_Waiting.of(one.lines.chosen(~mask), one.came))
        self._waiting = kept
        lines = joined(given).ordered() if given else Block.empty(self._origins)
        if not len(lines):
            return lines
        self._count -= len(lines)
        newest = key_at(lines, len(lines) - 1)
        if self._newest is None or newest > self._newest:
            self._newest = newest
        return lines

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
        blocks = [one.lines for one in self._waiting]
        self._waiting, self._count = [], 0
        return joined(blocks).ordered() if blocks else Block.empty(self._origins)
