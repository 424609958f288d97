"""Watching a run, whoever carries it out: its journal is read in a thread, and what is new is taken in slices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from calmtui.runbooks import earlier
from calmtui.runbooks.board import Board
from calmtui.runbooks.earlier import Earlier
from calmtui.runbooks.journal import Event, Journal, Run
from calmtui.runbooks.plan import RunPlan

SLICE = 400
"""Events that are taken in before keys have their turn: two milliseconds of them."""
LOOKED_AT = 1000
"""Of the newest runs, those that an estimate looks at."""


class Watching:
    """One run as it goes on."""

    def __init__(self, journal: Journal, run: Run) -> None:
        self.journal = journal
        self.run = run
        """As it stood at the last look."""
        self.board: Board | None = None
        """None until the first look."""
        self.earlier: Earlier | None = None
        """What earlier runs of the runbook tell; None until the first look."""
        self._busy = False

    async def look(self) -> bool:
        """Take in what has happened since; whether anything has. Raises StoreError."""
        if self._busy:
            return False
        self._busy = True
        try:
            return await self._look()
        finally:
            self._busy = False

    async def _look(self) -> bool:
        first = self.board is None
        if self.board is None:
            plan, self.earlier = await asyncio.to_thread(self._begin)
            self.board = Board(plan, self.run.attempt)
        run, events = await asyncio.to_thread(self._read, self.board)
        if run.attempt != self.board.attempt:  # resumed: what has failed counts no more
            self.board = Board(self.board.plan, run.attempt)
        changed = first or bool(events) or run != self.run
        self.run = run
        for begin in range(0, len(events), SLICE):
            self.board.take(events[begin : begin + SLICE])
            await asyncio.sleep(0)
        return changed

    def _begin(self) -> tuple[RunPlan, Earlier]:
        plan = self.journal.plan(self.run.id)
        for step in (*plan.steps, *plan.rollback):
            step.per_node  # noqa: B018 -- what is worked out at the first use is worked out in this thread
        _ = plan.batches
        return plan, earlier.of(plan.runbook, self.journal.runs(LOOKED_AT), but=self.run.id)

    def _read(self, board: Board) -> tuple[Run, Sequence[Event]]:
        """The run before its events: those of its end are among them then."""
        run = self.journal.run(self.run.id)
        return run, self.journal.events(run.id, board.last if run.attempt == board.attempt else 0)
