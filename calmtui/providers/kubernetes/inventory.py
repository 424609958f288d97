"""What a cluster holds, as updates for the fleet: one scope for each kind, or for each kind in each named namespace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from calmtui.fleet.node import Node
from calmtui.fleet.update import Delta, Ready, Snapshot, Update
from calmtui.fleet.update import Trouble as ScopeTrouble
from calmtui.providers.base import Forbidden, SourceError, Unreachable
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.kinds import KINDS, MACHINE, NAMESPACE, Kind
from calmtui.providers.kubernetes.machines import named_namespace
from calmtui.providers.kubernetes.watch import Altered, Collection, Everything, keep_watching

PULSE_SECONDS = 15.0
"""How often the API server is asked for a sign of life: a watch alone can be dead for minutes without a word."""


def collections(source: str, api: Api, namespaces: list[str] | None, page_size: int) -> dict[str, Collection]:
    """What to follow, by scope, read as nodes. `namespaces` is None for the whole cluster."""

    def collection(kind: Kind, namespace: str = "", **selectors: str) -> Collection:
        def read(objects: list[Any]) -> list[Node]:
            return [node for item in objects for node in kind.nodes(source, item)]

        return Collection(api, kind, namespace, selectors, page_size, read)

    if namespaces is None:
        return {name: collection(kind) for name, kind in KINDS.items()}
    found = {MACHINE.name: collection(MACHINE)}
    for namespace in namespaces:
        found[f"namespace/{namespace}"] = collection(NAMESPACE, fieldSelector=f"metadata.name={namespace}")
        found |= {f"{kind.name}/{namespace}": collection(kind, namespace) for kind in KINDS.values() if kind.namespaced}
    return found


async def follow(source: str, api: Api, scopes: dict[str, Collection]) -> AsyncGenerator[Update, None]:
    """Every scope's first listing or trouble, Ready, then changes for ever. Raises what concerns the whole source."""
    updates: asyncio.Queue[Update | Exception] = asyncio.Queue(maxsize=64)

    async def feed(stream: AsyncGenerator[Update, None]) -> None:
        try:
            async with aclosing(stream):
                async for update in stream:
                    await updates.put(update)
        except Exception as error:  # noqa: BLE001  # handed over and raised below, in the caller's task
            await updates.put(error)

    streams = [_scope(source, name, collection) for name, collection in scopes.items()]
    tasks = [asyncio.create_task(feed(stream)) for stream in (*streams, _pulse(api))]
    unheard = set(scopes)
    try:
        while True:
            update = await updates.get()
            if isinstance(update, Exception):
                raise update
            yield update
            if unheard and not isinstance(update, Ready):
                unheard.discard(update.scope)
                if not unheard:
                    yield Ready()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _scope(source: str, scope: str, collection: Collection) -> AsyncGenerator[Update, None]:
    """The updates of one scope."""
    said = ""
    named = scope.removeprefix("namespace/") if scope.startswith("namespace/") else ""
    async with aclosing(keep_watching(collection)) as stream:
        async for update in stream:
            error = ""
            if isinstance(update, Everything):
                said = ""
                yield Snapshot(scope, update.items)
                if named and not update.items:
                    error = f"there is no namespace {named}"
            elif isinstance(update, Altered):
                there = {node.id for node in update.put}
                gone = [node_id for item in update.gone for node_id in collection.kind.ids(source, item)]
                yield Delta(scope, update.put, [node_id for node_id in gone if node_id not in there])
            else:
                error = _explain(update.error, collection)
                if named and not said:
                    yield Snapshot(scope, [named_namespace(source, named)])
            if error != said:
                said = error
                yield ScopeTrouble(scope, error)


def _explain(error: SourceError, collection: Collection) -> str:
    """What is wrong with a scope and what to do about it; the row it is said on names the source."""
    next_step = error.next_step
    if isinstance(error, Forbidden) and collection.kind.namespaced and not collection.namespace:
        next_step = "list the namespaces you may see under `namespaces` in the estate"
    return f"{error.what}; {next_step}" if next_step else error.what


async def _pulse(api: Api) -> AsyncGenerator[Update, None]:
    """A sign of life every few seconds. Raises Unreachable when there is none."""
    while True:
        await asyncio.sleep(PULSE_SECONDS)
        try:
            await api.get("/version")
        except Unreachable:
            raise
        except SourceError:
            continue  # an answer all the same
        yield Delta("")
