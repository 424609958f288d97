"""Lines of a stream: those without a time stand with the event that they belong to."""

from __future__ import annotations

from calmtui.logs.ingest import CONTINUES, Reader
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, Origin

NOW = 1_795_228_200 * SECOND
AT = 1_795_228_154 * SECOND
STAMPED = b"2026-11-21T02:29:14Z ERROR failed"


def reader() -> Reader:
    return Reader(Origin("lab", "ssh:lab/web-001", "web-001", "/var/log/app.log"))


def test_a_stack_trace_has_the_time_and_level_of_its_first_line() -> None:
    lines = reader().lines([(None, STAMPED), (None, b"Traceback (most recent call last):"), (None, b"  File x")], NOW)
    assert [line.ts for line in lines] == [AT] * 3
    assert [line.level for line in lines] == [Level.ERROR] * 3


def test_a_line_without_a_time_that_comes_much_later_stands_where_it_came() -> None:
    stream = reader()
    stream.lines([(None, STAMPED)], NOW)
    later = NOW + CONTINUES + 1
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
    note = stream.note("reconnected\x1b[2J", NOW, lost=3)
    (last,) = stream.lines([(None, b"c")], NOW)
    assert [line.seq for line in [*first, note, last]] == [1, 2, 3, 4]
    assert (note.text, note.lost) == ("reconnected␛[2J", 3)
