"""Whatever fails and in whatever order nodes end: no more at once than may be, and enough of the others run."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from calmtui.actions import batches
from calmtui.actions.pace import Pace

amounts = st.integers(0, 9).map(str) | st.integers(0, 100).map("{}%".format)


@given(amount=amounts, total=st.integers(1, 200))
def test_a_percentage_of_the_healthy_is_rounded_up(amount: str, total: int) -> None:
    least = batches.least(amount, total)
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
    ids = [f"n{number}" for number in range(count)]
    healthy = {node_id for number, node_id in enumerate(ids) if number not in broken}
    pace = Pace(deque(ids), parallel, least)
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
