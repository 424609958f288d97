"""The clock of a host, from what `date` printed and how long that took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.ssh.skew import skew

NOW = 1_763_690_000_000_000_000


@given(st.integers(-(10**13), 10**13), st.integers(0, 10**10), st.floats(0, 1))
def test_the_true_offset_is_within_the_uncertainty(offset: int, round_trip: int, answered: float) -> None:
    there = NOW + int(round_trip * answered) + offset
    measured = skew(f"{there}\n{there // 10**9}\n".encode(), NOW, NOW + round_trip)
    assert measured is not None
    assert abs(measured.offset - offset) <= measured.uncertainty + 1


@given(st.integers(-(10**13), 10**13), st.integers(0, 10**10))
def test_a_date_without_nanoseconds_is_half_a_second_less_certain(offset: int, round_trip: int) -> None:
    there = NOW + round_trip // 2 + offset
    measured = skew(f"{there // 10**9}N\n{there // 10**9}\n".encode(), NOW, NOW + round_trip)
    assert measured is not None
    assert abs(measured.offset - offset) <= measured.uncertainty + 1


@pytest.mark.parametrize("answer", [b"", b"date: bad\n", b"1\n", b"\xff\xff 12", "١٢ ١٢".encode()])
def test_what_is_no_time_tells_nothing(answer: bytes) -> None:
    assert skew(answer, NOW, NOW) is None
