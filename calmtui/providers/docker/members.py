"""The logs of a project's containers as one; new members join by themselves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from calmtui.errors import SourceError
from calmtui.fleet.node import Node
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.docker.connect import Engine, clock
from calmtui.providers.docker.events import events
from calmtui.providers.docker.lifecycle import members_of
from calmtui.providers.docker.logs import FIRST_WAIT, Reach, follow
from calmtui.providers.docker.nodes import PROJECT_LABEL, Entry

AHEAD = 64
"""Chunks that are read before their consumer takes them."""


async def together(reach: Reach, project: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
    """The members' logs as they come, `stream` being the member's name. Raises a SourceError at the beginning.

    A member that fails says so in a note; the others go on. Following, it never ends: members may come.
    """
    members = await members_of(await reach(), project)
    ready: asyncio.Queue[LogChunk | Exception | None] = asyncio.Queue(AHEAD)
    reading = asyncio.create_task(_Members(reach, project, request, ready).read(members), name=f"logs {project.id}")
    try:
        while (chunk := await ready.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


class _Members:
    """Reads each container of a project once."""

    def __init__(
        self, reach: Reach, project: Node, request: LogRequest, ready: asyncio.Queue[LogChunk | Exception | None]
    ) -> None:
        self._reach = reach
        self._project = project
        self._request = request
        self._ready = ready
        self._known: set[str] = set()

    async def read(self, members: list[Entry]) -> None:
        """Read all of them, and following those that come; None is the end. What is a fault of ours is put in too."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for entry in self._unknown(members):
                    tasks.create_task(self._read(entry, self._request))
                if self._request.follow:
                    await self._join(tasks)
            await self._ready.put(None)
        except Exception as error:  # noqa: BLE001  # handed over and raised in the caller's task
            await self._ready.put(error)

    async def _read(self, entry: Entry, request: LogRequest) -> None:
        try:
            log = follow(self._reach, entry.name, request, entry.name, stays=False)
            async with contextlib.aclosing(log) as chunks:
                async for chunk in chunks:
                    await self._ready.put(chunk)
        except SourceError as error:
            await self._ready.put(LogChunk(entry.name, note=str(error)))

    def _unknown(self, members: list[Entry]) -> list[Entry]:
        """Those that are not read yet; they count as read now."""
        new = [entry for entry in members if entry.id not in self._known]
        self._known.update(entry.id for entry in new)
        return new

    async def _join(self, tasks: asyncio.TaskGroup) -> None:
        """Read those that come, without end. What troubles the engine is told by the members' own readings."""
        while True:
            with contextlib.suppress(SourceError):
                engine = await self._reach()
                since = clock(await engine.wire.ping())
                for entry in self._unknown(await members_of(engine, self._project)):
                    await self._ready.put(LogChunk(entry.name, note=f"{entry.name} joined {self._project.name}"))
                    tasks.create_task(self._read(entry, LogRequest(tail=None)))
                await self._made(engine, f"{since:.0f}")
            await asyncio.sleep(FIRST_WAIT)

    async def _made(self, engine: Engine, since: str) -> None:
        """Return when a container of the project was made or started, or the engine ends the stream of events."""
        labels = [f"{PROJECT_LABEL}={self._project.name}"]
        async with contextlib.aclosing(events(engine, since, labels=labels)) as stream:
            async for event in stream:
                if event.action in ("create", "start"):
                    return
