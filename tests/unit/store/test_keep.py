"""The keeper writes what changed, at the end everything, and says once what it cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.source import SourceStatus
from calmtui.fleet.update import Ready, Snapshot
from calmtui.store import keep, last_fleet
from calmtui.store.database import StoreError
from calmtui.store.keep import FleetKeeper


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def _answered(fleet: Fleet, source: str, *names: str) -> None:
    if source not in fleet.sources:
        fleet.set_source(SourceStatus(source, "ssh"))
    nodes = [Node(f"ssh:{source}/{name}", "host", name, source) for name in names]
    fleet.apply(source, [Snapshot("hosts", nodes), Ready()])


def _stored(path: Path) -> tuple[list[str], int]:
    nodes, sources = last_fleet.load("e", path=path)
    return [node.name for node in nodes], len(sources)


def _complain(error: StoreError) -> None:
    raise AssertionError(error)


async def test_at_the_end_everything_is_kept(path: Path) -> None:
    fleet = Fleet()
    async with FleetKeeper(fleet, "e", _complain, path=path):
        _answered(fleet, "a", "web-1", "web-2")
    nodes, (source,) = last_fleet.load("e", path=path)
    assert [node.name for node in nodes] == ["web-1", "web-2"]
    assert source.confirmed_at is not None


async def test_changes_are_written_while_it_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "EVERY", 0.01)
    fleet = Fleet()
    async with FleetKeeper(fleet, "e", _complain, path=path), asyncio.timeout(45):
        for wanted in (["web-1"], ["web-2"], []):
            _answered(fleet, "a", *wanted)
            while _stored(path) != (wanted, 1):
                await asyncio.sleep(0.01)


async def test_a_source_that_never_answered_keeps_what_was_stored_of_it(path: Path) -> None:
    status = SourceStatus("a", "ssh", confirmed_at=5.0)
    last_fleet.save("e", [status], {"a": [Node("ssh:a/x", "host", "x", "a")]}, only="a", path=path)
    fleet = Fleet()
    async with FleetKeeper(fleet, "e", _complain, path=path):
        fleet.set_source(SourceStatus("a", "ssh"))
        _answered(fleet, "b", "web-1")
    assert {node.name for node in last_fleet.load("e", path=path)[0]} == {"x", "web-1"}


async def test_what_cannot_be_saved_is_told_once_and_harms_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "EVERY", 0.0)
    (path.parent / "file").write_text("")
    told: list[StoreError] = []
    fleet = Fleet()
    async with FleetKeeper(fleet, "e", told.append, path=path.parent / "file" / "state.db"), asyncio.timeout(45):
        _answered(fleet, "a", "web-1")
        while not told:
            await asyncio.sleep(0.01)
        _answered(fleet, "a", "web-2")
    assert len(told) == 1
