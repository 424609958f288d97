"""Sources are kept going: each alone, in batches, with back-off, and every end of a stream is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health
from calmtui.fleet.update import Delta, Ready, Snapshot, Update
from calmtui.providers import gather
from calmtui.providers.base import Misconfigured, Unreachable
from calmtui.providers.gather import Gatherer

Stream = Callable[[int], AsyncGenerator[Update, None]]


class Scripted:
    """A source that follows a script; the script is told how often it was begun before."""

    kind = "scripted"

    def __init__(self, name: str, script: Stream) -> None:
        self.name = name
        self._script = script
        self.begun = 0
        self.closed = False

    async def watch(self) -> AsyncGenerator[Update, None]:
        self.begun += 1
        async for update in self._script(self.begun - 1):
            yield update

    async def close(self) -> None:
        self.closed = True


def node(source: str, name: str) -> Node:
    return Node(f"x:{source}/{name}", "host", name, source)


async def steady(attempt: int) -> AsyncGenerator[Update, None]:
    yield Snapshot("", [node("good", "a")])
    yield Ready()
    await asyncio.Event().wait()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(45):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(gather, "BATCH_SECONDS", 0.001)


async def test_a_dead_source_harms_no_other_and_says_what_is_wrong() -> None:
    async def dead(attempt: int) -> AsyncGenerator[Update, None]:
        raise Misconfigured("no such profile 'x'", where="cloud", next_step="aws configure --profile x")
        yield Ready()

    fleet = Fleet()
    async with Gatherer(fleet, [Scripted("good", steady), Scripted("bad", dead)]) as gatherer:
        assert await gatherer.settled(5)
        assert fleet.sources["good"].health is Health.LIVE
        assert fleet.sources["bad"].health is Health.STALE
        assert fleet.sources["bad"].error == "cloud: no such profile 'x'; aws configure --profile x"
        assert fleet.sources["bad"].retry_at is not None
        assert [node.name for node in fleet] == ["a"]


async def test_a_source_that_breaks_keeps_its_nodes_stale_and_is_reconciled_when_it_returns() -> None:
    back = asyncio.Event()

    async def breaks(attempt: int) -> AsyncGenerator[Update, None]:
        if attempt == 0:
            yield Snapshot("", [node("s", "kept"), node("s", "lost")])
            yield Ready()
            raise Unreachable("connection reset", where="s")
        await back.wait()
        yield Snapshot("", [node("s", "kept"), node("s", "new")])
        yield Ready()
        await asyncio.Event().wait()

    fleet = Fleet()
    async with Gatherer(fleet, [Scripted("s", breaks)]):
        await until(lambda: fleet.sources["s"].health is Health.STALE)
        assert sorted(node.name for node in fleet) == ["kept", "lost"]
        assert all(fleet.is_stale(node) for node in fleet)
        back.set()
        await until(lambda: fleet.sources["s"].health is Health.LIVE)
        assert sorted(node.name for node in fleet) == ["kept", "new"]
        assert fleet.sources["s"].reconnects == 1


async def test_a_stream_that_just_ends_is_an_error_that_is_shown() -> None:
    async def ends(attempt: int) -> AsyncGenerator[Update, None]:
        yield Snapshot("", [])
        yield Ready()
        if attempt:
            await asyncio.Event().wait()

    fleet = Fleet()
    errors: list[str] = []
    fleet.subscribe(lambda _: errors.append(fleet.sources["s"].error))
    async with Gatherer(fleet, [Scripted("s", ends)]):
        await until(lambda: any("the stream of changes ended" in error for error in errors))


async def test_a_fault_of_ours_in_one_source_is_said_and_retried(caplog: pytest.LogCaptureFixture) -> None:
    async def faulty(attempt: int) -> AsyncGenerator[Update, None]:
        if attempt == 0:
            raise ZeroDivisionError("oops")
        yield Ready()
        await asyncio.Event().wait()

    fleet = Fleet()
    source = Scripted("s", faulty)
    async with Gatherer(fleet, [source]):
        await until(lambda: fleet.sources["s"].health is Health.LIVE)
    assert source.begun == 2
    assert source.closed
    assert "ZeroDivisionError" in caplog.text


async def test_changes_come_to_the_fleet_in_batches() -> None:
    async def storm(attempt: int) -> AsyncGenerator[Update, None]:
        yield Ready()
        for number in range(1000):
            yield Delta("", [node("s", str(number))])
        await asyncio.Event().wait()

    fleet = Fleet()
    batches: list[int] = []
    fleet.subscribe(lambda changes: batches.append(len(changes)))
    async with Gatherer(fleet, [Scripted("s", storm)]):
        await until(lambda: len(fleet) == 1000)
    assert sum(batches) == 1000
    assert len(batches) < 50


async def test_a_failing_source_is_tried_again_at_once_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuses(attempt: int) -> AsyncGenerator[Update, None]:
        raise Misconfigured("no")
        yield Ready()

    fleet = Fleet()
    source = Scripted("s", refuses)
    async with Gatherer(fleet, [source]) as gatherer:
        await until(lambda: fleet.sources["s"].health is Health.STALE)
        gatherer.retry("s")
        await until(lambda: source.begun == 2)


async def test_waiting_for_sources_ends_when_the_time_is_up() -> None:
    async def silent(attempt: int) -> AsyncGenerator[Update, None]:
        await asyncio.Event().wait()
        yield Ready()

    async with Gatherer(Fleet(), [Scripted("s", silent)]) as gatherer:
        assert not await gatherer.settled(0.05)


async def test_a_source_that_gets_further_is_waited_for_and_one_that_repeats_itself_is_not() -> None:
    async def slow(attempt: int) -> AsyncGenerator[Update, None]:
        for number in range(6):
            await asyncio.sleep(0.25)
            yield Snapshot(f"host {number}", [])
        yield Ready()
        await asyncio.Event().wait()

    async def again(attempt: int) -> AsyncGenerator[Update, None]:
        while True:
            await asyncio.sleep(0.1)
            yield Snapshot("host", [])

    async with Gatherer(Fleet(), [Scripted("s", slow)]) as gatherer:
        assert await gatherer.settled(1)
    async with Gatherer(Fleet(), [Scripted("s", again)]) as gatherer, asyncio.timeout(30):
        assert not await gatherer.settled(1)
