from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.actions.plan import MANY, Plan, filled, make
from calmtui.errors import UsageError
from calmtui.fleet.node import Node, State
from calmtui.providers.base import Danger
from tests.unit.actions.workshop import ACTIONS, CATALOGUE, node


def plan(name: str, *nodes: Node, hidden: int = 0, stale: bool = False) -> Plan:
    return make(name, nodes, CATALOGUE, hidden=hidden, is_stale=lambda _: stale)


def many(count: int, **more: object) -> list[Node]:
    return [node(f"web-{number}", **more) for number in range(count)]  # type: ignore[arg-type]


# The danger of a plan: the action's own, one step up for any reason, at the most.
CASES = [
    # action, nodes, hidden, stale -> danger, words of the reasons
    ("stop", many(1), 0, False, Danger.CONFIRM, []),
    ("stop", many(MANY), 0, False, Danger.CONFIRM, []),
    ("stop", many(MANY + 1), 0, False, Danger.TYPE_NAME, ["11 nodes are more than 10"]),
    ("stop", many(1, env="production"), 0, False, Danger.TYPE_NAME, ["this is production"]),
    ("stop", many(1, env="Prod"), 0, False, Danger.TYPE_NAME, ["this is Prod"]),
    ("stop", many(1, env="preprod"), 0, False, Danger.CONFIRM, []),
    ("stop", many(2), 1, False, Danger.TYPE_NAME, ["1 of them is hidden by the filter"]),
    ("stop", many(2), 0, True, Danger.TYPE_NAME, ["2 of them are stale"]),
    ("start", many(1, actions=["start"]), 0, False, Danger.NONE, []),
    # What harms nothing is never more than confirmed, however many reasons there are.
    ("start", many(20, actions=["start"], env="production"), 3, True, Danger.CONFIRM, ["production", "20", "3", "20"]),
    ("destroy", many(1), 0, False, Danger.TYPE_NAME, []),
]


@pytest.mark.parametrize(("action", "nodes", "hidden", "stale", "danger", "reasons"), CASES)
def test_the_danger_grows_with_what_is_touched(
    action: str, nodes: list[Node], hidden: int, stale: bool, danger: Danger, reasons: list[str]
) -> None:
    made = plan(action, *nodes, hidden=hidden, stale=stale)
    assert made.danger is danger
    assert len(made.reasons) == len(reasons)
    assert all(word in reason for word, reason in zip(reasons, made.reasons, strict=True))
    assert bool(made.typed) == (danger is Danger.TYPE_NAME)


@pytest.mark.parametrize(
    ("nodes", "typed"),
    [
        ([node("db-1")], "db-1"),
        ([node("a", service="web"), node("b", service="web")], "web"),
        ([node("a", service="web"), node("b", service="api")], "destroy 2"),
        ([node("a"), node("b")], "destroy 2"),
        ([node("naïve")], "destroy 1"),
        ([node("x" * 41)], "destroy 1"),
    ],
)
def test_what_must_be_typed_can_be_typed_and_names_what_is_touched(nodes: list[Node], typed: str) -> None:
    assert plan("destroy", *nodes).typed == typed


def test_nodes_that_do_not_allow_it_are_left_out_with_the_reason() -> None:
    made = plan("stop", node("a"), node("b", actions=["start"], state=State.FAILED, raw_state="dead"))
    assert [target.node.name for target in made.targets] == ["a"]
    assert [item.reason for item in made.left_out] == ["thing b is dead: it does not offer stop"]
    assert made.undo == "start"


def test_a_node_named_twice_is_touched_once() -> None:
    assert len(plan("stop", node("a"), node("a")).targets) == 1


def test_an_action_that_nobody_knows_names_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"knows the action 'explode'; they offer: destroy, stop"):
        plan("explode", node("a"))


def test_a_plan_is_filled_with_checked_values() -> None:
    made = plan("scale", node("a", actions=["scale"]))
    assert filled(made, {"replicas": " 03 "}).parameters == {"replicas": "3"}
    for wrong, text in (
        ({}, "replicas is needed"),
        ({"replicas": "x"}, "whole number"),
        ({"size": "1"}, "no parameter"),
    ):
        with pytest.raises(UsageError, match=text):
            filled(made, wrong)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.lists(st.sampled_from(sorted(ACTIONS)), unique=True)), min_size=1)
)
def test_every_node_that_was_asked_for_is_a_target_or_left_out_and_never_both(
    asked: list[tuple[str, list[str]]],
) -> None:
    nodes = {name: node(name, actions=actions) for name, actions in asked}
    made = plan("stop", *nodes.values())
    targets = {target.node.id for target in made.targets}
    left_out = {item.node.id for item in made.left_out}
    assert targets | left_out == {one.id for one in nodes.values()}
    assert not targets & left_out
    assert all("stop" in target.node.actions for target in made.targets)
