"""Approvals in the console: what waits is shown in full, voted on, and carried out once it is granted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from calmtui.fleet.node import State
from calmtui.fleet.update import Delta
from calmtui.governance import trail
from calmtui.governance.approvals import Standing
from calmtui.governance.identity import Who
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.approvals import ApprovalsScreen
from calmtui.tui.screens.outcomes import OutcomesScreen
from calmtui.tui.screens.plan import PlanScreen
from tests.tui.fleet_app import press, said, type_text, until
from tests.tui.governed import WEB, asked_by, governed, person
from tests.tui.test_actions import shown
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import Workshop, node


@asynccontextmanager
async def console(folder: Path, **more: Any) -> AsyncIterator[tuple[CalmApp, Pilot[None], Workshop]]:
    """The console on the governed estate, once it knows the nodes."""
    live, source = governed(folder, **more)
    app = CalmApp(live)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(live.fleet) == len(source.nodes))
        yield app, pilot, source


async def opened(app: CalmApp, pilot: Pilot[None], text: str) -> None:
    """The screen of approvals, once a text is on it."""
    await press(pilot, "A")
    await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and text in shown(app), text)


async def test_a_request_is_shown_in_full_and_approved_with_a_key(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, _):
        estate = app.live.estate
        request = asked_by(estate, "anna", *WEB)
        await opened(app, pilot, request.id)
        lines = shown(app)
        for told in ("1 open", "stop it", "disk is full", "anna on their-laptop", "lab:web-[1-3]", "eyes: 1 person"):
            assert told in lines
        await press(pilot, "a")
        assert "Approve stop of 3 nodes by anna?" in shown(app)
        await type_text(pilot, "seen")
        await press(pilot, "enter")
        await until(pilot, lambda: "1 approved" in shown(app))
        vote = person(estate, "anna").one(request.id).votes[0]
        assert (vote.who, vote.approve, vote.reason) == (app.gate.trail.who.name, True, "seen")


async def test_a_question_that_is_left_changes_nothing_and_a_rejection_says_why(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, _):
        request = asked_by(app.live.estate, "anna", *WEB)
        await opened(app, pilot, request.id)
        await press(pilot, "a", "escape")
        assert isinstance(app.screen, ApprovalsScreen)
        await press(pilot, "r", "enter")
        await until(pilot, lambda: "a rejection says why" in said(app))
        assert person(app.live.estate, "anna").one(request.id).votes == ()
        await press(pilot, "r")
        await type_text(pilot, "not today")
        await press(pilot, "enter")
        await until(pilot, lambda: "1 closed: f shows them" in shown(app))
        await press(pilot, "f")
        assert "rejected" in shown(app)
        assert "not today" in shown(app)


async def test_votes_of_others_show_by_themselves_and_the_plan_is_then_carried_out(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, source):
        await press(pilot, "asterisk", "a")
        await until(pilot, lambda: app.where == "actions")
        await press(pilot, "s", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and "R asks others" in shown(app))
        await press(pilot, "R")
        await type_text(pilot, "patches")
        await press(pilot, "enter")
        await until(pilot, lambda: "is asked for" in shown(app))
        await press(pilot, "escape")
        await opened(app, pilot, "by you")
        (request,) = person(app.live.estate, "hugo").newest()
        assert (request.asked.reason, request.asked.names) == ("patches", ("test-1", "web-1", "web-2", "web-3"))
        await press(pilot, "a")
        assert "nobody approves their own plan" in said(app)
        await press(pilot, "enter")
        assert "it is open" in said(app)
        person(app.live.estate, "hugo").vote(request.id, approve=True)
        await until(pilot, lambda: "1 approved" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and f"approval {request.id}" in shown(app))
        await type_text(pilot, "stop 4")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) and "4 ok" in shown(app))
        assert sorted(act[0] for act in source.acts) == [f"lab:{name}" for name in request.asked.names]
        assert person(app.live.estate, "hugo").one(request.id).closed == Standing.USED


async def test_a_plan_that_is_another_by_now_is_not_carried_out_and_says_what_differs(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, source):
        me = app.gate.trail.who.name
        request = asked_by(app.live.estate, me, *WEB)
        person(app.live.estate, "hugo").vote(request.id, approve=True)
        stopped = node("web-2", env="production", state=State.STOPPED, actions=("start",))
        app.live.fleet.apply("lab", [Delta("", put=[stopped])])
        await opened(app, pilot, request.id)
        await press(pilot, "enter")
        await until(pilot, lambda: "another plan now: lab:web-2: thing web-2 is stopped already" in said(app))
        assert source.acts == []


async def test_what_was_done_by_break_glass_waits_for_somebody_elses_review(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot, _):
        estate = app.live.estate
        assert estate.ledger is not None
        theirs = Trail(estate.ledger, estate.name, who=Who("anna"))
        theirs.append(theirs.record(Event.BREAK_GLASS, action="stop", nodes=(WEB[0].id,), reason="fire"))
        await opened(app, pilot, "1 to review")
        assert "fire" in shown(app)
        await press(pilot, "v")
        await type_text(pilot, "right so")
        await press(pilot, "enter")
        await until(pilot, lambda: "nothing waits" in shown(app))
        last = trail.read(estate.ledger)[-1].record
        assert (last.event, last.detail) == (Event.REVIEWED, "right so")
