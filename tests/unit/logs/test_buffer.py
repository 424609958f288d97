"""The buffer and its views against naive ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.logs.block import GAP, LATE, Origins, block_of
from calmtui.logs.buffer import Buffer
from calmtui.logs.filters import Filter, OfLevel, Pattern, Rule
from calmtui.logs.ingest import Reader
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Origin, key
from calmtui.logs.rules import rule
from calmtui.logs.sieve import passing
from calmtui.logs.spill import Spill
from tests.strategies import log_streams

RULES = st.builds(
    Rule,
    typed=st.just(""),
    test=st.sampled_from(
        [Pattern("timeout"), Pattern("Timeout"), Pattern("~^time|used$"), Pattern("healthz"), OfLevel("<=", Level.WARN)]
    ),
    out=st.booleans(),
    on=st.booleans(),
)
FILTERS = st.builds(
    Filter,
    rules=st.lists(RULES, max_size=3).map(tuple),
    level=st.sampled_from([Level.NONE, Level.WARN]),
)


class Naive:
    """A list of lines, sorted; what a buffer of few lines let go is taken off its begin."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.kept: list[LogLine] = []
        self.origins = Origins()

    def add(self, lines: list[LogLine]) -> None:
        """The same lines into both."""
        self.buffer.add(block_of(sorted(lines, key=key), self.origins))
        self.kept = sorted([*self.kept, *lines], key=key)
        self.kept = self.kept[len(self.kept) - len(self.buffer.lines) :]


def in_batches(data: st.DataObject, lines: list[LogLine]) -> Iterator[list[LogLine]]:
    shuffled = data.draw(st.permutations(lines))
    while shuffled:
        size = data.draw(st.integers(1, 9))
        yield shuffled[:size]
        shuffled = shuffled[size:]


@given(log_streams(longest=30), FILTERS, st.data())
@settings(max_examples=200)
def test_a_buffer_and_its_view_are_as_a_sorted_list_and_a_naive_filter(
    lines: list[LogLine], wanted: Filter, data: st.DataObject
) -> None:
    buffer = Buffer(max_lines=40)
    view, naive = buffer.view(wanted), Naive(buffer)
    for batch in in_batches(data, lines):
        evicted, count = buffer.evicted, len(naive.kept) + len(batch)
        naive.add(batch)
        assert buffer.evicted == evicted or count > 40
        assert len(buffer.lines) <= 40
        assert list(buffer.lines) == naive.kept
        view.advance(data.draw(st.integers(0, 12)))
        looked_at = naive.kept[: len(naive.kept) - view.behind]
        assert list(view.lines) == list(filter(wanted.passes, looked_at))
    assert buffer.first == buffer.evicted == len(lines) - len(buffer.lines)
    view.advance(1000)
    assert list(view.lines) == list(filter(wanted.passes, naive.kept))
    for line in naive.kept:
        assert buffer.lines[buffer.lines.rank(line)] == line
        assert view.rank(line) == sum(key(other) < key(line) for other in view.lines)


