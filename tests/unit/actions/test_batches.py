"""How many nodes go first, how many then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.actions.batches import read, sizes
from calmtui.errors import UsageError


@pytest.mark.parametrize(
    ("text", "total", "expected"),
    [
        ("1,10%,100%", 48, [1, 5, 42]),
        ("1, 10%", 48, [1, 5, 5, 5, 5, 5, 5, 5, 5, 5, 2]),
        ("50%", 3, [2, 1]),
        ("100", 3, [3]),
        ("1,10%,100%", 1, [1]),
        ("5", 0, []),
    ],
)
def test_parts_become_sizes(text: str, total: int, expected: list[int]) -> None:
    assert sizes(read(text), total) == expected


@pytest.mark.parametrize("text", ["", "0", "1,,2", "101%", "-1", "ten", "1.5"])
def test_what_is_no_batch_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="is no batch"):
        read(text)


@given(st.lists(st.integers(1, 200).map(str) | st.integers(1, 100).map("{}%".format), max_size=4), st.integers(0, 500))
def test_batches_are_never_empty_and_hold_every_node_once(parts: list[str], total: int) -> None:
    found = sizes(parts, total)
    assert sum(found) == total
    assert all(found)
