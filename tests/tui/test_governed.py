"""What policy says is seen before anybody runs into it: beside the actions, on the plan, in the first line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from textual.widgets import Static

from calmtui.actions.plan import make
from calmtui.estate.model import Freeze
from calmtui.fleet.node import Node, State
from calmtui.fleet.update import Delta
from calmtui.governance import trail
from calmtui.governance.record import Event
from calmtui.tui.app import CalmApp
from calmtui.tui.noticing import freezes
from calmtui.tui.screens.actions import ActionsScreen
from calmtui.tui.screens.outcomes import OutcomesScreen
from calmtui.tui.screens.plan import PlanScreen
from tests.tui.fleet_app import press, type_text, until
from tests.tui.governed import TEST, WEB, asked_by, governed, person
from tests.tui.test_actions import shown
from tests.tui.test_approvals import console
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import CATALOGUE, node

NOW = datetime(2026, 11, 21, 12, 0).timestamp()


async def test_what_is_forbidden_or_needs_approval_is_seen_beside_the_actions_with_its_reason(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, _):
        await app.push_screen(ActionsScreen(app.gate, [WEB[0]], 0))
        await until(pilot, lambda: "denied  destroy" in shown(app) and "needs approval  stop it" in shown(app))
        await press(pilot, "d")
        assert "never: ask its owner" in str(app.screen.query_one("#why", Static).content)
        await press(pilot, "s")
        await until(
            pilot, lambda: "needs the approval of 1 person" in str(app.screen.query_one("#why", Static).content)
        )
    async with console(tmp_path) as (app, pilot, _):
        screen = ActionsScreen(app.gate, [TEST], 0)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.judgements) == len(screen.choices))
        assert not {"denied", "needs approval"} & set(shown(app).split("  "))


async def test_the_list_of_actions_is_there_before_policy_has_answered(tmp_path: Path) -> None:
    live, _ = governed(tmp_path, *(node(f"web-{number}", env="production") for number in range(10_000)))
    app = CalmApp(live)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(live.fleet) == 10_000)
        screen = ActionsScreen(app.gate, list(live.fleet), 0)
        await app.push_screen(screen)
        await pilot.pause()
        assert "1 stop" in shown(app)
        beats = 0
        while len(screen.judgements) < 2:  # the loop goes on meanwhile
            await asyncio.sleep(0.01)
            beats += 1
        assert beats > 1
        assert screen.judgements["stop"].answer == "approval"


async def test_a_denied_plan_offers_no_confirmation_and_a_key_does_nothing(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, source):
        await app.push_screen(PlanScreen(app.gate, make("destroy", [WEB[0]], CATALOGUE, is_stale=lambda _: False)))
        await until(pilot, lambda: "never: ask its owner" in shown(app))
        assert "Type web-1" not in shown(app)
        await press(pilot, "R")
        assert "there is nothing to be approved" in shown(app)
        await press(pilot, "B")
        await type_text(pilot, "fire")
        await press(pilot, "enter")
        await until(pilot, lambda: "no emergency opens this" in shown(app))
        await press(pilot, "y")
        await until(pilot, lambda: "destroy is refused" in shown(app) or "that is not web-1" in shown(app))
        assert source.acts == []


async def test_break_glass_is_loud_on_the_plan_on_the_outcomes_and_in_the_trail(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, source):
        await app.push_screen(PlanScreen(app.gate, make("stop", [WEB[0]], CATALOGUE, is_stale=lambda _: False)))
        await until(pilot, lambda: "B goes on in an emergency" in shown(app))
        await press(pilot, "B")
        await type_text(pilot, "the site is down")
        await press(pilot, "enter")
        await until(pilot, lambda: "BREAK-GLASS · the site is down" in shown(app) and "Type web-1" in shown(app))
        assert source.acts == []  # it is confirmed like any other plan
        await type_text(pilot, "web-1")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) and "1 ok" in shown(app))
        assert "BREAK-GLASS · the site is down" in shown(app)
        assert app.live.estate.ledger is not None
        found = [item.record for item in trail.read(app.live.estate.ledger)]
        (loud,) = [record for record in found if record.event is Event.BREAK_GLASS]
        assert (loud.reason, loud.policies, loud.nodes) == ("the site is down", ("eyes",), ("lab:web-1",))


async def test_an_approval_is_asked_for_with_the_values_that_the_plan_is_done_with(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, source):
        await app.push_screen(PlanScreen(app.gate, make("scale", [WEB[0]], CATALOGUE, is_stale=lambda _: False)))
        await until(pilot, lambda: "R asks others" in shown(app))
        await press(pilot, "3", "enter", "R")
        await type_text(pilot, "more load")
        await press(pilot, "enter")
        await until(pilot, lambda: "is asked for" in shown(app))
        (request,) = person(app.live.estate, "hugo").newest()
        assert request.asked.parameters == {"replicas": "3"}
        person(app.live.estate, "hugo").vote(request.id, approve=True)
        await press(pilot, "escape", "A")
        await until(pilot, lambda: "1 approved" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and f"approval {request.id}" in shown(app))
        await press(pilot, "tab")
        await type_text(pilot, "web-1")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) and "1 ok" in shown(app))
        assert source.acts == [("lab:web-1", "scale", {"replicas": "3"})]


async def test_a_target_that_changes_before_the_confirmation_is_asked_about_anew(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, source):
        nodes: list[Node] = [TEST, *(node(f"test-{number}", env="test") for number in range(2, 13))]
        app.live.fleet.apply("lab", [Delta("", put=nodes)])
        await app.push_screen(PlanScreen(app.gate, make("stop", nodes, CATALOGUE, is_stale=lambda _: False)))
        await until(pilot, lambda: "Type stop 12" in shown(app) and "allowed by all" in shown(app))
        stopped = node("test-2", env="test", state=State.STOPPED, actions=("start",))
        app.live.fleet.apply("lab", [Delta("", put=[stopped])])
        await type_text(pilot, "stop 12")
        await press(pilot, "enter")
        await until(pilot, lambda: "since this was shown: lab:test-2" in shown(app) and "Type stop 11" in shown(app))
        assert source.acts == []


async def test_freezes_and_what_waits_for_this_person_stand_in_the_first_line(tmp_path: Path) -> None:
    held = Freeze("christmas", datetime(2020, 1, 1), timedelta(days=36500))
    async with console(tmp_path, freezes=(held,)) as (app, pilot, _):
        asked_by(app.live.estate, "anna", *WEB)
        await app.fleet_screen.noticing.look()
        await pilot.pause()
        first = shown(app).splitlines()[0]
        assert "frozen" in first
        assert "A: 1" in first
        await press(pilot, "colon")
        await type_text(pilot, "freezes")
        await press(pilot, "enter")
        await until(pilot, lambda: "holds  christmas" in shown(app))


def test_a_freeze_is_told_while_it_holds_and_a_day_ahead(tmp_path: Path) -> None:
    def told(**more: object) -> list[str]:
        freeze = Freeze("xmas", lasts=timedelta(hours=2), **more)  # type: ignore[arg-type]
        live, _ = governed(tmp_path, freezes=(freeze,))
        return [notice.text for notice in freezes(live.estate, NOW)]

    zone = "UTC"
    now = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    assert told(begins=now - timedelta(hours=1), zone=zone) == ["frozen until 13:00: xmas"]
    assert told(begins=now + timedelta(hours=3, minutes=20), zone=zone) == ["freeze xmas in 3 h"]
    assert told(begins=now + timedelta(minutes=20), zone=zone) == ["freeze xmas in 20 min"]
    assert told(begins=now + timedelta(hours=25), zone=zone) == []
    assert told(begins=now - timedelta(hours=3), zone=zone) == []
