"""Changes are kept in order, once, by one console at a time, and the past can be read from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import Record
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import ChangeKind, Delta, Ready, Snapshot
from calmtui.store import changes, recorder
from calmtui.store.database import StoreError
from calmtui.store.recorder import Recorder

NODE = Node("x:s/a", "host", "a", "s", state=State.RUNNING)


def entry(at: float, node: str = "x:s/a", estate_source: str = "s") -> Record:
    return Record(at, estate_source, node, ChangeKind.ALTERED, "a", "host", {"state": "running"}, {"state": "failed"})


def alarm(error: StoreError) -> None:
    raise AssertionError(str(error))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(recorder, "EVERY", 0.01)
    monkeypatch.setattr(changes, "KEEP_DAYS", 365 * 100)  # these tests live in 1970
    return tmp_path / "state" / "state.db"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(45):
        while not condition():
            await asyncio.sleep(0.01)


def live() -> Fleet:
    fleet = Fleet()
    fleet.set_source(SourceStatus("s", "ssh"))
    return fleet


def test_records_come_back_in_order_within_their_time_and_nodes(path: Path) -> None:
    changes.append("e", [entry(1.0), entry(2.0, "x:s/b"), entry(2.0), entry(3.0)], path=path)
    changes.append("other", [entry(2.0)], path=path)
    assert [record.at for record in changes.load("e", path=path)] == [1.0, 2.0, 2.0, 3.0]
    assert [record.at for record in changes.load("e", since=2.0, until=3.0, path=path)] == [2.0, 2.0]
    assert [record.at for record in changes.load("e", node="x:s/a", limit=2, path=path)] == [2.0, 3.0]
    assert changes.load("nothing", path=path) == []


def test_records_are_read_on_from_a_number_and_other_estates_do_not_disturb(path: Path) -> None:
    assert changes.newest_number(path=path) == 0
    changes.append("e", [entry(1.0), entry(2.0)], path=path)
    number = changes.newest_number(path=path)
    changes.append("other", [entry(3.0)], path=path)
    changes.append("e", [entry(0.5), entry(4.0)], path=path)
    assert [record.at for record in changes.load("e", upto=number, path=path)] == [1.0, 2.0]
    assert [record.at for record in changes.load("e", after=number, path=path)] == [0.5, 4.0]
    assert changes.load("e", after=changes.newest_number(path=path), path=path) == []


def test_each_node_has_the_time_of_its_last_change_before_a_moment(path: Path) -> None:
    changes.append("e", [entry(1.0), entry(2.0, "x:s/b"), entry(3.0)], path=path)
    changes.append("other", [entry(9.0)], path=path)
    assert changes.last_at("e", path=path) == {"x:s/a": 3.0, "x:s/b": 2.0}
    assert changes.last_at("e", until=3.0, path=path) == {"x:s/a": 1.0, "x:s/b": 2.0}


def test_what_is_too_old_or_too_many_is_forgotten_and_the_beginning_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEEP_DAYS", 30)
    now = 100 * 86400.0
    changes.begin("e", {"s": 1.0}, path=path)
    changes.append("e", [entry(5.0), entry(now - 10), entry(now - 5), entry(now - 1)], path=path)
    assert changes.prune("e", now, path=path) == 1
    monkeypatch.setattr(changes, "KEEP_RECORDS", 2)
    assert changes.prune("e", now, path=path) == 1
    assert [record.at for record in changes.load("e", path=path)] == [now - 5, now - 1]
    assert changes.first_at("e", path=path) == {"s": now - 10}


async def test_the_first_listing_is_a_beginning_and_what_follows_are_changes(path: Path) -> None:
    fleet = live()
    async with Recorder(fleet, "e", alarm, path=path):
        fleet.apply("s", [Snapshot("", [NODE]), Ready()], now=10.0)
        fleet.apply("s", [Delta("", [msgspec.structs.replace(NODE, state=State.FAILED)])], now=20.0)
        fleet.apply(
            "s", [Delta("", [msgspec.structs.replace(NODE, state=State.FAILED, facts={"load": "1"})])], now=21.0
        )
    kept = changes.load("e", path=path)
    assert [(record.at, record.summary(), record.not_before) for record in kept] == [
        (20.0, "state running → failed", None)
    ]
    assert changes.first_at("e", path=path) == {"s": 10.0}


async def test_what_changed_while_nobody_looked_says_when_it_was_last_known(path: Path) -> None:
    fleet = Fleet()
    fleet.restore([NODE], [SourceStatus("s", "ssh", Health.CONNECTING, confirmed_at=10.0)])
    async with Recorder(fleet, "e", alarm, path=path):
        fleet.apply("s", [Snapshot("", [msgspec.structs.replace(NODE, state=State.FAILED)]), Ready()], now=500.0)
    assert [(record.at, record.not_before) for record in changes.load("e", path=path)] == [(500.0, 10.0)]


async def test_a_recorder_knows_when_each_node_that_is_there_last_changed_from_the_console_before_too(
    path: Path,
) -> None:
    changes.append("e", [entry(5.0), entry(5.0, "x:s/gone-long-ago")], path=path)
    fleet = Fleet()
    fleet.restore([NODE], [SourceStatus("s", "ssh", Health.CONNECTING, confirmed_at=10.0)])
    other = msgspec.structs.replace(NODE, id="x:s/b", name="b")
    async with Recorder(fleet, "e", alarm, path=path) as recorder:
        await until(lambda: recorder.changed_at == {"x:s/a": 5.0})
        fleet.apply("s", [Snapshot("", [NODE, other]), Ready()], now=20.0)
        fleet.apply("s", [Delta("", [msgspec.structs.replace(NODE, state=State.FAILED)])], now=30.0)
        assert recorder.changed_at == {"x:s/a": 30.0, "x:s/b": 20.0}
        fleet.apply("s", [Delta("", gone=["x:s/b"])], now=40.0)
        assert recorder.changed_at == {"x:s/a": 30.0}


async def test_two_consoles_record_each_change_once_and_one_takes_over_from_the_other(path: Path) -> None:
    first, second = live(), live()
    one = Recorder(first, "e", alarm, path=path)
    two = Recorder(second, "e", alarm, path=path)
    await one.__aenter__()
    for fleet in (first, second):
        fleet.apply("s", [Snapshot("", [NODE]), Ready()], now=1.0)
    await until(lambda: changes.first_at("e", path=path) == {"s": 1.0})
    async with two:
        failed = msgspec.structs.replace(NODE, state=State.FAILED)
        for fleet in (first, second):
            fleet.apply("s", [Delta("", [failed])], now=2.0)
        await until(lambda: len(changes.load("e", path=path)) == 1)
        await one.__aexit__()
        second.apply("s", [Delta("", [NODE])], now=3.0)
        await until(lambda: len(changes.load("e", path=path)) == 2)
    assert [record.at for record in changes.load("e", path=path)] == [2.0, 3.0]


async def test_what_cannot_be_written_is_told_once_and_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[StoreError] = []
    broken = True

    def append(*args: object, **named: object) -> None:
        if broken:
            raise StoreError("the disk is full", where=str(path))
        real(*args, **named)

    real = changes.append
    monkeypatch.setattr(changes, "append", append)
    fleet = live()
    async with Recorder(fleet, "e", told.append, path=path):
        fleet.apply("s", [Snapshot("", [NODE]), Ready()], now=1.0)
        fleet.apply("s", [Delta("", [msgspec.structs.replace(NODE, state=State.FAILED)])], now=2.0)
        await until(lambda: len(told) == 1)
        fleet.apply("s", [Delta("", [NODE])], now=3.0)
        await asyncio.sleep(0.05)
        broken = False
        fleet.apply("s", [Delta("", gone=[NODE.id])], now=4.0)
    assert len(told) == 1
    assert [record.at for record in changes.load("e", path=path)] == [2.0, 3.0, 4.0]


async def test_nodes_of_a_source_that_left_the_estate_are_not_recorded_as_gone(path: Path) -> None:
    fleet = live()
    async with Recorder(fleet, "e", alarm, path=path):
        fleet.apply("s", [Snapshot("", [NODE]), Ready()])
        fleet.apply("s", [Delta("", [msgspec.structs.replace(NODE, state=State.FAILED)])])
        fleet.forget_source("s")
    assert [record.kind for record in changes.load("e", path=path)] == [ChangeKind.ALTERED]
