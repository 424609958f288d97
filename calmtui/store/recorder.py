"""Records the changes of a live fleet: in a thread, a few times a second, by one console of an estate at a time.

Several consoles may look at the same estate. Whoever holds the estate's lock writes; the others
remember the last moments, and when the writer is gone, the next one goes on where it ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import Record, record
from calmtui.fleet.node import NodeId
from calmtui.fleet.source import Health
from calmtui.fleet.update import Change, ChangeKind
from calmtui.store import changes as stored
from calmtui.store.database import StoreError, default_path

log = logging.getLogger(__name__)

EVERY = 0.5
"""Seconds between writes while there is something to write."""
REMEMBERED = 10_000
"""Changes that a console which does not hold the lock remembers, to go on when the writer is gone."""
PRUNE_EVERY = 3600.0
"""Seconds between prunings."""
_LIVE = (Health.LIVE, Health.PARTIAL)


class Recorder:
    """Records while it is entered. Used as an async context manager, around the gathering.

    `tell` is called on the event loop when writing fails, once for the same error; what was not
    written is tried again.
    """

    def __init__(
        self, fleet: Fleet, estate: str, tell: Callable[[StoreError], None], *, path: Path | None = None
    ) -> None:
        self.fleet = fleet
        self.estate = estate
        self.dropped = 0
        """Changes that could not be kept because the store failed for too long."""
        self.changed_at: dict[NodeId, float] = {}
        """When each node that is there last changed, seconds since the epoch."""
        self._tell = tell
        self._told = ""
        self._path = path or default_path()
        self._pending: deque[Record] = deque()
        self._beginnings: dict[str, float] = {}
        self._seen: dict[str, tuple[Health, float | None]] = {}
        """Health and last confirmation of each source after the batch before."""
        self._lock: TextIOWrapper | None = None
        self._wake = asyncio.Event()
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Recorder:
        self._note_sources()
        self._unsubscribe = self.fleet.subscribe(self._look)
        self._task = asyncio.create_task(self._keep(), name="record changes")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._unsubscribe()
        self._ending.set()
        self._wake.set()
        await self._task
        if self._lock is not None:
            self._lock.close()

    # -- on the event loop, for each batch -----------------------------------------

    def _look(self, changes: list[Change]) -> None:
        for change in changes:
            if change.source not in self.fleet.sources:
                continue  # it left the estate; nothing happened to its nodes
            health, confirmed_at = self._seen.get(change.source, (Health.CONNECTING, None))
            if health not in _LIVE and confirmed_at is None:
                continue  # the first listing ever: what is there was not added now
            entry = record(change, not_before=None if health in _LIVE else confirmed_at)
            if entry is not None:
                self._pending.append(entry)
                if entry.kind is ChangeKind.GONE:
                    self.changed_at.pop(entry.node, None)
                else:
                    self.changed_at[entry.node] = entry.at
        self._note_sources()
        if self._pending or self._beginnings:
            self._wake.set()

    def _note_sources(self) -> None:
        for name, status in self.fleet.sources.items():
            before = self._seen.get(name)
            if status.health in _LIVE and status.confirmed_at and (before is None or before[1] is None):
                self._beginnings[name] = status.confirmed_at
            self._seen[name] = (status.health, status.confirmed_at)

    # -- writing -----------------------------------------------------------------

    async def _keep(self) -> None:
        pruned_at = -PRUNE_EVERY  # the clock may count from the machine's start, and that may be now
        last = False
        await self._attempt(self._recall)
        while not last:
            await self._wake.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), EVERY)
            self._wake.clear()
            last = self._ending.is_set()
            if not await asyncio.to_thread(self._holds_lock):
                self._forget_beyond(REMEMBERED)
                continue
            written = await self._write()
            if written and time.monotonic() - pruned_at > PRUNE_EVERY:
                pruned_at = time.monotonic()
                await self._attempt(lambda: stored.prune(self.estate, time.time(), path=self._path))

    def _recall(self) -> None:
        """What changed before this console was there."""
        for node_id, at in stored.last_at(self.estate, path=self._path).items():
            if node_id in self.fleet.nodes:
                self.changed_at.setdefault(node_id, at)

    async def _write(self) -> bool:
        batch, self._pending = self._pending, deque()
        beginnings, self._beginnings = self._beginnings, {}

        def write() -> None:
            if beginnings:
                stored.begin(self.estate, beginnings, path=self._path)
            if batch:
                stored.append(self.estate, batch, path=self._path)

        written = await self._attempt(write)
        if not written:
            self._pending.extendleft(reversed(batch))
            self._beginnings = beginnings | self._beginnings
            self.dropped += self._forget_beyond(10 * REMEMBERED)
        return written

    async def _attempt(self, work: Callable[[], object]) -> bool:
        try:
            await asyncio.to_thread(work)
        except StoreError as error:
            if str(error) != self._told:
                self._told = str(error)
                self._tell(error)
            return False
        self._told = ""
        return True

    def _forget_beyond(self, limit: int) -> int:
        gone = max(0, len(self._pending) - limit)
        for _ in range(gone):
            self._pending.popleft()
        return gone

    def _holds_lock(self) -> bool:
        """Whether this console is the one that writes; takes over when nobody else is."""
        if self._lock is not None:
            return True
        name = hashlib.sha256(self.estate.encode()).hexdigest()[:16]
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self._path.parent / f"recorder-{name}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._lock = lock
        self._forget_what_the_other_wrote()
        return True

    def _forget_what_the_other_wrote(self) -> None:
        try:
            newest = stored.load(self.estate, limit=1, path=self._path)
        except StoreError as error:
            log.warning("the end of the history cannot be read: %s", error)
            return
        if newest:
            while self._pending and self._pending[0].at <= newest[0].at:
                self._pending.popleft()
