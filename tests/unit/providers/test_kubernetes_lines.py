"""Log lines: their times, and going on exactly where a stream broke."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.kubernetes.lines import SECOND, Line, Position, parse

START = 1_795_230_943


@pytest.mark.parametrize(
    ("raw", "at", "text"),
    [
        (b"2026-11-21T03:15:43.123456789Z hello", START * SECOND + 123_456_789, b"hello"),
        (b"2026-11-21T03:15:43Z hello", START * SECOND, b"hello"),
        (b"2026-11-21T05:15:43.5+02:00 two  spaces ", START * SECOND + 500_000_000, b"two  spaces "),
        (b"2026-11-21T03:15:43.5Z ", START * SECOND + 500_000_000, b""),
        (b"2026-11-21T03:15:43.5Z", START * SECOND + 500_000_000, b""),
        (b"unable to retrieve container logs", None, b"unable to retrieve container logs"),
        (b"2026-99-21T03:15:43Z no date", None, b"2026-99-21T03:15:43Z no date"),
        (b"", None, b""),
    ],
)
def test_a_line_is_its_time_and_its_text(raw: bytes, at: int | None, text: bytes) -> None:
    assert parse(raw) == (at, text)


# A log of about five seconds, several lines a moment, slightly out of order as two pipes make it.
moments = st.lists(st.integers(0, 50), max_size=40).map(
    lambda tenths: [START * SECOND + tenth * SECOND // 10 for tenth in sorted(tenths)]
)


@st.composite
def logs(draw: st.DrawFn) -> list[Line]:
    """Lines as a runtime keeps them; neighbours may have changed places within 0.3 s."""
    times = draw(moments)
    for index in range(len(times) - 1):
        if times[index + 1] - times[index] < 3 * SECOND // 10 and draw(st.booleans()):
            times[index], times[index + 1] = times[index + 1], times[index]
    return [(at, b"line %d" % number) for number, at in enumerate(times)]


def served(log: list[Line], since_time: str | None) -> list[Line]:
    """What the API sends: lines in the log's order, not older than a whole second."""
    if since_time is None:
        return log
    since = int(datetime.fromisoformat(since_time).timestamp()) * SECOND
    return [line for line in log if line[0] is None or line[0] >= since]


@given(logs(), st.lists(st.integers(0, 40), max_size=4), st.integers(1, 7))
def test_however_often_a_stream_breaks_no_line_is_lost_or_doubled(
    log: list[Line], breaks: list[int], piece: int
) -> None:
    position = Position()
    got: list[Line] = []
    for last in [*sorted(breaks), len(log)]:
        position.rewind()
        sent = served(log[:last], position.since_time)
        for begin in range(0, len(sent), piece):
            got += position.fresh(sent[begin : begin + piece])

    # A line that a runtime writes a second late, behind one that was read, cannot be asked for again.
    late = {
        line
        for index, line in enumerate(log)
        if any(before[0] // SECOND > line[0] // SECOND for before in log[:index] if before[0] and line[0])
    }
    assert len(got) == len(set(got))
    assert [line for line in log if line not in late] == [line for line in got if line not in late]


@given(st.sets(st.integers(0, 50), min_size=1), st.integers(1, 40), st.integers(1, 5), st.data())
def test_what_a_tail_left_out_is_not_read_after_a_break_either(
    tenths: set[int], begun: int, tail: int, data: st.DataObject
) -> None:
    log: list[Line] = [(START * SECOND + tenth * SECOND // 10, b"%d" % tenth) for tenth in sorted(tenths)]
    begun = min(begun, len(log))
    position = Position()
    got = position.fresh(log[:begun][-tail:])
    for last in sorted(data.draw(st.lists(st.integers(begun, len(log)), max_size=3))):
        position.rewind()
        got = got + position.fresh(served(log[:last], position.since_time))
    position.rewind()
    got = got + position.fresh(served(log, position.since_time))

    assert got == log[max(begun - tail, 0) :]


@given(logs(), st.integers(0, 60))
def test_nothing_older_than_what_was_asked_for_is_read(log: list[Line], tenths: int) -> None:
    since = START + tenths / 10
    position = Position(since)

    got = position.fresh(served(log, position.since_time))

    assert got == [line for line in log if line[0] is not None and line[0] >= int(since * SECOND)]


def test_what_the_runtime_says_without_a_time_is_passed_on() -> None:
    position = Position(float(START))

    assert position.fresh([(None, b"rpc error"), (0, b"old")]) == [(None, b"rpc error")]


def test_a_position_is_asked_for_in_utc() -> None:
    assert datetime.fromisoformat(Position(START + 0.9).since_time or "") == datetime.fromtimestamp(START, UTC)
