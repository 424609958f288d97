"""The engine's events, in two layers: one request, and a feed that outlives connections.

An event only says which container to look at again; what became of it is asked for. So an event that
comes twice does no harm, and one that is lost is made good by the next complete listing (`watch`).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec

from calmtui.errors import Forbidden
from calmtui.providers.base import NodeEvent
from calmtui.providers.docker.connect import Engine, clock

OF_INTEREST = [
    "create",
    "start",
    "restart",
    "die",
    "kill",
    "stop",
    "oom",
    "pause",
    "unpause",
    "rename",
    "update",
    "destroy",
    "health_status",
]
"""Not `exec_*`, `top`, `attach`…: a health check alone makes three of those every few seconds."""
SHORT_LIVED = 5.0
"""Seconds within which a stream that ends again makes the next one wait."""
LONGEST_WAIT = 30.0


class Actor(msgspec.Struct, frozen=True):
    """What an event is about."""

    id: str = msgspec.field(name="ID", default="")
    attributes: dict[str, str] = msgspec.field(name="Attributes", default_factory=dict)


class Event(msgspec.Struct, frozen=True):
    """One event of the engine."""

    action: str = msgspec.field(name="Action", default="")
    """`die`, `health_status: unhealthy`, `exec_create: sh -c …`."""
    actor: Actor = msgspec.field(name="Actor", default_factory=Actor)
    nanoseconds: int = msgspec.field(name="timeNano", default=0)
    """By the engine's clock, since the epoch."""


_decode = msgspec.json.Decoder(Event).decode


async def events(
    engine: Engine, since: str, *, until: str = "", containers: Sequence[str] = (), labels: Sequence[str] = ()
) -> AsyncGenerator[Event, None]:
    """The events of containers after a time (`SECONDS.NANOSECONDS`) in one request, until it ends.

    `containers`, `labels`: of those only; labels are `KEY=VALUE`.

    Raises a SourceError when the connection breaks; ends in silence when the engine ends the stream.
    """
    filters: dict[str, list[str]] = {"type": ["container"], "event": OF_INTEREST}
    if containers:
        filters["container"] = list(containers)
    if labels:
        filters["label"] = list(labels)
    query: dict[str, Any] = {"since": since, "filters": filters} | ({"until": until} if until else {})
    rest = b""
    async with contextlib.aclosing(engine.stream("/events", **query)) as pieces:
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.strip():
                    yield _decode(line)


class Feed:
    """Which containers had events since it was last asked, over any number of connections."""

    def __init__(self, engine: Engine) -> None:
        self.refused = ""
        """Why the engine does not let us see events; empty when it does."""
        self._engine = engine
        self._since = f"{engine.clock:.0f}"
        self._ids: set[str] = set()
        self._missed = False
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._follow(), name=f"events {engine.wire.where}")
        self._task.add_done_callback(lambda _: self._woken.set())

    async def wait(self, timeout: float) -> None:
        """Return when there is something to take, or after `timeout` seconds. Raises the SourceError that ended it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):  # wait_for of Python 3.11 can swallow a cancellation here
                await self._woken.wait()
        if self._task.done():
            self._task.result()

    def take(self) -> tuple[set[str], bool]:
        """Ids of the containers that had events, and whether others may have been missed."""
        taken = self._ids, self._missed
        self._ids, self._missed = set(), False
        if not self._task.done():
            self._woken.clear()
        return taken

    async def close(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        wait = 0.0
        while True:
            begun = time.monotonic()
            try:
                await self._read()
            except Forbidden as error:  # a socket proxy that hides events: the listing goes on without them
                self.refused = str(error)
                self._woken.set()
                await asyncio.Event().wait()  # until closed
            # Engines end the stream when they stop, proxies when it has been quiet for long.
            await self._engine.wire.ping()
            self._missed = True
            self._woken.set()
            short = time.monotonic() - begun < SHORT_LIVED
            wait = min(max(wait * 2, 1.0), LONGEST_WAIT) if short else 0.0
            await asyncio.sleep(wait * (1 + random.random() / 2))

    async def _read(self) -> None:
        async with contextlib.aclosing(events(self._engine, self._since)) as stream:
            async for event in stream:
                self._since = f"{event.nanoseconds // 10**9}.{event.nanoseconds % 10**9:09d}"
                self._ids.add(event.actor.id)
                self._woken.set()


async def history(engine: Engine, containers: Sequence[str], limit: int) -> list[NodeEvent]:
    """The latest events of some containers that the engine still holds (256 of all it has), oldest first."""
    # By the engine's clock, which tells whole seconds only: up to one more is waited for.
    now = clock(await engine.wire.ping()) + 1
    found = [event async for event in events(engine, "1", until=f"{now:.0f}", containers=containers)]
    return [_node_event(event) for event in found[-limit:]]


def _node_event(event: Event) -> NodeEvent:
    action, _, rest = event.action.partition(": ")
    attributes = event.actor.attributes
    code = attributes.get("exitCode", "")
    details = {"die": f"exited {code}", "kill": f"signal {attributes.get('signal', '')}"}
    trouble = (action == "die" and code not in {"0", "137", "143", ""}) or action == "oom" or rest == "unhealthy"
    text = rest or details.get(action, "")
    return NodeEvent(event.nanoseconds / 1e9, action, f"{attributes.get('name', '')} {text}".strip(), trouble)
