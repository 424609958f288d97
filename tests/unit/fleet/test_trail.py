"""The trail of nodes that were looked at: back, forth, and elsewhere from the middle."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.trail import LONGEST, Trail

STEPS = st.lists(st.sampled_from(["a", "b", "c", -1, 1]), max_size=40)


@given(STEPS)
def test_it_goes_where_a_browser_would(steps: list[str | int]) -> None:
    trail = Trail()
    behind: list[str] = []
    ahead: list[str] = []
    for step in steps:
        match step:
            case str():
                trail.visit(step)
                if behind[-1:] != [step]:
                    behind, ahead = [*behind, step], []
            case -1:
                assert trail.step(-1) == (behind[-2] if len(behind) > 1 else None)
                if len(behind) > 1:
                    ahead.insert(0, behind.pop())
            case _:
                assert trail.step(1) == (ahead[0] if ahead else None)
                if ahead:
                    behind.append(ahead.pop(0))


def test_the_oldest_are_forgotten() -> None:
    trail = Trail()
    for number in range(2 * LONGEST):
        trail.visit(str(number))
    back = 0
    while trail.step(-1) is not None:
        back += 1
    assert back == LONGEST - 1
