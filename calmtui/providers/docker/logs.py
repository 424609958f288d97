"""The log of a container, followed through its restarts and the engine's."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable

from calmtui.errors import Forbidden, NodeGone, Unreachable
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.events import events
from calmtui.providers.docker.frames import split_time
from calmtui.providers.docker.reading import Inspection, Reading

FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds before a lost connection is made again: doubled from the first to the longest, with jitter."""

Reach = Callable[[], Awaitable[Engine]]
"""Gives the engine, connecting anew if it must. Raises a SourceError."""


async def follow(
    reach: Reach, name: str, request: LogRequest, stream: str = "", *, stays: bool = True
) -> AsyncGenerator[LogChunk, None]:
    """The log of the container of that name. Raises a SourceError at the beginning; later troubles are notes.

    `stays`: when it is removed, the next container of that name is waited for.
    """
    engine = await reach()
    state: Inspection = await engine.call("inspect_container", name)
    reading = Reading(state, request, stream)
    while True:
        try:
            async with contextlib.aclosing(_life(reading, engine, state, follow=request.follow)) as chunks:
                async for chunk in chunks:
                    yield chunk
            if not request.follow:
                return
            reference = name if stays else state["Id"]
            found = await _find(engine, reference)
            if found is None or _start(found) == _start(state):
                if found is not None and found["State"]["Running"]:
                    await asyncio.sleep(FIRST_WAIT)  # the engine ended the log all the same: it is read on
                    continue
                if found is not None or stays:
                    yield LogChunk(stream, note=f"{name} {_ended(found)}; waiting for it to start")
                    found = await _started(engine, reference, state, stays=stays)
                if found is None:
                    yield LogChunk(stream, note=f"{name} was removed")
                    return
            yield LogChunk(stream, note=f"{name} started")
            if found["Id"] != state["Id"]:
                reading = Reading(found, LogRequest(tail=None), stream)
            state = found
        except Unreachable as error:
            if not request.follow:
                raise
            yield LogChunk(stream, note=f"connection lost: {error.what}; trying again", away=True)
            engine = await _reconnected(reach)
            yield LogChunk(stream, note="connected again, reading on after the last line")


async def _life(reading: Reading, engine: Engine, state: Inspection, *, follow: bool) -> AsyncGenerator[LogChunk, None]:
    """What is new, and following what comes until the container has said its last word; nothing once it is removed."""
    with contextlib.suppress(NodeGone):
        if follow:
            async with contextlib.aclosing(reading.follow(engine)) as chunks:
                async for chunk in chunks:
                    yield chunk
            if (await engine.call("inspect_container", state["Id"]))["State"]["Running"]:
                return
        async with contextlib.aclosing(reading.rest(engine)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _find(engine: Engine, reference: str) -> Inspection | None:
    with contextlib.suppress(NodeGone):
        found: Inspection = await engine.call("inspect_container", reference)
        return found
    return None


async def _started(engine: Engine, reference: str, state: Inspection, *, stays: bool) -> Inspection | None:
    """Wait until the container has started since `state`; None when it was removed, unless it `stays`."""
    known = [split_time(text.encode())[0] or 0 for text in (state["Created"], *_start(state)[1:])]
    since = f"{max(known) // 10**9}"  # by the engine's clock
    while True:
        async with contextlib.aclosing(events(engine, since, containers=[reference])) as stream:
            async for event in stream:
                if event.action not in ("start", "destroy"):
                    continue
                found = await _find(engine, reference)
                if found is None and not stays:
                    return None
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