@given(log_streams(longest=30), FILTERS, st.data())
def test_what_is_on_disk_is_kept_as_what_is_in_memory(
    tmp_path_factory: pytest.TempPathFactory, lines: list[LogLine], wanted: Filter, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "spill"
    buffer = Buffer(max_lines=16, spill=Spill(folder))
    view, naive = buffer.view(wanted), Naive(buffer)
    for batch in in_batches(data, lines):
        naive.add(batch)
        view.advance(data.draw(st.integers(0, 12)))
        assert list(buffer.lines) == naive.kept
        assert list(view.lines) == list(filter(wanted.passes, naive.kept[: len(naive.kept) - view.behind]))
    assert len(buffer.lines) == len(lines)
    assert buffer.spilled >= len(lines) - 16
    assert buffer.evicted == 0
    assert list(folder.glob("*")) == []
    for number, line in enumerate(naive.kept):
        assert buffer.lines[number] == line
        assert buffer.lines.rank(line) == number


def test_what_disk_has_no_room_for_is_let_go_and_counted(tmp_path: Path) -> None:
    buffer = Buffer(max_lines=32, spill=Spill(tmp_path, max_bytes=4_000))
    reader = Reader(Origin("lab", "a", "a"), Origins())
    for number in range(200):
        buffer.add(reader.lines([(number, b"x" * 100)], 0))
    assert buffer.full
    assert 0 < buffer.spilled * 133 <= 4_000
    assert buffer.evicted == 200 - len(buffer.lines)
    assert [line.at for line in buffer.lines] == list(range(buffer.evicted, 200))


def test_a_disk_that_cannot_be_written_is_said_and_lines_are_let_go_instead(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    buffer = Buffer(max_lines=32, spill=Spill(tmp_path / "file"))
    reader = Reader(Origin("lab", "a", "a"), Origins())
    buffer.add(reader.lines([(number, b"x") for number in range(64)], 0))
    assert "cannot be kept on disk" in str(buffer.trouble)
    assert buffer.evicted == 64 - len(buffer.lines) >= 32


@given(log_streams(longest=30))
def test_the_next_line_of_a_flag_is_as_one_looked_for_line_by_line(lines: list[LogLine]) -> None:
    buffer = Buffer(max_lines=64)
    flagged = [msgspec.structs.replace(line, late=line.text == "refused") for line in lines]
    Naive(buffer).add(flagged)
    late = [number for number, line in enumerate(buffer.lines) if line.late]
    assert buffer.lines.flagged(GAP, 0, 1) is None
    for start in range(len(buffer.lines)):
        assert buffer.lines.flagged(LATE, start, 1) == next((number for number in late if number >= start), None)
        assert buffer.lines.flagged(LATE, start, -1) == next(
            (number for number in reversed(late) if number <= start), None
        )


@given(log_streams(longest=30), FILTERS, st.integers(-20, 20), st.integers(0, 30))
def test_lines_whose_clock_was_wrong_move_to_where_sorting_puts_them(
    lines: list[LogLine], wanted: Filter, by: int, seen: int
) -> None:
    buffer = Buffer(max_lines=512)
    view, naive = buffer.view(wanted), Naive(buffer)
    naive.add(lines)
    view.advance(seen)
    moved = [line for line in lines if line.origin.node == "n1"]
    if moved:
        buffer.shift(buffer.shifted({naive.origins.number(moved[0].origin): by}))
    right = [msgspec.structs.replace(line, at=line.at + by) if line in moved else line for line in lines]
    assert list(buffer.lines) == sorted(right, key=key)
    view.advance(1000)
    assert list(view.lines) == list(filter(wanted.passes, buffer.lines))


def test_memory_is_bounded_by_bytes_too() -> None:
    buffer = Buffer(max_lines=1000, max_bytes=10_000)
    reader = Reader(Origin("lab", "a", "a"), Origins())
    for number in range(100):
        buffer.add(reader.lines([(number, b"x" * 500)], 0))
    assert 8_000 < sum(len(line.text) for line in buffer.lines) <= 10_000
    assert buffer.evicted == 100 - len(buffer.lines)


TYPED = st.sampled_from(
    ["a", "A", "ab", "~^a", "~b$", "~a.*b", "~[^x]b", "~\\s", "~a|$", "~(a)(b)?", "~\\Aa", "~b\\z", "~ü", "~."]
)


@given(st.lists(st.text(alphabet="aAbx ü\t\x1b[31m\x00") | st.binary(max_size=4), max_size=9), TYPED, st.booleans())
def test_a_filter_over_many_lines_at_once_says_the_same_as_line_by_line(
    texts: list[str | bytes], typed: str, out: bool
) -> None:
    raw = [text.encode() if isinstance(text, str) else text for text in texts]
    block = Reader(Origin("lab", "a", "a"), Origins()).lines([(1, text.replace(b"\n", b"")) for text in raw], 0)
    wanted = Filter((rule(typed, out=out),))
    assert passing(wanted, block).tolist() == [wanted.passes(line) for line in block]


def test_clearing_empties_the_view_and_is_no_eviction() -> None:
    buffer = Buffer()
    view = buffer.view(Filter((rule("a"),)))
    buffer.add(Reader(Origin("lab", "a", "a"), Origins()).lines([(1, b"a"), (2, b"b")], 0))
    view.advance(10)
    buffer.clear()
    assert (len(view.lines), len(buffer.lines), buffer.evicted, view.behind) == (0, 0, 0, 0)


def test_a_pattern_without_capitals_ignores_case() -> None:
    assert Pattern("timeout").found_in("TimeOut")
    assert not Pattern("Timeout").found_in("timeout")
    assert Pattern("~time.*t$").found_in("a TIMEOUT")


def test_a_text_is_taken_as_it_is_and_a_tilde_makes_it_an_expression() -> None:
    assert Pattern("a.c").places("abc a.c") == [(4, 7)]
    assert Pattern("~a.c").places("abc ü a.c") == [(0, 3), (6, 9)]


def test_an_expression_that_explodes_elsewhere_takes_no_time_here() -> None:
    assert not Pattern("~(a+)+$").found_in("a" * 50_000 + "b")


def test_an_expression_that_cannot_be_compiled_says_why() -> None:
    with pytest.raises(UsageError, match="missing \\)"):
        Pattern("~(a")
    with pytest.raises(UsageError, match="look-around"):
        Pattern("~a(?=b)")
