"""The account of a run under way: how everything in it stands, each change on the disk before the next is made."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from calmtui.actions.outcome import Status
from calmtui.fleet.node import NodeId
from calmtui.runbooks.journal import Event, Journal, Lost, Run, Standing, Wish
from calmtui.runbooks.progress import Progress
from calmtui.store.postgres import Away

log = logging.getLogger(__name__)

AGAIN = 1.0
"""Seconds between two tries to write, while the database's server is away."""
CERTAIN = 5.0
"""Seconds for which whoever has just written to the journal is certain that the run is still theirs."""

Result = TypeVar("Result")


class Account:
    """Of one run, for whoever carries it out. What comes at the same time is written together.

    While the database's server is away, everything waits for it: what cannot be noted is not done.
    """

    def __init__(self, journal: Journal, run: Run, lost: Callable[[Lost], None] | None = None) -> None:
        """Reads what has happened so far, which blocks. `run` is as it was claimed; `lost` is told when it is taken."""
        self.run = run
        self._lost = lost
        self.progress = Progress(run.attempt)
        self.progress.take(journal.events(run.id))
        self._journal = journal
        self._pending: list[Event] = []
        self._writing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._certain_at = time.monotonic()

    async def note(self, node: NodeId, step: str, status: Status, detail: str = "", output: str = "") -> None:
        """Take in that something has happened; returns once it is on the disk.

        Raises StoreError; Lost when the run is not ours any more, and nothing more of it may be done.
        """
        event = Event(node, step, status, detail, output, time.time(), self.run.attempt)
        self.progress.take([event])
        self._pending.append(event)
        if self._next is None:
            self._next = asyncio.create_task(self._write(), name=f"journal of run {self.run.id}")
        await asyncio.shield(self._next)
        while time.monotonic() - self._certain_at > CERTAIN:  # we were stopped for a while: it may not be ours any more
            await self._ours()

    async def _write(self) -> None:
        """Write what has come, once the writing before is done; what comes meanwhile is the next one's."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
        self._writing, self._next = self._next, None
        events, self._pending = self._pending, []
        await self._written(self._journal.append, events)

    async def _ours(self) -> None:
        """Make certain that the run is still ours. Raises StoreError, Lost."""
        await self._written(self._journal.append, [])

    async def answer(self, name: str) -> Event | None:
        """What somebody has told the run that it asks for: `detail`, by `output`. Raises StoreError."""
        events = await asyncio.to_thread(self._journal.answers, self.run.id, name)
        self.progress.take(events)
        return events[0] if events else None

    async def stands(self, standing: Standing, detail: str = "") -> None:
        """Note how the run stands. Raises StoreError, Lost."""
        await self._written(self._journal.stands, standing, detail)

    async def _written(self, write: Callable[..., None], *what: object) -> None:
        began = time.monotonic()
        await self._patiently(partial(write, self.run.id, *what, epoch=self.run.epoch))
        self._certain_at = max(self._certain_at, began)

    async def _patiently(self, do: Callable[[], Result]) -> Result:
        told = False
        while True:
            try:
                return await asyncio.to_thread(do)
            except Lost as error:
                if self._lost is not None:
                    self._lost(error)
                raise
            except Away as error:
                if not told:
                    log.warning("run %s waits: %s", self.run.id, error)
                told = True
                await asyncio.sleep(AGAIN)

    async def wanted(self) -> Wish:
        """What somebody wants of it. Raises StoreError."""
        return (await self._patiently(partial(self._journal.run, self.run.id))).wanted

    async def cancelled(self) -> bool:
        """Whether somebody wants it to end. Raises StoreError."""
        return await self.wanted() == "cancel"

    @property
    def folder(self) -> Path:
        """For the files of commands that print much."""
        return self._journal.path.parent / "outputs" / f"run-{self.run.id}"
