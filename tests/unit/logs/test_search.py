"""Logs read and searched here, and what findings are put together to."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.logs.results import Results, bars
from calmtui.logs.search import Ended, Expression, bar_seconds, clock
from calmtui.logs.search_here import search_here
from calmtui.providers.base import Counted, Found, FoundLine, LogChunk, LogRequest, SearchRequest

NODE = Node(id="docker:e/web", kind="container", name="web", source="e", offers=("logs",))


class Given:
    """A source whose log is given."""

    def __init__(self, chunks: list[LogChunk]) -> None:
        self._chunks = chunks

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        for chunk in self._chunks:
            yield chunk


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([b"a", b"b", b"ab", b"\xff", b"b\r", b"\0b"])), max_size=60),
    st.integers(1, 9),
    st.integers(0, 3),
    st.integers(0, 8),
)
async def test_what_is_found_here_is_what_a_naive_search_finds(
    lines: list[tuple[int, bytes]], at_once: int, context: int, most: int
) -> None:
    lines.sort(key=lambda line: line[0])
    timed: list[tuple[int | None, bytes]] = [(second * 10**9, text) for second, text in lines]
    chunks = [LogChunk("out", timed[begin : begin + at_once]) for begin in range(0, len(timed), at_once)]
    expression = Expression("b$")
    request = SearchRequest(
        "b$", expression.matches, clock, since=5.0, until=30.0, context=context, max_lines=most, bucket=10
    )
    findings = [finding async for finding in search_here(Given(chunks), NODE, request)]
    ends_so = [text.removesuffix(b"\r").endswith(b"b") for _, text in lines]
    hits = [n for n, (second, _) in enumerate(lines) if 5 <= second < 30 and ends_so[n]]
    counted = [finding for finding in findings if isinstance(finding, Counted)]
    assert [finding.matches for finding in counted] == [len(hits)] * bool(timed)
    for finding in counted:
        assert sum(finding.histogram.values()) == len(hits)
        assert ("only the first lines" in finding.cut) is (len(hits) > most > 0)
    kept = [line for finding in findings if isinstance(finding, Found) for line in finding.lines]
    shown = hits[:most]
    assert [line.text for line in kept if line.match] == [timed[n][1] for n in shown]
    near = {n for hit in shown for n in range(max(hit - context, 0), hit + context + 1) if n < len(timed)}
    if len(hits) <= most:
        assert [line.text for line in kept] == [timed[n][1] for n in sorted(near)]


def test_pieces_stay_whole_and_stand_in_the_order_of_their_first_match() -> None:
    results = Results()
    other = Node(id="docker:e/db", kind="container", name="db", source="e")
    results.take(NODE, Counted("a", 2, {0: 1, 60: 1}, 10, 20))
    results.take(NODE, Counted("a", 3, {0: 2, 60: 1}, 20, 20, "cut"))
    lines = [
        FoundLine(10, b"before", match=False),
        FoundLine(50, b"one", joined=True),
        FoundLine(90, b"after", match=False, joined=True),
        FoundLine(None, b"continues it"),
    ]
    results.take(NODE, Found("a", lines))
    results.take(other, Found("b", [FoundLine(40, b"\x1b]0;evil\x07")]))
    results.take(other, Ended("down"))
    texts = [[row.line.text for row in piece] for piece in results.pieces()]
    assert texts == [["␛]0;evil␇"], ["before", "one", "after"], ["continues it"]]
    assert (results.matches, results.scanned, results.total) == (3, 20, 20)
    assert results.histogram == {0: 2, 60: 1}
    assert results.nodes[NODE.id].cuts == [("a", "cut")]
    assert results.nodes[other.id].error == "down"


@given(st.dictionaries(st.integers(0, 5000).map(lambda n: n * 60), st.integers(1, 9), min_size=1), st.integers(1, 80))
def test_bars_hold_every_match_and_are_no_more_than_asked_for(histogram: dict[int, int], most: int) -> None:
    heights, first, width = bars(histogram, 60, most)
    assert sum(heights) == sum(histogram.values())
    assert len(heights) <= most + 1
    for second, matches in histogram.items():
        assert heights[(second - first) // width] >= matches


def test_a_bar_is_of_a_round_length() -> None:
    assert bar_seconds(None, 0.0) == 60
    assert [bar_seconds(0.0, until) for until in (60.0, 3600.0, 7200.0, 86_400.0)] == [1, 60, 120, 1800]


def test_an_expression_that_re2_does_not_know_is_refused() -> None:
    with pytest.raises(UsageError, match="not a regular expression"):
        Expression("(?<=x)")
    assert Expression("a.b", plain=True).places("a.b axb") == [(0, 3)]
    assert Expression("A", ignore_case=True).matches(b"\xff a")
