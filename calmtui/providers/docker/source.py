"""One Docker engine as a source: everything that can be asked of it, its containers and projects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from calmtui import masks
from calmtui.errors import SourceError
from calmtui.fleet.node import Node
from calmtui.fleet.update import Update
from calmtui.providers.base import Command, LogChunk, LogRequest, NodeEvent, Opening, Piece
from calmtui.providers.docker import events, execs, lifecycle, logs
from calmtui.providers.docker.connect import Engine, connect
from calmtui.providers.docker.endpoint import Endpoint
from calmtui.providers.docker.execs import DockerShell
from calmtui.providers.docker.members import together
from calmtui.providers.docker.table import Table
from calmtui.providers.docker.watch import watch

EVENTS = 100
"""Events that are told of one node at the most."""


class DockerSource:
    """Implements every protocol of `providers.base`. One connection to the engine serves all of them."""

    kind = "docker"

    def __init__(self, opening: Opening, endpoint: Endpoint) -> None:
        self.name = opening.name
        self._opening = opening
        self._endpoint = endpoint
        self._engine: Engine | None = None
        self._table = Table(opening.name)
        self._connecting = asyncio.Lock()

    async def watch(self) -> AsyncGenerator[Update, None]:
        """Yield the containers, Ready, then what changes. Raises a SourceError when the engine does not answer."""
        engine = await self._reach()
        try:
            async with contextlib.aclosing(watch(engine, self._table)) as updates:
                async for update in updates:
                    yield update
        except SourceError:
            await self._forget(engine)
            raise

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        """Carry out an action; returns the state that it led to. Raises a SourceError."""
        engine = await self._reach()
        if node.kind == "project":
            return await lifecycle.on_project(engine, node, action)
        return await lifecycle.on_container(engine, _reference(node), action, parameters)

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """The log of a container, or of a project's members together, `stream` being the member's name."""
        if node.kind == "project":
            chunks = together(self._reach, node, request)
        else:
            chunks = logs.follow(self._reach, node.name, request)
        async with contextlib.aclosing(chunks) as all_chunks:
            async for chunk in all_chunks:
                yield chunk

    async def start(self, node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        """Run a command in a container as its own user; see `providers.base.Exec`."""
        engine = await self._reach()
        async with contextlib.aclosing(execs.start(engine, _reference(node), command, node.name)) as pieces:
            async for piece in pieces:
                yield piece

    async def shell(self, node: Node, *, term: str, columns: int, rows: int) -> DockerShell:
        """Open bash or sh in a container. Raises a SourceError."""
        return await execs.shell(await self._reach(), _reference(node), term=term, columns=columns, rows=rows)

    async def describe(self, node: Node) -> dict[str, Any]:
        """What `docker inspect` shows of a container or of each member of a project, or `docker info`; no secrets."""
        engine = await self._reach()
        if node.kind == "engine":
            info: dict[str, Any] = masks.described(await engine.call("info"))
            return info
        if node.kind == "project":
            members = await lifecycle.members_of(engine, node)
            found = await asyncio.gather(*(engine.call("inspect_container", entry.id) for entry in members))
            return {entry.name: masks.described(one) for entry, one in zip(members, found, strict=True)}
        described: dict[str, Any] = masks.described(await engine.call("inspect_container", _reference(node)))
        return described

    async def events(self, node: Node) -> list[NodeEvent]:
        """The latest events that the engine still holds of a container or of a project's members, oldest first."""
        engine = await self._reach()
        if node.kind != "project":
            return await events.history(engine, [_reference(node)], EVENTS)
        members = await lifecycle.members_of(engine, node)
        return await events.history(engine, [entry.id for entry in members], EVENTS)

    async def close(self) -> None:
        """Let go of the engine."""
        if self._engine is not None:
            await self._forget(self._engine)

    async def _reach(self) -> Engine:
        """The engine, connected to if need be. Raises a SourceError."""
        async with self._connecting:
            if self._engine is not None and self._engine.lost:
                await self._forget(self._engine)
            if self._engine is None:
                self._engine = await connect(self._endpoint, self._opening)
            return self._engine

    async def _forget(self, engine: Engine) -> None:
        """Make the next request connect anew."""
        if self._engine is engine:
            self._engine = None
        await engine.close()


def _reference(node: Node) -> str:
    """What the engine finds a container by: the id, so that another one of that name is never meant instead."""
    return node.facts.get("container id") or node.name
