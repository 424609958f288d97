"""Green takes the place of blue, or blue stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from calmtui.errors import UsageError
from calmtui.runbooks.journal import Standing
from tests.unit.actions.workshop import node
from tests.unit.runbooks.desk import Desk, Shell
from tests.unit.runbooks.told import Told, until

pytestmark = pytest.mark.usefixtures("quick")


BOTH = """
strategy:
  blue_green:
    blue: name~^blue
    green: name~^green
    up: [{run: up}]
    gates: [{check: {command: healthy}}]
    switch:
      - {run: enter, when: name~^green}
      - {run: turn, when: name=proxy}
      - {run: leave, when: name~^blue}
    hold: 0s
    retire: [{run: stop}]
    back:
      - {run: enter, when: name~^blue}
      - {run: turn, when: name=proxy}
      - {run: leave, when: name~^green}
"""


def _both(folder: Path, told: Told) -> Desk:
    return Desk(folder, Shell(told), nodes=[node(name) for name in ("blue1", "blue2", "green1", "green2", "proxy")])


async def test_green_takes_the_place_of_blue(tmp_path: Path) -> None:
    told = Told()
    desk = _both(tmp_path, told)
    run = await desk.run(BOTH.replace("hold: 0s", "hold: 0s\n    parallel: 1"))
    assert (run.standing, run.detail) == (Standing.OK, "5 ok")
    assert told.ran == [
        "green1 up", "green2 up", "green1 healthy", "green2 healthy", "green1 enter", "green2 enter", "proxy turn",
        "blue1 leave", "blue2 leave", "green1 healthy", "green2 healthy", "blue1 stop", "blue2 stop",
    ]  # fmt: skip


async def test_when_green_is_sick_nothing_is_switched(tmp_path: Path) -> None:
    told = Told(green2_healthy="1")
    desk = _both(tmp_path, told)
    run = await desk.run(BOTH)
    assert run.standing is Standing.ROLLED_BACK
    assert (sorted(told.of("leave")), told.of("enter"), told.of("stop")) == (["green1", "green2"], [], [])


async def test_what_fails_in_the_hold_switches_back_the_last_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calmtui.runbooks import gates

    monkeypatch.setattr(gates, "INTERVAL", 0.05)
    told = Told()
    desk = _both(tmp_path, told)
    run = desk.journal.submit(desk.plan(BOTH.replace("hold: 0s", "hold: 1h")))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: told.of("healthy").count("green1") >= 3)
    told.ran.clear()
    told.answers["healthy"] = "1"
    run = await carried
    assert run.standing is Standing.ROLLED_BACK
    back = [one for one in told.ran if not one.endswith("healthy")]
    assert (sorted(back[:2]), back[2], sorted(back[3:])) == (
        ["blue1 enter", "blue2 enter"], "proxy turn", ["green1 leave", "green2 leave"],
    )  # fmt: skip


async def test_what_fails_while_blue_is_retired_switches_nothing_back(tmp_path: Path) -> None:
    told = Told(blue1_stop="1")
    desk = _both(tmp_path, told)
    run = await desk.run(BOTH)
    assert (run.standing, run.detail) == (Standing.FAILED, "4 ok, 1 failed")
    assert len(told.of("enter")) == 2


def test_a_node_on_both_sides_and_a_side_without_nodes_are_refused(tmp_path: Path) -> None:
    desk = _both(tmp_path, Told())
    with pytest.raises(UsageError, match="blue1 is both blue and green"):
        desk.plan(BOTH.replace("name~^green\n", "name=green1,blue1\n", 1))
    with pytest.raises(UsageError, match="none of the 5 targets is green"):
        desk.plan(BOTH.replace("green: name~^green", "green: name=x", 1))
