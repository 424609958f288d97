"""Every node is in one batch, in the order that was asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.node import Node
from calmtui.runbooks.strategies import Rolled, Rolling
from calmtui.runbooks.strategy import course

batches = st.lists(st.integers(1, 9).map(str) | st.integers(1, 100).map("{}%".format), min_size=1, max_size=4)


def _nodes(count: int) -> list[Node]:
    return [Node(f"n{number:03d}", "host", f"n{number:03d}", "s", region=f"r{number % 3}") for number in range(count)]


@given(count=st.integers(1, 60), parts=batches, order=st.sampled_from(["name", "reverse", "spread"]))
def test_every_node_is_in_one_batch_and_none_is_empty(count: int, parts: list[str], order: str) -> None:
    rolling = Rolling(batches=parts, order=order)  # type: ignore[arg-type]
    found = course(Rolled(rolling=rolling), _nodes(count), "stop")
    assert sorted(node.id for stage in found.stages for node in stage) == [node.id for node in _nodes(count)]
    assert all(found.stages)


@given(count=st.integers(1, 60))
def test_spread_takes_from_each_region_in_turn(count: int) -> None:
    found = course(Rolled(rolling=Rolling(order="spread")), _nodes(count), "stop")
    regions = [node.region for node in found.stages[0]]
    for begin in range(0, count - 2, 3):
        assert len(set(regions[begin : begin + 3])) == 3


def test_one_at_a_time_and_all_are_what_they_say() -> None:
    single = course("one at a time", _nodes(3), "stop")
    assert ([len(stage) for stage in single.stages], single.parallel, single.max_failed) == ([1, 1, 1], 1, 0)
    whole = course("all", _nodes(3), "continue")
    assert ([len(stage) for stage in whole.stages], whole.max_failed) == ([3], None)
