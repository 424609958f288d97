"""The fleet is what its sources last said: nothing lost, no ghosts, no doubles, no noise."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet, worth_telling
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Change, ChangeKind, Delta, Ready, Snapshot, Trouble, Update
from tests.strategies import nodes


def pod(called: str, /, **more: object) -> Node:
    return msgspec.structs.replace(Node(f"k8s:c/ns/pod/{called}", "pod", called, "c"), **more)


def live(*updates: Update) -> Fleet:
    fleet = Fleet()
    fleet.set_source(SourceStatus("c", "kubernetes"))
    fleet.apply("c", [*updates, Ready()])
    return fleet


def test_a_complete_listing_removes_what_it_does_not_name() -> None:
    fleet = live(Snapshot("pods", [pod("a"), pod("b")]))
    changes = fleet.apply("c", [Snapshot("pods", [pod("b"), pod("c")])])
    assert sorted(fleet.nodes) == ["k8s:c/ns/pod/b", "k8s:c/ns/pod/c"]
    assert [(change.kind, change.node.name) for change in changes] == [(ChangeKind.ADDED, "c"), (ChangeKind.GONE, "a")]


def test_a_listing_of_one_scope_leaves_the_others_alone() -> None:
    fleet = live(Snapshot("pods", [pod("a")]), Snapshot("jobs", [pod("job")]))
    fleet.apply("c", [Snapshot("jobs", [])])
    assert [node.name for node in fleet] == ["a"]


def test_trouble_in_a_scope_keeps_its_nodes_and_marks_only_them_stale() -> None:
    fleet = live(Snapshot("pods", [pod("a")]), Snapshot("jobs", [pod("job")]))
    fleet.apply("c", [Trouble("jobs", "forbidden: viewer cannot list jobs")])
    assert fleet.sources["c"].health is Health.PARTIAL
    assert "viewer cannot list jobs" in fleet.sources["c"].error
    assert {node.name: fleet.is_stale(node) for node in fleet} == {"a": False, "job": True}
    fleet.apply("c", [Snapshot("jobs", [pod("job")])])
    assert fleet.sources["c"].health is Health.LIVE
    assert fleet.sources["c"].error == ""


def test_a_heartbeat_is_no_change() -> None:
    fleet = live(Snapshot("pods", [pod("a", observed_at=1.0)]))
    assert fleet.apply("c", [Delta("pods", [pod("a", observed_at=2.0)])]) == []
    assert fleet.nodes["k8s:c/ns/pod/a"].observed_at == 2.0


def test_a_load_figure_is_a_change_to_draw_but_not_to_tell() -> None:
    fleet = live(Snapshot("pods", [pod("a", facts={"load": "1"})]))
    changes = fleet.apply("c", [Delta("pods", [pod("a", facts={"load": "2"})])])
    assert [change.kind for change in changes] == [ChangeKind.ALTERED]
    assert not worth_telling(changes[0])
    altered = fleet.apply("c", [Delta("pods", [pod("a", state=State.FAILED)])])
    assert worth_telling(altered[0])


def test_a_source_cannot_remove_another_sources_node() -> None:
    fleet = live(Snapshot("pods", [pod("a")]))
    fleet.set_source(SourceStatus("d", "docker"))
    assert fleet.apply("d", [Delta("", gone=["k8s:c/ns/pod/a"])]) == []
    assert len(fleet) == 1


def test_what_a_source_says_is_safe_once_it_is_in_the_fleet() -> None:
    fleet = live(Snapshot("pods", [pod("a", name="\x1b[2Jx", labels={"k\x07": "\x9bv"}, reason="\r")]))
    node = next(iter(fleet))
    assert node.name == "␛[2Jx"
    assert node.labels == {"k␇": "\N{REPLACEMENT CHARACTER}v"}
    assert node.reason == "␍"
    fleet.apply("c", [Trouble("pods", "\x1b]0;x\x07")])
    assert fleet.sources["c"].scopes == {"pods": "␛]0;x␇"}


def test_restored_nodes_are_stale_until_claimed_and_gone_when_nobody_claims_them() -> None:
    fleet = Fleet()
    fleet.restore([pod("old"), pod("kept")], [SourceStatus("c", "kubernetes", Health.STALE, confirmed_at=5.0)])
    assert all(fleet.is_stale(node) for node in fleet)
    fleet.apply("c", [Snapshot("pods", [pod("kept")])])
    assert "k8s:c/ns/pod/old" in fleet.nodes
    fleet.apply("c", [Ready()])
    assert [change.node.name for change in fleet.forget_unclaimed("c")] == ["old"]
    assert not fleet.is_stale(fleet.nodes["k8s:c/ns/pod/kept"])


def test_restored_nodes_of_a_source_with_a_failing_scope_stay_and_stay_stale() -> None:
    fleet = Fleet()
    fleet.restore([pod("job")], [SourceStatus("c", "kubernetes", Health.STALE)])
    fleet.apply("c", [Trouble("jobs", "forbidden"), Ready()])
    assert fleet.forget_unclaimed("c") == []
    assert fleet.is_stale(fleet.nodes["k8s:c/ns/pod/job"])


def test_listeners_hear_once_a_batch_and_not_of_nothing() -> None:
    fleet = live(Snapshot("pods", [pod("a")]))
    heard: list[list[Change]] = []
    end = fleet.subscribe(heard.append)
    fleet.apply("c", [Delta("pods", [pod("b")]), Delta("pods", [pod("c")])], now=1.0)
    assert [len(changes) for changes in heard] == [2]
    fleet.apply("c", [Delta("pods", [pod("c")])], now=1.0)
    assert len(heard) == 1
    end()
    fleet.apply("c", [Delta("pods", gone=["k8s:c/ns/pod/c"])])
    assert len(heard) == 1


ids = st.sampled_from([f"n{number}" for number in range(12)])
updates = st.one_of(
    st.builds(Snapshot, st.sampled_from("ab"), st.lists(nodes("c", ids), max_size=6, unique_by=lambda node: node.id)),
    st.builds(Delta, st.sampled_from("ab"), st.lists(nodes("c", ids), max_size=3), st.lists(ids, max_size=2)),
)


@given(st.lists(updates, max_size=20))
def test_any_storm_of_updates_leaves_what_a_naive_fleet_would_hold(storm: list[Snapshot | Delta]) -> None:
    fleet = live()
    truth: dict[str, tuple[str, Node]] = {}
    replayed: dict[str, Node] = {}
    for update in storm:
        changes = fleet.apply("c", [update])
        if isinstance(update, Snapshot):
            listed = {node.id for node in update.nodes}
            truth = {key: held for key, held in truth.items() if held[0] != update.scope or key in listed}
            truth |= {node.id: (update.scope, node) for node in update.nodes}
        else:
            truth |= {node.id: (update.scope, node) for node in update.put}
            for gone in update.gone:
                truth.pop(gone, None)
        for change in changes:
            if change.after is None:
                del replayed[change.node.id]
            else:
                assert replayed.get(change.node.id) == change.before
                replayed[change.node.id] = change.after
    assert fleet.nodes == {key: node for key, (_, node) in truth.items()} == replayed
    parents: dict[str, set[str]] = {}
    for node in fleet:
        if node.parent is not None:
            parents.setdefault(node.parent, set()).add(node.id)
    assert {parent: set(beneath) for parent, beneath in fleet.children.items()} == parents
    assert fleet.sources["c"].nodes == len(fleet)


def test_a_forgotten_source_leaves_with_all_its_nodes_and_no_others() -> None:
    fleet = live(Snapshot("pods", [pod("a", parent="x")]), Snapshot("jobs", [pod("job")]))
    fleet.set_source(SourceStatus("d", "ssh"))
    fleet.apply("d", [Snapshot("hosts", [Node("ssh:d/h", "host", "h", "d")]), Ready()])
    sources_when_told: list[set[str]] = []
    fleet.subscribe(lambda changes: sources_when_told.append(set(fleet.sources)))
    changes = fleet.forget_source("c")
    assert {(change.kind, change.node.name) for change in changes} == {(ChangeKind.GONE, "a"), (ChangeKind.GONE, "job")}
    assert sources_when_told == [{"d"}]
    assert [node.name for node in fleet] == ["h"]
    assert fleet.children == {}
    assert fleet.forget_source("c") == []
