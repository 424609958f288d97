"""Going on with a log after a break: every line once, in the log's order, and what is gone is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.transport.resume import SLACK, Line, Resume, Silence

SECOND = 10**9
START = 1_795_230_943 * SECOND


@st.composite
def logs(draw: st.DrawFn, most: int = 40) -> list[Line]:
    """Lines as an engine keeps them: two pipes race, several lines have one time, some are alike to the byte."""
    at = START
    log: list[Line] = []
    for _ in range(draw(st.integers(1, most))):
        at += draw(st.sampled_from([0, 0, 1, 50, SLACK // 3, SLACK, 5 * SLACK]))
        late = draw(st.sampled_from([0, 0, 0, 1, 50, SLACK // 2]))
        log.append((max(at - late, START), draw(st.sampled_from([b"same", b"other", b"line %d" % len(log)]))))
    return log


def served(log: list[Line], since: int | None, grain: int = 1) -> list[Line]:
    """What is sent of a log: its lines in its order, none older than a time that is told in whole grains."""
    return log if since is None else [line for line in log if (line[0] or 0) >= since // grain * grain]


def read(resume: Resume, sent: list[Line], piece: int) -> list[Line]:
    """The new lines of what was sent, which comes in pieces."""
    return [line for begin in range(0, len(sent), piece) for line in resume.new(sent[begin : begin + piece])]


@given(logs(), st.lists(st.integers(0, 40), max_size=5), st.integers(1, 7), st.sampled_from([1, SECOND]))
def test_however_often_a_reading_breaks_every_line_comes_once_and_in_order(
    log: list[Line], breaks: list[int], piece: int, grain: int
) -> None:
    resume = Resume()
    got: list[Line] = []
    for reached in [*sorted(min(place, len(log)) for place in breaks), len(log)]:
        resume.again()
        got += read(resume, served(log[:reached], resume.since, grain), piece)
        assert resume.gap is None
    assert got == log


@given(logs(), st.integers(1, 40), st.integers(1, 5), st.data())
def test_what_a_tail_left_out_does_not_come_after_a_break_either(
    log: list[Line], begun: int, tail: int, data: st.DataObject
) -> None:
    log = sorted(log, key=lambda line: line[0] or 0)
    log = [(at, b"%d" % number) for number, (at, _) in enumerate(log)]
    begun = min(begun, len(log))
    resume = Resume()
    got = resume.new(log[:begun][-tail:])
    for reached in [*sorted(data.draw(st.lists(st.integers(begun, len(log)), max_size=3))), len(log)]:
        resume.again()
        got = got + resume.new(served(log[:reached], resume.since, SECOND))
    assert got == log[max(begun - tail, 0) :]


@given(logs(20), logs(20), st.integers(1, 5))
def test_a_log_whose_known_part_is_gone_gives_its_new_lines_after_a_gap(
    before: list[Line], after: list[Line], piece: int
) -> None:
    resume = Resume()
    resume.new(before)
    lag = resume.latest - START + 10 * SLACK
    later: list[Line] = [((at or 0) + lag, text) for at, text in after]
    resume.again()
    got: list[Line] = []
    gaps = []
    for begin in range(0, len(later), piece):
        got += resume.new(later[begin : begin + piece])
        gaps += [resume.gap] if resume.gap else []
    assert got == later
    assert gaps == [(resume_latest(before), later[0][0])]


def resume_latest(lines: list[Line]) -> int:
    return max(at or 0 for at, _ in lines)


@given(logs(), st.integers(0, 39))
def test_a_log_cut_off_before_the_last_known_line_has_no_gap(log: list[Line], place: int) -> None:
    log = [(at, b"%d" % number) for number, (at, _) in enumerate(log)]
    place = min(place, len(log) - 1)
    resume = Resume()
    got = resume.new(log[: place + 1])
    resume.again()
    got = got + resume.new(served(log[place:], resume.since))
    assert resume.gap is None
    assert got == log


@given(logs(20), logs(20), st.integers(0, 20))
def test_a_log_that_began_anew_has_no_gap_and_what_was_read_of_it_does_not_come_twice(
    before: list[Line], after: list[Line], read_already: int
) -> None:
    resume = Resume()
    got = resume.new(before)
    lag = resume.latest - START + 10 * SLACK
    later: list[Line] = [((at or 0) + lag, b"%d" % number) for number, (at, _) in enumerate(after)]
    got = got + resume.new(later[:read_already])
    resume.again(anew=True)
    got = got + resume.new(served(later, resume.since))
    assert resume.gap is None
    assert got == before + later


def test_lines_held_back_come_when_nothing_else_does() -> None:
    resume = Resume()
    resume.new([(START + 5, b"read")])
    resume.again()
    assert resume.new([(START + 4, b"raced behind it")]) == []
    assert resume.settle() == [(START + 4, b"raced behind it")]
    assert resume.gap == (START + 5, START + 4)
    assert resume.settle() == []
    assert resume.new([(START + 6, b"more")]) == [(START + 6, b"more")]


@given(logs(), st.integers(0, 60))
def test_nothing_older_than_what_was_asked_for_is_read(log: list[Line], tenths: int) -> None:
    floor = START + tenths * SECOND // 10
    resume = Resume(floor)
    assert resume.new(served(log, floor, SECOND)) == [line for line in log if (line[0] or 0) >= floor]


def test_what_the_source_itself_says_without_a_time_is_passed_on() -> None:
    resume = Resume(START)
    assert resume.new([(None, b"rpc error"), (0, b"old")]) == [(None, b"rpc error")]
    assert resume.since is None
    resume.new([(START + 1, b"a line")])
    resume.again()
    assert resume.new([(None, b"rpc error"), (START + 1, b"a line")]) == [(None, b"rpc error")]


def test_only_the_lines_of_the_last_seconds_are_remembered() -> None:
    resume = Resume()
    for number in range(5000):
        resume.new([(START + number * SECOND // 100, b"%d" % number)])
    assert resume.since is not None
    assert START + 4999 * SECOND // 100 - resume.since <= 4 * SLACK
    assert len(resume._older) + len(resume._recent) <= 300


def test_a_log_that_is_quiet_is_told_from_one_that_is_no_longer_sent() -> None:
    resume = Resume()
    resume.new([(START, b"read")])
    silence = Silence(resume, left_out=0)
    assert [silence.stalled(START) for _ in range(3)] == [False, False, False]
    assert not silence.stalled(START + 5)  # it may be under way
    resume.new([(START + 5, b"it was")])
    assert not silence.stalled(START + 9)
    assert silence.stalled(START + 9)


def test_lines_that_were_not_asked_for_are_not_waited_for() -> None:
    silence = Silence(Resume(), left_out=START)
    assert [silence.stalled(START) for _ in range(3)] == [False, False, False]
    assert [silence.stalled(START + 1) for _ in range(2)] == [False, True]
