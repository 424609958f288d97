"""A Docker source gathered into a fleet, and waiting for what should come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.providers.base import Opening
from calmtui.providers.docker import PROVIDER
from calmtui.providers.docker.source import DockerSource
from calmtui.providers.gather import Gatherer

Seen = TypeVar("Seen")


class Live:
    """A source with its fleet."""

    def __init__(self, source: DockerSource, fleet: Fleet, gatherer: Gatherer) -> None:
        self.source = source
        self.fleet = fleet
        self.gatherer = gatherer

    def node(self, name: str) -> Node:
        """The container of that name, or the project when it is `compose/NAME`."""
        return self.fleet.nodes[f"docker:engine/{name}"]

    def find(self, name: str) -> Node | None:
        return self.fleet.nodes.get(f"docker:engine/{name}")

    async def until(self, look: Callable[[], Seen], timeout: float = 60.0) -> Seen:
        return await until(look, timeout)


async def until(look: Callable[[], Seen], timeout: float = 60.0) -> Seen:
    """Wait until a look gives something true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s; it came to {seen!r}")
        await asyncio.sleep(0.02)


def opened(folder: Path, **options: Any) -> DockerSource:
    source = PROVIDER.open(Opening("engine", PROVIDER.options()(**options), folder))
    assert isinstance(source, DockerSource)
    return source


@contextlib.asynccontextmanager
async def live(host: str, folder: Path = Path("/"), **options: Any) -> AsyncIterator[Live]:
    """A source named `engine`, gathered; entered when it has answered or failed."""
    source, fleet = opened(folder, host=host, **options), Fleet()
    async with Gatherer(fleet, [source]) as gatherer:
        assert await gatherer.settled(20)
        yield Live(source, fleet, gatherer)
