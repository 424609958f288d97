"""Keeps a fleet true to its sources: one task a source, updates in batches, failures with back-off."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Iterable

import msgspec

from calmtui.errors import CalmError
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Ready, Update
from calmtui.providers.base import AuthFailed, HostKeyRejected, Misconfigured, Source, SourceError

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.05
"""How long updates of a source are collected before the fleet takes them in: 20 batches a second."""
FIRST_RETRY = 1.0
LONGEST_RETRY = 6.0
"""Seconds between attempts: doubled from the first to the longest, each shortened by up to half. A source that comes
back, however long it was away, is to be true again within ten seconds; one attempt that fails costs little."""
WELL_AFTER = 60.0
"""A connection that held for so many seconds makes the next failure a first one again."""
HOPELESS_RETRY = 60.0
"""Seconds until the next attempt after an error that only a person can mend."""


class Gatherer:
    """Runs sources into a fleet until it is stopped. Used as an async context manager."""

    def __init__(self, fleet: Fleet, sources: Iterable[Source]) -> None:
        self.fleet = fleet
        self.sources = {source.name: source for source in sources}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, asyncio.Event] = {}
        self._moved: dict[str, float] = {}
        """When a source last told of a scope of which it had not told yet, by the monotonic clock."""

    async def __aenter__(self) -> Gatherer:
        for source in self.sources.values():
            self.start(source)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for source in self.sources.values():
            with contextlib.suppress(SourceError):  # it is going away anyway
                await source.close()

    def start(self, source: Source) -> None:
        """Begin to gather a source."""
        self.sources[source.name] = source
        known = self.fleet.sources.get(source.name)
        status = SourceStatus(source.name, source.kind, confirmed_at=known.confirmed_at if known else None)
        self.fleet.set_source(status)
        self._again[source.name] = asyncio.Event()
        self._tasks[source.name] = asyncio.create_task(self._keep(source), name=f"gather {source.name}")

    def retry(self, name: str) -> None:
        """Try a failing source again now rather than when its back-off ends."""
        if name in self._again:
            self._again[name].set()

    async def settled(self, timeout: float) -> bool:
        """Wait until every source has answered or failed; False when none of the others gets any further.

        `timeout` is the seconds that a source has until it tells of its first scope, and from each to the next:
        a thousand hosts may take longer to answer than one.
        """
        done = asyncio.Event()

        def look(_: object = None) -> None:
            if not self._unsettled():
                done.set()

        end = self.fleet.subscribe(look)
        look()
        began = time.monotonic()
        try:
            while not done.is_set():
                last = max([began, *(self._moved.get(name, began) for name in self._unsettled())])
                left = last + timeout - time.monotonic()
                if left <= 0:
                    return False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await done.wait()
        finally:
            end()
        return True

    def _unsettled(self) -> list[str]:
        return [name for name, status in self.fleet.sources.items() if not status.settled]

    async def _keep(self, source: Source) -> None:
        delay = FIRST_RETRY
        while True:
            begun = time.monotonic()
            error: Exception
            try:
                await self._run(source)
                error = SourceError("the stream of changes ended", where=source.name)
            except CalmError as caught:
                error = caught
            except Exception as caught:  # a fault of ours must not take the other sources down
                log.exception("source %s", source.name)
                error = SourceError(
                    f"internal error: {type(caught).__name__}: {caught}",
                    where=source.name,
                    next_step="calmtui's log file has the details",
                )
            if time.monotonic() - begun > WELL_AFTER:
                delay = FIRST_RETRY
            hopeless = isinstance(error, Misconfigured | AuthFailed | HostKeyRejected)
            pause = HOPELESS_RETRY if hopeless else delay * random.uniform(0.5, 1.0)
            self._failed(source, error, pause)
            again = self._again[source.name]
            again.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):  # wait_for of Python 3.11 can swallow a cancellation here
                    await again.wait()
            delay = min(delay * 2, LONGEST_RETRY)

    def _failed(self, source: Source, error: Exception, pause: float) -> None:
        status = self.fleet.sources[source.name]
        self.fleet.set_source(
            msgspec.structs.replace(
                status,
                health=Health.STALE,
                error=str(error),
                scopes={},
                retry_at=time.time() + pause,
                reconnects=status.reconnects + 1,
            )
        )

    async def _run(self, source: Source) -> None:
        """One connection from its beginning to its end."""
        began = time.monotonic()
        pending: list[Update] = []
        wake = asyncio.Event()
        complete = asyncio.Event()  # the first snapshot, or the end: somebody may be waiting for it
        ended = False
        told: set[str] = set()

        async def read() -> None:
            nonlocal ended
            stream = source.watch()
            try:
                async for update in stream:
                    pending.append(update)
                    wake.set()
                    if isinstance(update, Ready):
                        complete.set()
            finally:
                ended = True
                wake.set()
                complete.set()
                await stream.aclose()

        reader = asyncio.create_task(read(), name=f"watch {source.name}")
        try:
            while not (ended and not pending):
                await wake.wait()
                wake.clear()
                batch, pending[:] = list(pending), []
                ready = any(isinstance(update, Ready) for update in batch)
                if not told.issuperset(scopes := [one.scope for one in batch if not isinstance(one, Ready)]):
                    told.update(scopes)
                    self._moved[source.name] = time.monotonic()
                self.fleet.apply(source.name, batch)
                if ready:
                    self._now_live(source, began)
                    complete.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BATCH_SECONDS):
                        await complete.wait()
            await reader
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _now_live(self, source: Source, began: float) -> None:
        status = self.fleet.sources[source.name]
        if status.took_ms is None:
            took = int((time.monotonic() - began) * 1000)
            self.fleet.set_source(msgspec.structs.replace(status, took_ms=took))
        self.fleet.forget_unclaimed(source.name)
