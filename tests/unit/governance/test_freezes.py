"""Freezes hold when clocks in their zone say so, for what their scope selects."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.estate.model import Freeze
from calmtui.fleet.node import Node
from calmtui.fleet.query import Surroundings, compile_query
from calmtui.governance.freezes import Freezes, Windows

ZURICH = "Europe/Zurich"


def at(text: str, zone: str = ZURICH) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


WEEKEND = Freeze("weekend", datetime(2026, 1, 2, 17), timedelta(hours=63), ZURICH, "FREQ=WEEKLY;BYDAY=FR")
CHRISTMAS = Freeze("christmas", datetime(2026, 12, 20), timedelta(days=14), ZURICH)


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2026-11-20T16:59:59", False),
        ("2026-11-20T17:00:00", True),
        ("2026-11-22T12:00", True),
        ("2026-11-23T07:59:59", True),
        ("2026-11-23T08:00:00", False),
        ("2026-07-03T17:00", True),  # in summer too: by the clock, not by UTC
        ("2026-07-03T16:59", False),
        ("2025-12-27T12:00", False),  # before the first
    ],
)
def test_a_weekly_freeze_holds_by_the_clocks_of_its_zone(moment: str, holds: bool) -> None:
    assert Windows(WEEKEND).hold(at(moment)) is holds


def test_a_single_freeze_holds_once() -> None:
    windows = Windows(CHRISTMAS)
    assert windows.at(at("2026-11-01T00:00")) == (at("2026-12-20T00:00"), at("2027-01-03T00:00"))
    assert windows.hold(at("2026-12-31T23:59"))
    assert not windows.hold(at("2027-01-03T00:00"))
    assert windows.at(at("2027-02-01T00:00")) is None


@given(st.integers(0, 200_000_000))
def test_whether_a_window_holds_agrees_with_the_window_that_is_given(second: int) -> None:
    moment = at("2025-12-01T00:00") + second
    windows = Windows(WEEKEND)
    window = windows.at(moment)
    assert window is not None
    assert windows.hold(moment) == (window[0] <= moment < window[1])
    assert window[1] > moment


def test_scope_and_exceptions_say_what_is_frozen() -> None:
    freeze = Freeze("peak", datetime(2026, 1, 1), timedelta(days=3650), scope="env=prod", excepted="service=search")
    freezes = Freezes([freeze], lambda query: compile_query(query, Surroundings()))
    nodes = [
        Node("a", "host", "a", "s", env="prod"),
        Node("b", "host", "b", "s", env="prod", service="search"),
        Node("c", "host", "c", "s", env="test"),
    ]
    assert freezes.of(nodes, at("2026-06-01T00:00")) == [("peak",), (), ()]
    assert freezes.of(nodes, at("2025-06-01T00:00")) == [(), (), ()]


def test_what_holds_at_a_moment_is_told() -> None:
    freezes = Freezes([CHRISTMAS, WEEKEND], lambda query: compile_query(query, Surroundings()))
    moment = at("2026-12-19T12:00")  # a Saturday: the weekend's holds
    assert [freeze.name for freeze in freezes.holding(moment)] == ["weekend"]
