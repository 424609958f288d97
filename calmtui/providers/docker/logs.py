"""The log of a container, followed through its restarts and the engine's, and of a project's members together."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from calmtui.errors import Forbidden, NodeGone, SourceError, Unreachable
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.events import events
from calmtui.providers.docker.frames import FramedLog, Line, Resume, TerminalLog, split_time

FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds before a lost connection is made again: doubled from the first to the longest, with jitter."""
AHEAD = 64
"""Chunks of a project's members that are read before their consumer takes them."""

Inspection = dict[str, Any]
"""A container as `GET /containers/ID/json` has it."""
Reach = Callable[[], Awaitable[Engine]]
"""Gives the engine, connecting anew if it must. Raises a SourceError."""


async def follow(reach: Reach, name: str, request: LogRequest, stream: str = "") -> AsyncGenerator[LogChunk, None]:
    """The log of the container of that name. Raises a SourceError at the beginning; later troubles are notes."""
    engine = await reach()
    state: Inspection = await engine.call("inspect_container", name)
    resume = Resume()
    while True:
        try:
            with contextlib.suppress(NodeGone):  # removed meanwhile: what follows finds the next of that name
                async with contextlib.aclosing(_read(engine, state, request, resume)) as lines:
                    async for some in lines:
                        yield LogChunk(stream, some)
            if not request.follow:
                return
            found = await _find(engine, name)
            if found is None or (_start(found) == _start(state) and not found["State"]["Running"]):
                yield LogChunk(stream, note=f"{name} {_ended(found)}; waiting for it to start")
                found = await _started(engine, name, state)
            if _start(found) != _start(state):
                yield LogChunk(stream, note=f"{name} started")
            else:  # the engine ended the log of a running container, as some do when they rotate it
                await asyncio.sleep(FIRST_WAIT)
            state = found
        except Unreachable as error:
            if not request.follow:
                raise
            yield LogChunk(stream, note=f"connection lost: {error.what}; trying again")
            engine = await _reconnected(reach)
            yield LogChunk(stream, note="connected again, reading on after the last line")


async def together(logs: Sequence[AsyncGenerator[LogChunk, None]]) -> AsyncGenerator[LogChunk, None]:
    """Several logs as they come. One that fails says so in a note; the others go on."""
    ready: asyncio.Queue[LogChunk | None] = asyncio.Queue(AHEAD)

    async def read(log: AsyncGenerator[LogChunk, None]) -> None:
        try:
            async with contextlib.aclosing(log) as chunks:
                async for chunk in chunks:
                    await ready.put(chunk)
        except SourceError as error:
            await ready.put(LogChunk("", note=str(error)))
        await ready.put(None)

    tasks = [asyncio.create_task(read(log)) for log in logs]
    left = len(tasks)
    try:
        while left:
            chunk = await ready.get()
            if chunk is None:
                left -= 1
            else:
                yield chunk
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(
    engine: Engine, state: Inspection, request: LogRequest, resume: Resume
) -> AsyncGenerator[list[Line], None]:
    """The lines of one request that had not been read."""
    query: dict[str, Any] = {"stdout": True, "stderr": True, "timestamps": True, "follow": request.follow}
    if resume.since is not None:
        query["since"] = resume.since
        resume.again()
    else:
        query["tail"] = "all" if request.tail is None else request.tail
        query |= {} if request.since is None else {"since": f"{request.since:.9f}"}
    log = TerminalLog() if state["Config"]["Tty"] else FramedLog()
    async with contextlib.aclosing(engine.stream(f"/containers/{state['Id']}/logs", **query)) as pieces:
        async for piece in pieces:
            if lines := resume.new(log.feed(piece)):
                yield lines
    if lines := resume.new(log.end()):
        yield lines


async def _find(engine: Engine, name: str) -> Inspection | None:
    with contextlib.suppress(NodeGone):
        found: Inspection = await engine.call("inspect_container", name)
        return found
    return None


async def _started(engine: Engine, name: str, state: Inspection) -> Inspection:
    """Wait until a container of that name has started since `state`."""
    known = [split_time(text.encode())[0] or 0 for text in (state["Created"], *_start(state)[1:])]
    since = f"{max(known) // 10**9}"  # by the engine's clock
    while True:
        async with contextlib.aclosing(events(engine, since, containers=[name])) as stream:
            async for event in stream:
                if event.action == "start":
                    found = await _find(engine, name)
                    if found is not None and _start(found) != _start(state):
                        return found
        await asyncio.sleep(FIRST_WAIT)


def _start(state: Inspection) -> tuple[str, str]:
    """Which container, and which of its runs."""
    return state["Id"], state["State"]["StartedAt"]


def _ended(state: Inspection | None) -> str:
    if state is None:
        return "was removed"
    status = state["State"]["Status"]
    return f"exited {state['State']['ExitCode']}" if status == "exited" else f"is {status}"


async def _reconnected(reach: Reach) -> Engine:
    """Try until the engine answers, however long it takes."""
    wait = FIRST_WAIT
    while True:
        await asyncio.sleep(wait * (1 + random.random() / 2))
        with contextlib.suppress(Unreachable, Forbidden):
            engine = await reach()
            await engine.wire.ping()  # it may be one that nobody has found dead yet
            return engine
        wait = min(wait * 2, LONGEST_WAIT)
