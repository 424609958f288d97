"""What is typed to search: an expression as it is, and options before or behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.logs.asking import Asked, read

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (r"a  \d+ b --since 2h -C 3", Asked(r"a  \d+ b", since=NOW - 7200, context=3)),
        ("--since 10m -i connection reset --fixed", Asked("connection reset", True, True, NOW - 600)),
        ("x --until 5m --max 7 --limit 9", Asked("x", until=NOW - 300, most=7, seconds=9.0)),
        ("x -y --since-then z", Asked("x -y --since-then z")),
        ("x --context 5000", Asked("x", context=1000)),
    ],
)
def test_options_stand_before_the_expression_or_behind_it(typed: str, asked: Asked) -> None:
    assert read(typed, NOW) == asked


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "nothing to look for"),
        ("--since 2h", "nothing to look for"),
        ("x --since", "nothing follows it"),
        ("x -C few", "not a number: 'few'"),
        ("x --since soon", "not a time: 'soon'"),
    ],
)
def test_what_cannot_be_read_is_told(typed: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read(typed, NOW)


def test_an_expression_that_cannot_be_compiled_is_told_before_anything_is_searched() -> None:
    with pytest.raises(UsageError, match="not a regular expression"):
        read("a(b --since 1h", NOW).request()


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1).filter(lambda text: text[0] != "-"))
def test_a_text_taken_as_it_is_is_marked_where_it_stands(text: str) -> None:
    assert Asked(text, plain=True).pattern().places(f"é{text}") == [(1, 1 + len(text))]


@pytest.mark.parametrize(("ignore_case", "places"), [(False, [(0, 2)]), (True, [(0, 2), (3, 5)])])
def test_capitals_matter_as_they_do_to_the_search(ignore_case: bool, places: list[tuple[int, int]]) -> None:
    assert Asked("ab", ignore_case=ignore_case).pattern().places("ab AB") == places
