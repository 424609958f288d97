from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.actions.catalogue import READ_ONLY, choices
from calmtui.fleet.node import Node, State
from tests.unit.actions.workshop import ACTIONS, CATALOGUE, node

RUNNING = node("web-1")
STOPPED = node("web-2", actions=["start", "destroy"], state=State.STOPPED, raw_state="exited")


def why(nodes: list[Node], name: str, peers: list[Node] | None = None, *, read_only: bool = False) -> str:
    found = choices(nodes, CATALOGUE, peers or nodes, read_only=read_only)
    return next(choice.why_not for choice in found if choice.name == name)


def test_only_what_every_node_allows_can_be_chosen() -> None:
    found = choices([RUNNING, STOPPED], CATALOGUE, [RUNNING, STOPPED], read_only=False)
    assert [choice.name for choice in found if not choice.why_not] == ["destroy"]
    assert [choice.name for choice in found] == ["destroy", "start", "stop"]


def test_what_one_node_does_not_allow_says_its_state() -> None:
    assert why([STOPPED], "stop", [RUNNING, STOPPED]) == "thing web-2 is exited: it does not offer stop"


def test_what_some_nodes_do_not_offer_counts_and_names_them() -> None:
    nodes = [RUNNING, *(node(f"db-{number}", kind="host", actions=["destroy"]) for number in range(4))]
    assert why(nodes, "stop") == (
        "4 of 5 nodes do not offer it: db-0 (host, running), db-1 (host, running), db-2 (host, running) and 1 more"
    )


def test_an_action_of_another_state_is_listed_because_a_peer_allows_it_now() -> None:
    assert [choice.name for choice in choices([RUNNING], CATALOGUE, [RUNNING], read_only=False)] == ["stop", "destroy"]
    assert "start" in [choice.name for choice in choices([RUNNING], CATALOGUE, [RUNNING, STOPPED], read_only=False)]


def test_read_only_leaves_nothing_to_choose_and_says_why() -> None:
    found = choices([RUNNING], CATALOGUE, [RUNNING], read_only=True)
    assert {choice.why_not for choice in found} == {READ_ONLY}


def test_an_action_that_the_provider_does_not_declare_is_not_offered() -> None:
    assert choices([node("odd", actions=["explode"])], CATALOGUE, [], read_only=False) == []


@given(st.lists(st.lists(st.sampled_from(sorted(ACTIONS)), unique=True), min_size=1, max_size=8))
def test_what_can_be_chosen_is_the_intersection_of_what_the_nodes_allow(allowed: list[list[str]]) -> None:
    nodes = [node(f"n{number}", actions=actions) for number, actions in enumerate(allowed)]
    found = choices(nodes, CATALOGUE, nodes, read_only=False)
    assert {choice.name for choice in found if not choice.why_not} == set.intersection(*map(set, allowed))
    assert {choice.name for choice in found} == set.union(*map(set, allowed))
