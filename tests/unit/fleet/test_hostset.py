"""Host sets unfold as an operator means them, and a slip never hangs the console."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.fleet.hostset import LIMIT, expand, is_set


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("web-01", ["web-01"]),
        ("web-[01-03]", ["web-01", "web-02", "web-03"]),
        ("web[001-004,!003]", ["web001", "web002", "web004"]),
        ("web[1-9/4].example.org", ["web1.example.org", "web5.example.org", "web9.example.org"]),
        ("db-[1-2],cache", ["cache", "db-1", "db-2"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
        ("web[1-4]!web[2-3]", ["web1", "web4"]),
    ],
)
def test_sets_unfold_to_names(text: str, names: list[str]) -> None:
    assert sorted(expand(text)) == names


@pytest.mark.parametrize(
    "text", ["web[1-", "", "  ", "web[a-b]", "r[1,!2]n[1-2]", "web[1-99999999]", "a[1-999]b[1-999]"]
)
def test_what_cannot_be_read_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand(text)
    assert caught.value.next_step


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([1, 4]))
def test_a_range_is_every_number_in_it(low: int, span: int, width: int) -> None:
    names = expand(f"h[{low:0{width}d}-{low + span:0{width}d}]x")
    assert len(set(names)) == len(names) == span + 1


def test_the_limit_holds_for_what_is_allowed() -> None:
    assert len(expand(f"h[1-{LIMIT - 1}]")) == LIMIT - 1
    assert is_set("web[1-2]")
    assert not is_set("web-1")
