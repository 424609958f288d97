"""A past moment is the last known fleet with the later changes taken back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from calmtui.fleet.history import Record, record
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Change, ChangeKind
from calmtui.store import changes, last_fleet
from calmtui.store.past import fleet_at

KEPT = Node("x:s/kept", "host", "kept", "s", state=State.RUNNING, image="1.9.1")
LOST = Node("x:s/lost", "host", "lost", "s")
NEW = Node("x:s/new", "host", "new", "s")
LATE = Node("x:late/a", "host", "a", "late")


STARTED = msgspec.structs.replace(KEPT, actions=("stop",), offers=("logs",), facts={"load": "1"})


def bare(*nodes: Node, at: float) -> dict[str, Node]:
    return {node.id: msgspec.structs.replace(node, observed_at=at) for node in nodes}


def entry(at: float, before: Node | None, after: Node | None) -> Record:
    kind = ChangeKind.ALTERED if before and after else ChangeKind.ADDED if after else ChangeKind.GONE
    told = record(Change(kind, at, "s", before, after))
    assert told is not None
    return told


def test_the_fleet_is_shown_as_it_was_and_what_was_not_known_then_is_said(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    now = msgspec.structs.replace(KEPT, image="1.9.2")
    statuses = [SourceStatus(name, "ssh", confirmed_at=400.0) for name in ("s", "late")]
    last_fleet.save("e", statuses, {"s": [now, NEW], "late": [LATE]}, only={"s", "late"}, path=path)
    changes.begin("e", {"s": 50.0, "late": 300.0}, path=path)
    changes.append("e", [entry(100.0, None, NEW), entry(200.0, LOST, None), entry(250.0, KEPT, now)], path=path)

    past = fleet_at("e", 150.0, path=path)
    assert past.nodes == bare(KEPT, LOST, NEW, at=150.0)
    assert past.unknown == {"late": 300.0}
    assert set(fleet_at("e", 350.0, path=path).nodes) == {now.id, NEW.id, LATE.id}
    assert set(fleet_at("e", 60.0, path=path).nodes) == {KEPT.id, LOST.id}
    assert fleet_at("e", 10.0, path=path).nodes == {}


def test_changes_that_are_stored_before_the_fleet_is_count(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    last_fleet.save("e", [SourceStatus("s", "ssh", confirmed_at=400.0)], {"s": [KEPT, LOST]}, only={"s"}, path=path)
    changes.begin("e", {"s": 50.0}, path=path)
    now = msgspec.structs.replace(KEPT, image="1.9.2")
    changes.append("e", [entry(401.0, KEPT, now), entry(402.0, LOST, None), entry(403.0, None, NEW)], path=path)
    assert fleet_at("e", 404.0, path=path).nodes == bare(now, NEW, at=404.0)
    assert fleet_at("e", 402.0, path=path).nodes == bare(now, LOST, at=402.0)
    assert fleet_at("e", 401.0, path=path).nodes == bare(KEPT, LOST, at=401.0)


def test_nothing_in_the_past_can_be_acted_on_or_has_figures_of_today(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    statuses = [SourceStatus(name, "ssh", confirmed_at=400.0) for name in ("s", "late")]
    last_fleet.save("e", statuses, {"s": [STARTED], "late": [LATE]}, only={"s", "late"}, path=path)
    changes.begin("e", {"s": 50.0, "late": 300.0}, path=path)
    past = fleet_at("e", 100.0, path=path)
    assert past.nodes == bare(KEPT, at=100.0)
    fleet = past.fleet()
    assert not fleet.is_stale(fleet.nodes[KEPT.id])
    assert (fleet.sources["s"].health, fleet.sources["late"].health) == (Health.LIVE, Health.STALE)
    assert "history begins" in fleet.sources["late"].error
