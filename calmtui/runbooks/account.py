"""The account of a run under way: how everything in it stands, each change on the disk before the next is made."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from calmtui.actions.outcome import Status
from calmtui.fleet.node import NodeId
from calmtui.runbooks.journal import Event, Journal, Run, Standing, Wish
from calmtui.runbooks.progress import Progress


class Account:
    """Of one run, for whoever carries it out. What comes at the same time is written together."""

    def __init__(self, journal: Journal, run: Run) -> None:
        """Reads what has happened so far, which blocks."""
        self.run = run
        self.progress = Progress(run.attempt)
        self.progress.take(journal.events(run.id))
        self._journal = journal
        self._pending: list[Event] = []
        self._writing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def note(self, node: NodeId, step: str, status: Status, detail: str = "", output: str = "") -> None:
        """Take in that something has happened; returns once it is on the disk. Raises StoreError."""
        event = Event(node, step, status, detail, output, time.time(), self.run.attempt)
        self.progress.take([event])
        self._pending.append(event)
        if self._next is None:
            self._next = asyncio.create_task(self._write(), name=f"journal of run {self.run.id}")
        await asyncio.shield(self._next)

    async def _write(self) -> None:
        """Write what has come, once the writing before is done; what comes meanwhile is the next one's."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        self._writing, self._next = self._next, None
        events, self._pending = self._pending, []
        await asyncio.to_thread(self._journal.append, self.run.id, events)

    async def stands(self, standing: Standing, detail: str = "") -> None:
        """Note how the run stands. Raises StoreError."""
        await asyncio.to_thread(self._journal.stands, self.run.id, standing, detail)

    async def wanted(self) -> Wish:
        """What somebody wants of it. Raises StoreError."""
        return (await asyncio.to_thread(self._journal.run, self.run.id)).wanted

    async def cancelled(self) -> bool:
        """Whether somebody wants it to end. Raises StoreError."""
        return await self.wanted() == "cancel"

    @property
    def folder(self) -> Path:
        """For the files of commands that print much."""
        return self._journal.path.parent / "outputs" / f"run-{self.run.id}"
