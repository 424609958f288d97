"""Nodes that begin to fit a selection are read, from when the following began; those that went and came are read on."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

from calmtui.fleet.node import Node
from calmtui.fleet.update import Snapshot
from calmtui.logs.follow import Follower, Reading
from calmtui.logs.joining import EVERY, Joining
from tests.unit.logs.test_follow import AT, FOLLOWING, Source, chunk


def node(name: str, created: float | None = None) -> Node:
    return Node(id=f"lab/{name}", kind="host", name=name, source="lab", offers=("logs",), created=created)


async def reading(follower: Follower) -> set[str]:
    """The ids of the nodes that are read, once each stream has begun."""
    await follower.begun(timeout=30)
    return {node_id for node_id, stream in follower.streams.items() if stream.state is Reading.READING}


async def test_a_node_that_begins_to_fit_is_read_and_others_go_on() -> None:
    source = Source([chunk(b"one")], [chunk(b"two")], [chunk(b"three")])
    async with source.follower(FOLLOWING) as follower:
        fleet = follower.live.fleet
        with closing(Joining(fleet, follower, lambda: fleet)) as joining:
            nodes = [node("web-0"), node("old", created=1.0), node("new", created=time.time())]
            fleet.apply("lab", [Snapshot("", nodes)])
            joining.look(10.0)
            assert await reading(follower) == {"lab/web-0", "lab/old", "lab/new"}
        first, old, new = source.requests
        assert first is FOLLOWING
        assert (old.tail, new.tail, new.since) == (None, None, None)
        assert old.since is not None
        assert abs(old.since - time.time()) < 600


async def test_a_fleet_that_changes_all_the_time_is_looked_at_now_and_then() -> None:
    looks = 0
    async with Source([chunk(b"one")]).follower(FOLLOWING) as follower:
        fleet = follower.live.fleet

        def fitting() -> list[Node]:
            nonlocal looks
            looks += 1
            return [stream.node for stream in follower.streams.values()]

        with closing(Joining(fleet, follower, fitting)) as joining:
            joining.look(10.0)
            joining.look(10.0 + 2 * EVERY)
            assert looks == 1, "nothing has changed"
            for number in range(10):
                fleet.apply("lab", [Snapshot("", [node(f"n{number}")])])
                joining.look(10.0 + 3 * EVERY + number * EVERY / 20)
            assert looks == 2


async def test_a_node_whose_log_has_ended_is_read_on_when_it_comes_back() -> None:
    source = Source([chunk(b"one", at=AT)], [chunk(b"two", at=AT + 5)])
    async with source.follower(FOLLOWING) as follower:
        web = follower.streams["lab/web-0"].node
        await reading(follower)
        follower.join([web])
        assert len(source.requests) == 1, "it is being read"
        task = follower._tasks[web.id]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        follower.join([web])
        async with asyncio.timeout(30):
            while follower.received < 2:
                await asyncio.sleep(0.01)
        assert source.requests[1].since == (AT + 1) / 10**9
