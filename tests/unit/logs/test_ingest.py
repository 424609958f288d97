"""Lines of a stream: those without a time stand with the event that they belong to."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.block import Origins
from calmtui.logs.ingest import TOGETHER, Reader
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, Note, Origin
from calmtui.logs.sgr import MAX_BYTES, decode

NOW = 1_795_228_200 * SECOND
AT = 1_795_228_154 * SECOND
STAMPED = b"2026-11-21T02:29:14Z ERROR failed"


def reader(*, live: bool = False) -> Reader:
    return Reader(Origin("lab", "ssh:lab/web-001", "web-001", "/var/log/app.log"), Origins(), live=live)


def test_a_stack_trace_has_the_time_and_level_of_its_first_line() -> None:
    lines = reader().lines([(None, STAMPED), (None, b"Traceback (most recent call last):"), (None, b"  File x")], NOW)
    assert [line.ts for line in lines] == [AT] * 3
    assert [line.level for line in lines] == [Level.ERROR] * 3


def test_a_line_without_a_time_that_comes_much_later_stands_where_it_came() -> None:
    stream = reader()
    stream.lines([(None, STAMPED)], NOW)
    later = NOW + TOGETHER + 1
    (line,) = stream.lines([(None, b"listening")], later)
    assert (line.at, line.ts) == (later, None)


def test_the_end_of_an_event_before_the_first_time_stands_before_it() -> None:
    lines = reader().lines([(None, b"  at Web.java:12"), (None, STAMPED)], NOW)
    assert [(line.at, line.ts) for line in lines] == [(AT, None), (AT, AT)]


def test_the_time_that_the_source_gives_counts_more_than_the_one_in_the_text() -> None:
    (line,) = reader().lines([(AT + 5, STAMPED)], NOW)
    assert (line.ts, line.stamp) == (AT + 5, 0)


def test_lines_are_numbered_through_chunks_and_notes() -> None:
    stream = reader()
    first = stream.lines([(None, b"a"), (None, b"b")], NOW)
    (note,) = stream.note("reconnected\x1b[2J", NOW, lost=3)
    (last,) = stream.lines([(None, b"c")], NOW)
    assert [line.seq for line in [*first, note, last]] == [1, 2, 3, 4]
    assert isinstance(note, Note)
    assert (note.text, note.lost, note.gap) == ("reconnected␛[2J", 3, True)


def test_a_clock_that_runs_ahead_does_not_hide_the_others() -> None:
    (ahead,) = reader(live=True).lines([(NOW + 9 * SECOND, b"up")], NOW)
    assert (ahead.at, ahead.ts) == (NOW, NOW + 9 * SECOND)
    (believed,) = reader().lines([(NOW + 9 * SECOND, b"up")], NOW)
    assert believed.at == NOW + 9 * SECOND


def test_a_time_in_whole_seconds_stands_where_in_that_second_the_line_came() -> None:
    coarse, old = reader(live=True).lines([(AT, b"now"), (AT - 9 * SECOND, b"old")], AT + SECOND // 2)
    assert (coarse.at, coarse.ts) == (AT + SECOND // 2, AT)
    assert old.at == AT - 9 * SECOND


def test_the_lines_of_an_event_stand_together_whatever_time_their_source_gives_them() -> None:
    stream = reader()
    head, first = stream.lines([(AT, b"ERROR failed"), (AT + 7, b"\tat Web.java:12")], NOW)
    (second,) = stream.lines([(AT + 9, b"\tat Web.java:13")], NOW)
    assert [line.at for line in (head, first, second)] == [AT] * 3
    assert [line.ts for line in (head, first, second)] == [AT, AT + 7, AT + 9]
    assert second.level is Level.ERROR


def test_a_trace_whose_end_is_not_indented_stands_together_through_chunks() -> None:
    stream = reader()
    stream.lines([(AT, STAMPED), (AT + 3, b"Traceback (most recent call last):"), (AT + 5, b"  File x")], NOW)
    end, other = stream.lines([(AT + 7, b"KeyError: 'ana'"), (AT + 9, b"listening")], NOW)
    assert (end.at, end.level) == (AT, Level.ERROR)
    assert (other.at, other.level) == (AT + 9, Level.NONE)


def test_what_a_clock_runs_ahead_is_taken_off_where_lines_stand() -> None:
    stream = reader()
    stream.offset = 5 * SECOND
    (line,) = stream.lines([(AT, b"up")], NOW)
    assert (line.at, line.ts) == (AT - 5 * SECOND, AT)


def test_a_line_with_line_ends_in_it_is_several() -> None:
    lines = reader().lines([(AT, b"ERROR failed\r\n  at Web.java:12\n"), (AT + 1, b"next\r")], NOW)
    assert [line.text for line in lines] == ["ERROR failed", "  at Web.java:12", "next"]


def test_a_line_of_ten_megabytes_is_cut_and_counted_and_says_by_how_much() -> None:
    stream = reader()
    before, long, after = stream.lines([(AT, b"a"), (AT, "ü".encode() * 5_000_000), (AT, b"b")], NOW)
    assert long.cut
    assert not before.cut
    assert not after.cut
    assert stream.cut == 1
    assert len(long.text) < MAX_BYTES
    assert long.text.startswith("üü")
    assert long.text.endswith(f"ü …[cut here: {10_000_000 - MAX_BYTES:,} more bytes]")


@given(st.lists(st.binary(max_size=30), min_size=1))
def test_lines_read_together_are_as_lines_read_alone_and_safe(raw: list[bytes]) -> None:
    pieces = [piece.replace(b"\n", b"") for piece in raw]
    together = reader().lines([(AT, piece) for piece in pieces], NOW)
    assert [line.text for line in together] == [decode(piece.removesuffix(b"\r"))[0] for piece in pieces]
    assert not any(re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", line.text) for line in together)
