"""The merge against a sort."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.block import Block, Origins, block_of
from calmtui.logs.line import SECOND, LogLine, Origin, key
from calmtui.logs.merge import PATIENCE, Merger
from tests.strategies import log_streams

FAR = 10 * SECOND
LOG = Origins()


def block(*lines: LogLine) -> Block:
    return block_of(lines, LOG)


def merging(lateness: int | None) -> Merger:
    return Merger(LOG, lateness)


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
    merger = merging(FAR)
    given_out: list[LogLine] = []
    for came, lines in chunks:
        merger.add(block(*lines), came)
        given_out += merger.take(came)
    given_out += merger.take(3 * FAR)
    assert given_out == sorted((line for _, lines in chunks for line in lines), key=key)
    assert merger.late == 0


@given(arrivals(), st.integers(0, 6))
def test_every_line_is_given_out_once_and_only_late_ones_out_of_order(
    chunks: list[tuple[int, list[LogLine]]], lateness: int
) -> None:
    merger = merging(lateness)
    given_out: list[LogLine] = []
    for came, lines in chunks:
        merger.add(block(*lines), came)
        given_out += merger.take(came)
    given_out += merger.rest()
    assert sorted(map(key, given_out)) == sorted(key(line) for _, lines in chunks for line in lines)
    in_time = [line for line in given_out if not line.late]
    assert in_time == sorted(in_time, key=key)
    assert merger.late == len(given_out) - len(in_time)


@given(log_streams())
def test_without_a_lateness_all_is_kept_until_the_end_and_then_exact(lines: list[LogLine]) -> None:
    merger = merging(None)
    for one in lines:
        merger.add(block(one), came=5)  # a clock that runs ahead is believed here
    assert list(merger.take(FAR)) == []
    assert list(merger.rest()) == sorted(lines, key=key)


def test_a_line_waits_as_long_as_the_lateness_and_no_longer() -> None:
    merger = merging(10)
    merger.add(block(line(5)), came=100)
    assert list(merger.take(109)) == []
    assert list(merger.take(110)) == [line(5)]


def test_a_late_line_is_marked_and_counted() -> None:
    merger = merging(0)
    merger.add(block(line(50)), came=100)
    merger.take(100)
    merger.add(block(line(40, "b")), came=101)
    (late,) = merger.take(101)
    assert late.late
    assert merger.late == 1


def test_history_of_a_stream_opened_later_is_not_late() -> None:
    merger = merging(0)
    merger.add(block(line(50)), came=100)
    merger.take(100)
    merger.add(block(line(40, "b")), came=101, history_before=90)
    assert [given.late for given in merger.take(101)] == [False]


def test_lines_wait_for_a_stream_that_is_being_read_and_has_not_got_as_far() -> None:
    merger = merging(10)
    merger.add(block(line(1_000)), came=1_000)
    merger.add(block(line(900, "behind")), came=1_005)
    assert [one.at for one in merger.take(1_010)] == [900]
    merger.add(block(line(950, "behind", 1)), came=1_015)
    merger.add(block(line(1_001, "behind", 2)), came=1_016)
    assert [(one.at, one.late) for one in merger.take(1_026)] == [(950, False), (1_000, False), (1_001, False)]


def test_when_pressed_for_room_what_all_streams_have_gone_beyond_need_not_wait() -> None:
    merger = merging(10)
    merger.add(block(line(1), line(5, seq=1)), came=FAR, history_before=FAR)
    merger.add(block(line(3, "b"), line(4, "b", 1)), came=FAR, history_before=FAR)
    assert len(merger.take(FAR)) == 0
    assert [one.at for one in merger.take(FAR, pressed=True)] == [1, 3, 4]
    assert [one.at for one in merger.take(FAR + 10)] == [5]


def test_nothing_waits_longer_than_patience_lasts() -> None:
    merger = merging(10)
    merger.add(block(line(FAR)), came=FAR)
    for tick in range(1, 5):
        came = FAR + tick * PATIENCE // 4
        merger.add(block(line(FAR - SECOND + tick, "behind", tick)), came=came)
    assert [one.at for one in merger.take(FAR + PATIENCE)][-1] == FAR


def test_after_a_late_line_lines_wait_as_long_as_it_would_have_needed() -> None:
    merger = merging(10)
    merger.add(block(line(100)), came=100)
    assert len(merger.take(110)) == 1
    merger.add(block(line(95, "slow")), came=125)
    assert [one.late for one in merger.take(125)] == [True]
    merger.add(block(line(200)), came=200)
    assert len(merger.take(220)) == 0
    merger.add(block(line(195, "slow", 1)), came=224)
    assert [(one.at, one.late) for one in merger.take(254)] == [(195, False), (200, False)]
