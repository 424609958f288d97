"""The outline against a naive tree that is built anew from the fleet after every step."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.grouping import BY_SOURCE, GROUPINGS, ORDERS, Grouping, by_name, grouping, natural
from calmtui.fleet.node import Node, State
from calmtui.fleet.outline import Outline
from calmtui.fleet.row import Row
from calmtui.fleet.source import SourceStatus
from calmtui.fleet.update import Delta

IDS = [f"n{number}" for number in range(9)]


def source_of(node: Node) -> Node:
    """The node in the source that its id belongs to; its parent may be in the other one."""
    return msgspec.structs.replace(node, source="east" if node.id < "n6" else "west")


nodes = st.builds(
    Node,
    id=st.sampled_from(IDS),
    kind=st.sampled_from(["pod", "host"]),
    name=st.sampled_from(["web-2", "web-10", "api", "db"]),
    source=st.just(""),
    parent=st.none() | st.sampled_from(IDS),
    state=st.sampled_from(State),
    env=st.sampled_from(["", "prod"]),
    service=st.sampled_from(["", "shop"]),
).map(source_of)
steps = st.one_of(
    st.tuples(st.just("put"), st.lists(nodes, min_size=1, max_size=4)),
    st.tuples(st.just("gone"), st.lists(st.sampled_from(IDS), min_size=1, max_size=4)),
    st.tuples(st.just("fold"), st.integers(0, 30)),
    st.tuples(st.just("fold all"), st.booleans()),
    st.tuples(st.just("filter"), st.sampled_from(["", "web", "api", "nothing"])),
    st.tuples(st.just("group"), st.sampled_from(GROUPINGS)),
    st.tuples(st.just("order"), st.sampled_from(sorted(ORDERS))),
    st.tuples(st.just("source"), st.sampled_from(["east", "north"])),
)


class Naive:
    """The rows that should be visible, by the definition alone."""

    def __init__(self, outline: Outline, text: str) -> None:
        self.outline, self.text = outline, text
        self.nodes = outline.fleet.nodes
        self.beneath: dict[str, list[str]] = {}
        self.values: dict[str, tuple[str, ...]] = {}
        for node in self.nodes.values():
            self.beneath.setdefault(self.container(node), []).append(node.id)
        if outline.grouping is BY_SOURCE:
            for name in outline.fleet.sources:
                self.group((name,))

    def group(self, values: tuple[str, ...]) -> str:
        group_id = "\0" + "\0".join(values)
        if values and group_id not in self.values:
            self.values[group_id] = values
            above = self.group(values[:-1]) if len(values) > 1 else ""
            self.beneath.setdefault(above, []).append(group_id)
        return group_id

    def container(self, node: Node) -> str:
        if self.outline.grouping.nested:
            chain, step = [node.id], node
            while (parent := self.nodes.get(step.parent or "")) is not None and parent.source == node.source:
                if parent.id in chain:
                    break  # a circle: nobody is above anybody
                chain.append(parent.id)
                step = parent
            else:
                if len(chain) > 1:
                    return chain[1]
        return self.group(tuple(getattr(node, level) or "" for level in self.outline.grouping.levels))

    def matches(self, row_id: str) -> bool:
        node = self.nodes.get(row_id)
        return node is not None and self.text in node.name

    def counts(self, row_id: str) -> dict[State, int]:
        found: dict[State, int] = {}
        for child in self.beneath.get(row_id, ()):
            for state, count in self.counts(child).items():
                found[state] = found.get(state, 0) + count
            if self.matches(child):
                state = self.nodes[child].state
                found[state] = found.get(state, 0) + 1
        return found

    def place(self, row_id: str) -> str:
        if row_id in self.values:
            value = self.values[row_id][-1]
            return f"\0{'' if value else '~'}\0{natural(value)}\0{row_id}"
        return self.outline.order(self.nodes[row_id])

    def visible(self, row_id: str = "") -> list[str]:
        found = []
        for child in sorted(self.beneath.get(row_id, ()), key=self.place):
            empty_source = not self.text and child in self.values and self.outline.grouping is BY_SOURCE
            if not (self.matches(child) or self.counts(child) or empty_source):
                continue
            found.append(child)
            row = self.outline.row(child)
            assert row is not None, child
            if self.beneath.get(child) and self.outline.is_open(row):
                found += self.visible(child)
        return found


def check(outline: Outline, text: str) -> None:
    naive = Naive(outline, text)
    assert [row.id for row in outline.rows] == naive.visible()
    for row in outline.rows:
        assert row.counts == naive.counts(row.id), row.id
        assert outline.rows[outline.index(row.id) or 0] is row
    assert outline.matching == sum(map(naive.matches, outline.fleet.nodes))
    states = [node.state for node in outline.fleet]
    assert {state: count for state, count in outline.census.items() if count} == {s: states.count(s) for s in states}


def feed(fleet: Fleet, values: Sequence[Node | str]) -> None:
    for value in values:
        if isinstance(value, Node):
            fleet.apply(value.source, [Delta("", put=[value])])
        elif (known := fleet.get(value)) is not None:
            fleet.apply(known.source, [Delta("", gone=[value])])


@given(st.lists(steps, max_size=25))
def test_after_any_steps_the_outline_shows_what_a_naive_tree_shows(steps: list[tuple[str, object]]) -> None:
    fleet, text = Fleet(), ""
    outline = Outline(fleet)
    fleet.subscribe(lambda changes: outline.refresh({change.node.id for change in changes}))
    for step, value in steps:
        match step, value:
            case "put" | "gone", list():
                feed(fleet, value)
            case "fold", int() if outline.rows:
                row = outline.rows[value % len(outline.rows)]
                outline.fold(row, opened=not outline.is_open(row))
            case "fold all", bool():
                outline.fold_all(opened=value)
            case "filter", str():
                text = value
                outline.filter((lambda node, text=text: text in node.name) if text else None)
            case "group", Grouping():
                outline.regroup(value)
            case "order", str():
                outline.reorder(ORDERS[value])
            case "source", str():
                fleet.set_source(SourceStatus(value, "ssh"))
                outline.refresh_sources()
        check(outline, text)


batches = st.lists(st.lists(nodes | st.sampled_from(IDS), max_size=30), max_size=4)


@given(batches)
def test_many_changes_taken_in_at_once_come_to_the_same_as_one_by_one(given: list[list[Node | str]]) -> None:
    fleet = Fleet()
    outline = Outline(fleet)
    outline.fold_all(opened=True)
    for batch in given:
        feed(fleet, batch)
        outline.refresh({value if isinstance(value, str) else value.id for value in batch})
        check(outline, "")


def fleet_of(*given: Node) -> Fleet:
    fleet = Fleet()
    fleet.restore(given, [SourceStatus(name, "ssh") for name in sorted({node.source for node in given})])
    return fleet


def node(name: str, state: State = State.RUNNING, **more: object) -> Node:
    return msgspec.structs.replace(Node(f"id-{name}", "host", name, "lab", state=state), **more)  # type: ignore[arg-type]


def names(outline: Outline) -> list[str]:
    return [row.node.name if row.node else row.name for row in outline.rows]


def test_names_are_sorted_as_people_count() -> None:
    outline = Outline(fleet_of(node("web-10"), node("web-9"), node("Web-1")))
    assert names(outline) == ["lab", "Web-1", "web-9", "web-10"]


def test_trouble_first_puts_failed_before_degraded_before_the_rest() -> None:
    outline = Outline(fleet_of(node("a"), node("b", State.DEGRADED), node("c", State.FAILED)), order=by_name)
    outline.reorder(ORDERS["trouble"])
    assert names(outline) == ["lab", "c", "b", "a"]


def test_a_folded_row_still_counts_what_is_in_trouble_beneath_it() -> None:
    outline = Outline(fleet_of(node("host"), node("unit", State.FAILED, parent="id-host")))
    host = outline.rows[1]
    assert not outline.is_open(host)
    assert host.counts == {State.FAILED: 1}
    assert host.troubled


def test_a_group_stands_for_its_nodes_and_not_for_what_hangs_under_them() -> None:
    outline = Outline(fleet_of(node("host"), node("unit", parent="id-host")))
    assert [found.name for found in outline.within(outline.rows[0])] == ["host"]


def test_an_unfolded_node_and_what_hangs_under_it_may_go_at_once() -> None:
    fleet = fleet_of(node("host"), node("unit", parent="id-host"), node("other"))
    outline = Outline(fleet)
    outline.fold_all(opened=True)
    fleet.apply("lab", [Delta("", gone=["id-host", "id-unit"])])
    outline.refresh(["id-host", "id-unit"])
    assert names(outline) == ["lab", "other"]


def test_revealing_a_node_unfolds_what_it_hangs_under() -> None:
    outline = Outline(fleet_of(node("host"), node("unit", parent="id-host")))
    outline.fold_all(opened=False)
    index = outline.reveal("id-unit")
    assert index is not None
    assert names(outline)[index] == "unit"


def test_next_goes_from_trouble_to_trouble_and_under_a_filter_from_match_to_match() -> None:
    outline = Outline(fleet_of(node("a"), node("b", State.FAILED), node("c"), node("d", State.FAILED)))
    assert names(outline)[outline.next(2, 1) or 0] == "d"
    assert outline.next(4, 1) is None
    outline.filter(lambda found: found.name in "ac")
    assert outline.rows[outline.next(0, 1) or 0].node == node("a")


def test_a_source_without_nodes_has_a_row() -> None:
    fleet = fleet_of()
    outline = Outline(fleet)
    fleet.set_source(SourceStatus("cloud", "aws", error="no answer"))
    outline.refresh_sources()
    assert names(outline) == ["cloud"]


def test_a_grouping_can_be_by_any_label_and_an_unknown_one_says_what_there_is() -> None:
    outline = Outline(fleet_of(node("a", labels={"tier": "front"}), node("b")))
    outline.regroup(grouping("label.tier"))
    assert names(outline) == ["front", "a", "", "b"]
    with pytest.raises(Exception, match="there are source, service"):
        grouping("colour")


def test_one_change_in_an_unfolded_tree_moves_the_other_rows_without_making_them_anew() -> None:
    fleet = fleet_of(*(node(f"n{number}") for number in range(50)))
    outline = Outline(fleet)
    before: list[Row] = outline.rows
    fleet.apply("lab", [Delta("", put=[node("n7b")])])
    outline.refresh(["id-n7b"])
    assert outline.rows is before
    assert names(outline)[8:11] == ["n7", "n7b", "n8"]


def test_regrouping_takes_in_what_changed_since_the_last_refresh() -> None:
    fleet = fleet_of(node("a"), node("b"), node("c"))
    outline = Outline(fleet)
    fleet.apply("lab", [Delta("", put=[node("a", State.FAILED), node("d")], gone=["id-b"])])
    outline.regroup(GROUPINGS[-1])
    check(outline, "")
    outline.refresh(["id-a", "id-b", "id-d"])
    check(outline, "")
