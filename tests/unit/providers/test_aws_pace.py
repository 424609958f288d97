"""How often a region is asked, and what is new on a console."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.aws.console import added
from calmtui.providers.aws.pace import FAST_LIMIT, FASTEST, SLOWEST, Pace

JITTER = (0.8, 1.2)


def test_throttling_slows_a_region_down_and_answers_bring_it_back() -> None:
    pace = Pace(45)
    slower = [pace.throttled() for _ in range(3)]
    assert slower[0] >= 90 * JITTER[0]
    assert slower[2] >= 360 * JITTER[0]
    back = [pace.listed() for _ in range(3)]
    assert back[0] >= 180 * JITTER[0]
    assert back[2] <= 45 * JITTER[1]


def test_a_failing_region_is_tried_again_soon_and_then_as_seldom_as_usual() -> None:
    pace = Pace(45)
    pauses = [pace.failed() for _ in range(8)]
    assert pauses[0] <= 2 * JITTER[1]
    assert 45 * JITTER[0] <= pauses[-1] <= 45 * JITTER[1]
    pace.listed()
    assert pace.failed() <= 2 * JITTER[1]


def test_after_an_action_questions_come_within_a_second_or_so_and_then_less_often() -> None:
    pace = Pace(45)
    pauses = [pace.watching() for _ in range(20)]
    assert pauses[0] <= FASTEST * JITTER[1]
    assert FAST_LIMIT * JITTER[0] <= pauses[-1] <= FAST_LIMIT * JITTER[1]
    pace.hurry()
    assert pace.watching() <= FASTEST * JITTER[1]


@given(st.lists(st.sampled_from(["listed", "throttled", "failed", "watching", "hurry"])), st.floats(5, 3600))
def test_no_course_of_events_leads_to_a_busy_loop_or_to_silence(course: list[str], every: float) -> None:
    pace = Pace(every)
    for event in course:
        pause = getattr(pace, event)()
        assert pause is None or FASTEST * JITTER[0] <= pause <= max(SLOWEST, every) * JITTER[1]


LINES = st.lists(st.binary(max_size=4).map(lambda text: text.replace(b"\n", b"")), max_size=12)


@given(LINES, LINES)
def test_lines_added_to_a_console_are_told_once(before: list[bytes], more: list[bytes]) -> None:
    assert added(before, before + more) == (more, True)


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 39))
def test_a_console_that_has_lost_its_beginning_is_followed_on(size: int, more: int, lost: int) -> None:
    whole = [b"line %d " % number for number in range(size + more)]
    lost = min(lost, size - 1)
    assert added(whole[:size], whole[lost:]) == (whole[size:], True)


def test_a_console_that_began_anew_is_told_whole_and_as_a_gap() -> None:
    assert added([b"[1] one", b"[2] two"], [b"[0] boot"]) == ([b"[0] boot"], False)


def test_a_line_that_was_cut_where_ec2_looked_is_told_again_when_it_is_whole() -> None:
    assert added([b"one", b"tw"], [b"one", b"two", b"three"]) == ([b"two", b"three"], True)
