"""Keeps a fleet true to an engine: a complete listing, then what events point at, and a listing again now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from urllib.parse import quote

import msgspec

from calmtui import masks
from calmtui.fleet.update import Delta, Ready, Trouble, Update
from calmtui.providers.docker.about import about
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.events import Feed
from calmtui.providers.docker.nodes import Detail, Entry
from calmtui.providers.docker.table import SCOPE, Table

DEBOUNCE = 0.1
"""Seconds to collect events before looking: one `docker restart` makes eight of them."""
RECONCILE = 60.0
"""Seconds between complete listings, which find what no event told (addresses, a lost event)."""
WITHOUT_EVENTS = 5.0
"""Seconds between complete listings of an engine that hides its events."""
UNSETTLED = 2.0
"""Seconds between looks at containers that will soon be something else: a restart that is called off, by a `stop`
while it waits or by the death of the engine, makes no event."""
PING = 15.0
"""Seconds of silence after which the engine is asked whether it is there: a dead peer ends no stream."""
INSPECTIONS = 32
"""Containers inspected in one go; the others wait for the next."""
AT_ONCE = 4
"""Inspections under way together."""
PATIENCE = 2.0
"""Seconds to wait for them."""

_entries = msgspec.json.Decoder(list[Entry]).decode


async def watch(engine: Engine, table: Table) -> AsyncGenerator[Update, None]:
    """Yield the first listing, Ready, then what changes. Raises a SourceError when the engine does not answer.

    `table` may know containers from an earlier connection: what inspecting them told holds until they are
    inspected again, so that losing sight of the engine alone changes nothing.
    """
    trouble = await _list_all(engine, table)
    unseen = await _look_closer(engine, table, table.puzzling() | table.inspected())
    yield table.snapshot(time.time())
    yield trouble
    yield Ready()
    feed = Feed(engine)
    try:
        async for update in _follow(engine, table, feed, unseen):
            yield update
    finally:
        await feed.close()


async def _list_all(engine: Engine, table: Table) -> Trouble:
    """A complete listing, and beside it what the engine says of itself; what it said before, if it takes too long."""
    entries, told = await asyncio.gather(listing(engine), about(engine, table.source))
    table.list_all(entries)
    table.engine = told or table.engine
    return Trouble("engine", "" if told else "the engine is slow to say what it is: `docker info` shows how slow")


async def _follow(engine: Engine, table: Table, feed: Feed, unseen: set[str]) -> AsyncGenerator[Update, None]:
    """`unseen`: containers that are still to be inspected."""
    listed = time.monotonic()
    refused = ""
    again = table.outdated()
    while True:
        period = WITHOUT_EVENTS if feed.refused else RECONCILE
        if not unseen and not again:
            longest = UNSETTLED if table.unsettled() else PING
            await feed.wait(min(longest, max(listed + period - time.monotonic(), 0)))
        ids, missed = await _burst(feed)
        if feed.refused != refused:
            refused = feed.refused
            yield Trouble("events", f"{refused}; the containers are listed every {WITHOUT_EVENTS:.0f} s instead")
        complete = missed or time.monotonic() - listed >= period
        if complete:
            yield await _list_all(engine, table)
            listed = time.monotonic()
        elif some := ids | again | table.unsettled():
            table.list_some(some, await listing(engine, some))
        elif not unseen:
            await engine.wire.ping()
            yield Delta(SCOPE)  # nothing has changed: what is known is true as of now
            continue
        unseen = await _look_closer(engine, table, unseen | ids | again | table.puzzling())
        # Listed twice is enough where nothing new has happened: an engine may have other words in each answer.
        again = table.outdated() - (again - ids)
        yield table.snapshot(time.time()) if complete else table.delta(time.time())


async def _burst(feed: Feed) -> tuple[set[str], bool]:
    """What the feed has, with what comes hard upon it."""
    ids, missed = feed.take()
    if ids:
        await asyncio.sleep(DEBOUNCE)
        more, missed_too = feed.take()
        return ids | more, missed or missed_too
    return ids, missed


async def _look_closer(engine: Engine, table: Table, ids: set[str]) -> set[str]:
    """Inspect as many of them as may be in one go; returns those that are left."""
    some = set(sorted(ids)[:INSPECTIONS])
    if some:
        table.learn(await inspections(engine, some))
    return ids - some


async def listing(engine: Engine, ids: Iterable[str] = ()) -> list[Entry]:
    """Every container of the engine, running or not; of `ids` only when some are given. Raises a SourceError."""
    query = {"filters": {"id": sorted(ids)}} if ids else {}
    return _entries(await engine.wire.get("/containers/json", all=True, **query))


class _Health(msgspec.Struct):
    log: list[dict[str, object]] | None = msgspec.field(name="Log", default=None)


class _State(msgspec.Struct):
    status: str = msgspec.field(name="Status", default="")
    out_of_memory: bool = msgspec.field(name="OOMKilled", default=False)
    error: str = msgspec.field(name="Error", default="")
    health: _Health | None = msgspec.field(name="Health", default=None)


class _Inspection(msgspec.Struct):
    restarts: int = msgspec.field(name="RestartCount", default=0)
    state: _State = msgspec.field(name="State", default_factory=_State)


_inspection = msgspec.json.Decoder(_Inspection).decode


async def inspections(engine: Engine, ids: Iterable[str]) -> dict[str, Detail]:
    """What inspecting some containers tells. Of one that cannot be inspected, nothing: its Detail is empty.

    Engines have been seen to hang in the inspection of a single container; that must not cost the others.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(key: str) -> Detail:
        async with gate:
            return _detail(_inspection(await engine.wire.get(f"/containers/{quote(key)}/json")))

    tasks = {key: asyncio.create_task(one(key)) for key in ids}
    try:
        await asyncio.wait(tasks.values(), timeout=PATIENCE)
    finally:
        for task in tasks.values():
            task.cancel()
        results = await asyncio.gather(*tasks.values(), return_exceptions=True)
    return {key: result if isinstance(result, Detail) else Detail() for key, result in zip(tasks, results, strict=True)}


def _detail(inspected: _Inspection) -> Detail:
    state = inspected.state
    last = (state.health.log or [{}])[-1] if state.health else {}
    probe = str(last.get("Output", "")).strip() if last.get("ExitCode") else ""
    return Detail(
        state=state.status,
        restarts=inspected.restarts,
        out_of_memory=state.out_of_memory,
        error=masks.text(state.error),
        probe=masks.text(probe.splitlines()[-1])[:200] if probe else "",
    )
