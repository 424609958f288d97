"""What the SSH tests share: sources on the lab's hosts, and waiting for what they report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.source import SourceStatus
from calmtui.fleet.update import Ready
from calmtui.providers.base import Ask, Opening, ask_nobody
from calmtui.providers.ssh import PROVIDER
from calmtui.providers.ssh.source import SshSource
from tests.lab.fleet import SshFleet


@asynccontextmanager
async def opened(fleet: SshFleet, hosts: str, ask: Ask = ask_nobody, **options: Any) -> AsyncIterator[SshSource]:
    """A source named `f` on some of the lab's hosts."""
    settings = {"hosts": hosts, "ssh_config": fleet.ssh_config, **options}
    source = PROVIDER.open(Opening("f", PROVIDER.options()(**settings), Path("/"), ask))
    try:
        yield source
    finally:
        await source.close()


def host(name: str) -> Node:
    """The node of a host before anything is known of it."""
    return Node(id=f"ssh:f/{name}", kind="host", name=name, source="f")


class Watched:
    """A source watched into a fleet in the background."""

    def __init__(self, source: SshSource) -> None:
        self.source = source
        self.fleet = Fleet()
        self.fleet.set_source(SourceStatus("f", "ssh"))
        self.ready = asyncio.Event()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watched:
        self._task = asyncio.create_task(self._watch())
        async with asyncio.timeout(30):
            await self.ready.wait()
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        async with aclosing(self.source.watch()) as updates:
            async for update in updates:
                self.fleet.apply("f", [update])
                if isinstance(update, Ready):
                    self.ready.set()
                self._news.set()

    def node(self, name: str) -> Node:
        """The node `ssh:f/NAME`."""
        return self.fleet.nodes[f"ssh:f/{name}"]

    async def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until something holds of the fleet."""
        async with asyncio.timeout(seconds):
            while not holds():
                self._news.clear()
                await self._news.wait()
