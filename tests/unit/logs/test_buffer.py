"""The buffer and its views against naive ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.logs import buffer as buffer_module
from calmtui.logs.buffer import Buffer
from calmtui.logs.filters import Filter, OfLevel, Pattern, Rule
from calmtui.logs.ingest import Reader
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Origin, key
from calmtui.logs.rules import rule
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


@given(log_streams(longest=30), FILTERS, st.data())
@settings(max_examples=200)
def test_a_buffer_and_its_view_are_as_a_sorted_list_and_a_naive_filter(
    lines: list[LogLine], wanted: Filter, data: st.DataObject
) -> None:
    buffer = Buffer(max_lines=40)
    view = buffer.view(wanted)
    kept: list[LogLine] = []
    shuffled = data.draw(st.permutations(lines))
    while shuffled:
        size = data.draw(st.integers(1, 9))
        batch, shuffled = sorted(shuffled[:size], key=key), shuffled[size:]
        buffer.add(batch)
        kept = sorted([*kept, *batch], key=key)
        evicted = len(kept) - len(buffer.lines)
        assert evicted == 0 or len(kept) > 40
        kept = kept[evicted:]
        assert buffer.lines == kept
        view.advance(data.draw(st.integers(0, 12)))
        looked_at = kept[: len(kept) - view.behind] if view.behind else kept
        assert view.lines == list(filter(wanted.passes, looked_at))
    assert buffer.first == buffer.evicted == len(lines) - len(buffer.lines)
    view.advance(1000)
    assert view.lines == list(filter(wanted.passes, kept))


@given(log_streams(longest=30))
def test_a_few_late_lines_stand_where_sorting_would_put_them(lines: list[LogLine]) -> None:
    buffer = Buffer()
    view = buffer.view(Filter((rule("refused", out=True),)))
    bulk = [LogLine(at, at, Origin("lab", "bulk", "bulk"), at, "up") for at in range(30 * buffer_module.FEW)]
    buffer.add(bulk)
    view.advance(len(bulk))
    ordered = sorted(lines, key=key)
    buffer.add(ordered)
    assert buffer.lines == sorted(bulk + ordered, key=key)
    assert view.lines == [line for line in buffer.lines if line.text != "refused"]


def test_memory_is_bounded_by_characters_too() -> None:
    buffer = Buffer(max_lines=1000, max_characters=10_000)
    reader = Reader(Origin("lab", "a", "a"))
    for number in range(100):
        buffer.add(reader.lines([(number, b"x" * 500)], 0))
    assert sum(len(line.text) for line in buffer.lines) <= 10_000
    assert buffer.evicted == 100 - len(buffer.lines)


def test_clearing_empties_the_view_and_is_no_eviction() -> None:
    buffer = Buffer()
    view = buffer.view(Filter((rule("a"),)))
    buffer.add(Reader(Origin("lab", "a", "a")).lines([(1, b"a"), (2, b"b")], 0))
    view.advance(10)
    buffer.clear()
    assert (view.lines, buffer.lines, buffer.evicted, view.behind) == ([], [], 0, 0)


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
