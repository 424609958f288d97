"""The past is what it was: undoing the records of any storm gives back the fleet as it stood."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import VOLATILE, Record, record, redo, subject, undo
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import SourceStatus
from calmtui.fleet.update import Change, ChangeKind, Delta, Ready, Snapshot
from tests.strategies import nodes

WEB = Node("k8s:c/ns/pod/web", "pod", "web", "c", state=State.RUNNING, image="shop/web:1.9.1", labels={"app": "web"})


def told(before: Node | None, after: Node | None) -> Record | None:
    kind = ChangeKind.ALTERED if before and after else ChangeKind.ADDED if after else ChangeKind.GONE
    return record(Change(kind, 5.0, "c", before, after))


def alter(**more: object) -> Record:
    entry = told(WEB, msgspec.structs.replace(WEB, **more))
    assert entry is not None
    return entry


def test_only_what_changed_is_kept_and_told() -> None:
    entry = alter(state=State.FAILED, reason="OOMKilled", labels={"app": "web", "tier": "front"}, facts={"load": "9"})
    assert set(entry.after) == {"state", "reason", "labels"}
    assert entry.summary() == "state running → failed, reason none → OOMKilled, label.tier none → front"
    assert entry.bad


def test_addresses_and_actions_are_told_as_what_came_and_went() -> None:
    assert alter(addresses=("10.0.0.1",)).summary() == "addresses +10.0.0.1"


def test_noise_is_not_kept() -> None:
    assert told(WEB, msgspec.structs.replace(WEB, observed_at=9.0, facts={"load": "1"})) is None


def test_coming_and_going_are_told_with_the_state() -> None:
    added, gone = told(None, WEB), told(WEB, None)
    assert added is not None
    assert gone is not None
    assert (added.summary(), gone.summary()) == ("appeared, running", "gone, was running")
    assert not added.bad
    arrived_failing = told(None, msgspec.structs.replace(WEB, state=State.FAILED))
    assert arrived_failing is not None
    assert arrived_failing.bad


def test_what_gets_worse_within_trouble_is_not_a_new_bad_change() -> None:
    entry = told(msgspec.structs.replace(WEB, state=State.DEGRADED), msgspec.structs.replace(WEB, state=State.FAILED))
    assert entry is not None
    assert not entry.bad


def test_a_state_that_nobody_knows_is_told_and_is_bad() -> None:
    entry = alter(state=State.UNKNOWN)
    assert entry.summary() == "state running → unknown"
    assert entry.bad


def test_a_change_is_of_the_node_as_it_is_now_or_as_the_record_has_it() -> None:
    entry = alter(image="", env="production")
    assert subject(entry, {WEB.id: WEB}) is WEB
    gone = subject(entry, {})
    assert (gone.id, gone.kind, gone.name, gone.source) == (WEB.id, "pod", "web", "c")
    assert (gone.env, gone.image) == ("production", "")


def test_a_count_of_restarts_that_is_not_told_now_is_no_change() -> None:
    counted = msgspec.structs.replace(WEB, restarts=5)
    assert told(counted, WEB) is None
    assert alter(restarts=5).summary() == "restarts none → 5"
    failed = told(counted, msgspec.structs.replace(WEB, state=State.FAILED))
    assert failed is not None
    assert failed.summary() == "state running → failed"


def counted(node: Node) -> Node:
    """As of a source that always tells the restarts."""
    return msgspec.structs.replace(node, restarts=node.restarts or 0)


ids = st.sampled_from([f"n{number}" for number in range(8)])
known = nodes("c", ids).map(counted)
updates = st.one_of(
    st.builds(Snapshot, st.just(""), st.lists(known, max_size=6, unique_by=lambda node: node.id)),
    st.builds(Delta, st.just(""), st.lists(known, max_size=3), st.lists(ids, max_size=2)),
)


@given(st.lists(updates, min_size=1, max_size=12), st.data())
def test_undoing_the_records_since_a_moment_gives_the_fleet_of_that_moment(
    storm: list[Snapshot | Delta], data: st.DataObject
) -> None:
    fleet = Fleet()
    fleet.set_source(SourceStatus("c", "kubernetes"))
    fleet.apply("c", [Ready()])
    moments: list[dict[str, Node]] = []
    records: list[list[Record]] = []
    for update in storm:
        moments.append(dict(fleet.nodes))
        entries = [record(change) for change in fleet.apply("c", [update])]
        records.append([_through_the_wire(entry) for entry in entries if entry is not None])
    back = data.draw(st.integers(0, len(storm) - 1))
    since = [entry for batch in records[back:] for entry in batch]
    assert _told(undo(fleet.nodes, reversed(since))) == _told(moments[back])
    assert _told(redo(moments[back], since)) == _told(fleet.nodes)
    assert _told(redo(fleet.nodes, since)) == _told(fleet.nodes)


def _through_the_wire(entry: Record) -> Record:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=Record)


def _told(some: dict[str, Node]) -> dict[str, object]:
    return {
        key: {k: v for k, v in msgspec.to_builtins(node).items() if k not in VOLATILE} for key, node in some.items()
    }
