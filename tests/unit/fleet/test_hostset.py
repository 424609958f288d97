"""Host sets unfold as an operator means them, and a slip never hangs the console."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.fleet.hostset import LIMIT, expand, fold, is_set


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


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["web-001", "web-002", "web-004"], "web-[001-002,004]"),
        (["web1", "web2", "web10"], "web[1-2,10]"),
        (["web098", "web099", "web100"], "web[098-100]"),
        (["web2.dc1", "web1.dc1", "db"], "db,web[1-2].dc1"),
        (["r1n1", "r1n2", "r2n1"], "r1n[1-2],r2n1"),
        (["web-7d9f-x2x8q", "web-7d9f-kk4tz"], "web-7d9f-kk4tz,web-7d9f-x2x8q"),
        (["a", "a"], "a"),
        ([], ""),
    ],
)
def test_names_fold_to_a_set(names: list[str], text: str) -> None:
    assert fold(names) == text


@given(st.lists(st.from_regex(r"[a-z]{1,2}-?[0-9]{0,4}(\.dc[0-9]{1,2})?", fullmatch=True), min_size=1))
def test_a_folded_set_unfolds_to_the_same_names(names: list[str]) -> None:
    assert set(expand(fold(names))) == set(names)
