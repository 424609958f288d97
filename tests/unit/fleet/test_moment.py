"""Moments as people write them: ago, of the clock, of the calendar, in local time unless they say otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.fleet.moment import moment, seconds

BERLIN = 1_795_228_154.0  # 2026-11-21T02:29:14Z, 03:29:14 in Berlin


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"),
    [("10m", 600), ("2h", 7200), ("3d", 259_200), ("1h30m", 5400), ("1.5h", 5400), ("90s", 90),
     ("03:28", 74), ("3:28", 74), ("03:28:14", 60), ("03:29:14", 0), ("03:30", 86_400 - 46), ("23:29:14", 4 * 3600),
     ("2026-11-21T03:28:14", 60), ("2026-11-21 03:28", 74), ("2026-11-21T02:28:14Z", 60),
     ("2026-11-21T04:28:14+02:00", 60), ("2026-11-21", 3 * 3600 + 29 * 60 + 14)],
)  # fmt: skip
def test_a_moment_is_so_long_ago_or_a_local_time(text: str, ago: float) -> None:
    assert moment(text, BERLIN, where="--since") == BERLIN - ago


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10", "10 m", "m", "2026-11-22", "-5m", "5M", "25:00", "3:60", "3:1"]
)
def test_what_is_no_moment_or_still_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--at"):
        moment(text, BERLIN, where="--at")


def test_yesterdays_clock_is_yesterdays_when_the_clocks_were_put_back_in_between() -> None:
    sunday = datetime(2026, 10, 25, 3, 30).timestamp()  # at 03:00 the clocks showed 02:00 again
    assert datetime.fromtimestamp(moment("22:15", sunday, where=":at")) == datetime(2026, 10, 24, 22, 15)
    assert sunday - moment("22:15", sunday, where=":at") == 6.25 * 3600


def test_a_length_that_is_longer_than_there_is_time_reaches_back_to_the_beginning() -> None:
    assert moment("99999999w", BERLIN, where="--since") == 0.0


@given(st.integers(0, 2**31), st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_is_the_last_one_that_showed_it(now: int, hour: int, minute: int) -> None:
    at = moment(f"{hour:02}:{minute:02}", now, where=":at")
    assert at <= now
    assert now - at <= 25 * 3600


@given(st.text(alphabet="0123456789smhdw.", max_size=8))
def test_every_length_of_time_is_a_moment_that_long_ago(text: str) -> None:
    if (length := seconds(text)) is not None and length < BERLIN:
        assert moment(text, BERLIN, where="--since") == BERLIN - length
