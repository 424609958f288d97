"""Lines around those that pass, and counts of lines over time: both against naive ones."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.block import Origins, block_of
from calmtui.logs.buffer import Buffer
from calmtui.logs.context import Around
from calmtui.logs.filters import Filter
from calmtui.logs.histogram import FINE, Histogram
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, Origin
from calmtui.logs.rules import rule

ORIGIN = Origin("lab", "ssh:lab/web", "web")


def lines(texts: list[str], every: int = 1) -> list[LogLine]:
    return [
        LogLine(n * every * SECOND, n * every * SECOND, ORIGIN, n + 1, text, Level.ERROR if "x" in text else Level.INFO)
        for n, text in enumerate(texts)
    ]


def kept(some: list[LogLine], batch: int = 1000, max_lines: int = 1_000_000) -> Buffer:
    buffer, origins = Buffer(max_lines=max_lines), Origins()
    for start in range(0, len(some), batch):
        buffer.add(block_of(some[start : start + batch], origins))
    return buffer


@given(
    st.lists(st.sampled_from(["x", "y", "z"]), max_size=60), st.integers(0, 9), st.integers(1, 20), st.integers(16, 200)
)
def test_lines_around_are_those_that_grep_would_give(texts: list[str], count: int, batch: int, bound: int) -> None:
    buffer = kept(lines(texts), batch, bound)
    view = buffer.view(Filter((rule("x"),)))
    around = Around(view, count)
    around.advance(1000)
    all_lines = list(buffer.lines)
    near = [
        line
        for n, line in enumerate(all_lines)
        if any("x" in other.text for other in all_lines[max(n - count, 0) : n + count + 1])
    ]
    assert list(around.lines) == near
    assert all(around.rank(line) == rank for rank, line in enumerate(near))


def test_what_comes_later_gets_its_neighbours_too() -> None:
    some = lines(["a", "x", "b", "c", "x"])
    buffer, origins = Buffer(), Origins()
    around = Around(buffer.view(Filter((rule("x"),))), 1)
    buffer.add(block_of(some[:3], origins))
    around.advance(10)
    assert [line.text for line in around.lines] == ["a", "x", "b"]
    buffer.add(block_of(some[3:], origins))
    around.advance(10)
    assert [line.text for line in around.lines] == ["a", "x", "b", "c", "x"]


@given(st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=50), st.integers(1, 90), st.integers(40, 100))
def test_bars_count_every_line_and_every_error_once(texts: list[str], every: int, most: int) -> None:
    some = lines(texts, every)
    bars = Histogram().bars(kept(some, 7).lines, most)
    assert len(bars.lines) == len(bars.errors) <= most
    assert sum(bars.lines) + bars.before == len(some)
    for name, counts, wanted in (
        ("lines", bars.lines, some),
        ("errors", bars.errors, [x for x in some if x.level >= 6]),
    ):
        naive = Counter((line.at - bars.begin) // bars.width for line in wanted if line.at >= bars.begin)
        assert counts == [naive[n] for n in range(len(counts))], name


def test_a_few_old_lines_do_not_flatten_the_others() -> None:
    old = lines(["long ago"] * 3)
    recent = [LogLine(10**9 * (10**9 + n), None, ORIGIN, 10 + n, "now") for n in range(100)]
    bars = Histogram().bars(kept(old + recent).lines, 50)
    assert (bars.width, bars.before, sum(bars.lines)) == (5 * SECOND, 3, 100)
    assert bars.at(recent[-1].at) == len(bars.lines) - 1
    assert bars.at(old[0].at) == 0


def test_what_has_been_counted_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from calmtui.logs import histogram

    counted = []
    real = histogram._count
    monkeypatch.setattr(histogram, "_count", lambda *given: counted.append(given) or real(*given))
    some = lines(["y"] * 20_000)
    buffer, over = kept(some[:19_000]), Histogram()
    over.bars(buffer.lines, 50)
    first = len(counted)
    buffer.add(block_of(some[19_000:], Origins()))
    assert sum(over.bars(buffer.lines, 50).lines) == 20_000
    assert first == 5
    assert len(counted) - first <= 2


def test_a_segment_of_many_times_is_counted_in_wider_stretches() -> None:
    bars = Histogram().bars(kept(lines(["y"] * (4 * FINE))).lines, 10_000)
    assert bars.width == 5 * SECOND
    assert sum(bars.lines) == 4 * FINE
