"""The merge against a sort."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.line import SECOND, LogLine, Origin, key
from calmtui.logs.merge import Merger
from tests.strategies import log_streams

FAR = 10 * SECOND


def line(at: int, node: str = "a", seq: int = 0) -> LogLine:
    return LogLine(at, at, Origin("lab", node, node), seq, "")


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, list[LogLine]]]:
    """Lines in chunks, with the moment at which each chunk comes; moments rise."""
    lines = draw(st.permutations(draw(log_streams())))
    chunks, came = [], FAR
    while lines:
        size = draw(st.integers(1, 5))
        came += draw(st.integers(0, 4))
        chunks.append((came, lines[:size]))
        lines = lines[size:]
    return chunks


@given(arrivals())
def test_lines_that_come_within_the_lateness_are_given_out_as_sorted(chunks: list[tuple[int, list[LogLine]]]) -> None:
    merger = Merger(lateness=FAR)
    given_out = []
    for came, lines in chunks:
        merger.add(lines, came)
        given_out += merger.take(came)
    given_out += merger.take(3 * FAR)
    assert given_out == sorted((line for _, lines in chunks for line in lines), key=key)
    assert merger.late == 0


@given(arrivals(), st.integers(0, 6))
def test_every_line_is_given_out_once_and_only_late_ones_out_of_order(
    chunks: list[tuple[int, list[LogLine]]], lateness: int
) -> None:
    merger = Merger(lateness)
    given_out = []
    for came, lines in chunks:
        merger.add(lines, came)
        given_out += merger.take(came)
    given_out += merger.rest()
    assert sorted(map(key, given_out)) == sorted(key(line) for _, lines in chunks for line in lines)
    in_time = [line for line in given_out if not line.late]
    assert in_time == sorted(in_time, key=key)
    assert merger.late == len(given_out) - len(in_time)


@given(log_streams())
def test_without_a_lateness_all_is_kept_until_the_end_and_then_exact(lines: list[LogLine]) -> None:
    merger = Merger(None)
    for one in lines:
        merger.add([one], came=5)  # a clock that runs ahead is believed here
    assert merger.take(FAR) == []
    assert merger.rest() == sorted(lines, key=key)


def test_a_line_waits_as_long_as_the_lateness_and_no_longer() -> None:
    merger = Merger(lateness=10)
    merger.add([line(5)], came=100)
    assert merger.take(109) == []
    assert merger.take(110) == [line(5)]


def test_a_late_line_is_marked_and_counted() -> None:
    merger = Merger(lateness=0)
    merger.add([line(50)], came=100)
    merger.take(100)
    merger.add([line(40, "b")], came=101)
    (late,) = merger.take(101)
    assert late.late
    assert merger.late == 1


def test_history_of_a_stream_opened_later_is_not_late() -> None:
    merger = Merger(lateness=0)
    merger.add([line(50)], came=100)
    merger.take(100)
    merger.add([line(40, "b")], came=101, history_before=90)
    assert [given.late for given in merger.take(101)] == [False]


def test_a_clock_that_runs_ahead_does_not_hide_the_others() -> None:
    merger = Merger(lateness=0)
    merger.add([line(9_000, "ahead")], came=100)
    (first,) = merger.take(100)
    assert (first.at, first.ts) == (100, 9_000)
    merger.add([line(101, "b")], came=101)
    assert not merger.take(101)[0].late


def test_a_time_in_whole_seconds_stands_where_in_that_second_the_line_came() -> None:
    merger = Merger(lateness=10)
    merger.add([line(100 * SECOND + 700_000_000, "exact")], came=100 * SECOND + 700_000_000)
    assert len(merger.take(100 * SECOND + 700_000_010)) == 1
    merger.add([line(100 * SECOND, "coarse")], came=100 * SECOND + 800_000_000)
    merger.add([line(90 * SECOND, "old")], came=100 * SECOND + 800_000_000)
    given_out = merger.take(101 * SECOND)
    assert [(one.origin.node, one.late) for one in given_out] == [("old", True), ("coarse", False)]
    assert given_out[1].ts == 100 * SECOND
