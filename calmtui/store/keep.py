"""Keeps the stored fleet true to the live one: in a thread, every few seconds at the most, and at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from calmtui.fleet.fleet import Fleet, worth_telling
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health
from calmtui.fleet.update import Change
from calmtui.store import last_fleet
from calmtui.store.database import StoreError

EVERY = 5.0
"""Seconds in which changes gather before they are written: 10,000 nodes are 4 MB."""


class FleetKeeper:
    """Saves a fleet while it is entered. Used as an async context manager, around the gathering.

    `tell` is called on the event loop when saving fails, once for the same error; the console goes on.
    """

    def __init__(
        self, fleet: Fleet, estate: str, tell: Callable[[StoreError], None], *, path: Path | None = None
    ) -> None:
        self.fleet = fleet
        self.estate = estate
        self._tell = tell
        self._path = path
        self._told = ""
        self._dirty: set[str] = set()
        self._health: dict[str, Health] = {}
        self._changed = asyncio.Event()
        self._ending = asyncio.Event()

    async def __aenter__(self) -> FleetKeeper:
        self._unsubscribe = self.fleet.subscribe(self._look)
        self._task = asyncio.create_task(self._keep(), name="keep the fleet")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._unsubscribe()
        self._ending.set()
        self._changed.set()
        await self._task

    def _look(self, changes: list[Change]) -> None:
        self._dirty.update(change.source for change in changes if worth_telling(change))
        health = {name: status.health for name, status in self.fleet.sources.items()}
        if health != self._health or self._dirty:
            self._health = health
            self._changed.set()

    async def _keep(self) -> None:
        last = False
        while not last:
            await self._changed.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), EVERY)
            self._changed.clear()
            last = self._ending.is_set()
            await self._save()

    async def _save(self) -> None:
        # A source that never answered has nothing to say; what was stored of it stays.
        statuses = [status for status in self.fleet.sources.values() if status.confirmed_at is not None]
        dirty, self._dirty = self._dirty, set()
        nodes: dict[str, list[Node]] = {status.name: [] for status in statuses if status.name in dirty}
        for node in self.fleet:
            if node.source in nodes:
                nodes[node.source].append(node)
        known = set(self.fleet.sources)
        try:
            await asyncio.to_thread(last_fleet.save, self.estate, statuses, nodes, only=known, path=self._path)
        except StoreError as error:
            self._dirty |= dirty
            if str(error) != self._told:
                self._told = str(error)
                self._tell(error)
        else:
            self._told = ""
