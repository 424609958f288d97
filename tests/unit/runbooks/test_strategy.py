"""Whatever fails and in whatever order nodes end: no more at once than may be, and enough of the others run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.node import Node
from calmtui.runbooks.declared import Rolled, Rolling
from calmtui.runbooks.strategy import Pace, at_least, course

amounts = st.integers(0, 9).map(str) | st.integers(0, 100).map("{}%".format)
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


@given(amount=amounts, total=st.integers(1, 200))
def test_a_percentage_of_the_healthy_is_rounded_up(amount: str, total: int) -> None:
    least = at_least(amount, total)
    if amount.endswith("%"):
        assert 100 * (least - 1) < total * int(amount[:-1]) <= 100 * least
    else:
        assert least == int(amount)


@given(
    count=st.integers(1, 30),
    parallel=st.integers(1, 10),
    least=st.integers(0, 30),
    broken=st.sets(st.integers(0, 29)),
    data=st.data(),
)
def test_neither_too_many_at_once_nor_too_few_healthy(
    count: int, parallel: int, least: int, broken: set[int], data: st.DataObject
) -> None:
    ids = [node.id for node in _nodes(count)]
    healthy = {node_id for number, node_id in enumerate(ids) if number not in broken}
    pace = Pace(ids, parallel, least)
    begun: list[str] = []
    while True:
        while (node_id := pace.begin(healthy)) is not None:
            begun.append(node_id)
            assert len(pace.under_way) <= parallel
            assert len(healthy - pace.under_way) >= least
        if not pace.under_way:
            break
        ended = data.draw(st.sampled_from(sorted(pace.under_way)))
        pace.end(ended)
        if data.draw(st.booleans()):
            healthy.discard(ended)  # it has failed
    assert begun == ids[: len(begun)]
    if len(begun) < count:
        assert len(healthy - {ids[len(begun)]}) < least
