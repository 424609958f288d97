"""A runbook is started from the console: chosen, filled in, its plan confirmed; and what speaks against it is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from calmtui.actions.outcome import Status
from calmtui.fleet.node import Node
from calmtui.runbooks.journal import Journal, Standing
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.run import RunScreen
from calmtui.tui.screens.run_plan import RunPlanScreen
from calmtui.tui.screens.runbooks import RunbooksScreen
from calmtui.tui.screens.start_run import StartScreen
from calmtui.tui.widgets.still import Still
from tests.tui.fleet_app import press, type_text, until
from tests.tui.governed import RULES, governed, person
from tests.tui.test_actions import shown
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import node

RESTART = """
runbook: restart
summary: Restart a service
parameters:
  service: {required: true, summary: which one}
  port: {type: integer, default: 80, minimum: 1, maximum: 65535}
  how: {one_of: [gently, hard], default: gently}
  token: {type: secret, env: SECRET_TOKEN}
targets: "kind=thing and service={{ service }}"
strategy: {rolling: {batches: [1, 100%], parallel: 2}}
steps:
  - {name: stop, run: "stop {{ service }} {{ how }} {{ port }} $TOKEN", env: {TOKEN: "{{ token }}"}}
  - {name: note, run: "echo {{ node.name }}"}
"""
WEB = tuple(node(f"web-{number}", service="web") for number in (1, 2, 3))
SHOP = node("shop-1", service="shop", env="production")
ALLOWED = '@id("all") permit (principal, action, resource);\n'


@asynccontextmanager
async def console(
    folder: Path, *nodes: Node, rules: str = ALLOWED, size: tuple[int, int] = (100, 40), **more: Any
) -> AsyncIterator[tuple[CalmApp, Pilot[None]]]:
    """The console on an estate with one runbook, and one whose file is wrong."""
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "restart.yaml").write_text(RESTART)
    (folder / "runbooks" / "torn.yaml").write_text("runbook: torn\nsummary: s\ntargets: kind=\nsteps: []\n")
    live, source = governed(folder, *(nodes or (*WEB, SHOP)), rules=rules, path=folder / "estate.yaml")
    app = CalmApp(live, **more)
    app._journal = live.estate.database, Journal(folder / "runs.db")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(live.fleet) == len(source.nodes))
        yield app, pilot


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, workshop_provider: None) -> list[Journal]:  # noqa: F811
    """The journals for which a worker was started."""
    found: list[Journal] = []
    monkeypatch.setattr("calmtui.tui.screens.run_plan.start", found.append)
    return found


async def asked(app: CalmApp, pilot: Pilot[None]) -> None:
    """The form of the runbook."""
    await press(pilot, "r")
    await until(pilot, lambda: "Restart a service" in shown(app))
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(app.screen, StartScreen))


async def planned(app: CalmApp, pilot: Pilot[None], text: str) -> None:
    """The plan, once a text is on it."""
    await press(pilot, "ctrl+s")
    await until(pilot, lambda: isinstance(app.screen, RunPlanScreen) and text in shown(app), text)


async def test_it_is_chosen_filled_in_planned_node_by_node_and_carried_out(
    tmp_path: Path, started: list[Journal]
) -> None:
    async with console(tmp_path) as (app, pilot):
        await press(pilot, "r")
        await until(pilot, lambda: isinstance(app.screen, RunbooksScreen) and "its file is wrong" in shown(app))
        assert "service, port, how, token · never run" in shown(app)
        await press(pilot, "j", "enter")
        about = app.screen.query_one("#about", Still).render()  # it stays, and says what is wrong where
        assert f"{tmp_path}/runbooks/torn.yaml:4:8" in str(about)
        await press(pilot, "k", "enter")
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        assert "a secret, fetched from env:SECRET_TOKEN" in shown(app)
        await type_text(pilot, "web")
        await until(pilot, lambda: "kind=thing and service=web: 3 nodes" in shown(app))
        await press(pilot, "enter", "enter", "right")
        assert "[hard]" in shown(app)
        await planned(app, pilot, "policy: allowed by all")
        lines = shown(app)
        for told in ("batch 1: 1 node", "batch 2: 2 nodes, 2 at once", "stop: run stop web hard 80 $TOKEN",
                     "web-3  lab:web-3", "2. run echo web-3", "0 may fail, then: stop"):  # fmt: skip
            assert told in lines, told
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and "submitted" in shown(app))
        (run,) = app.journal.runs()
        assert started == [app.journal]
        assert app.journal.plan(run.id).parameters == {"service": "web", "port": "80", "how": "hard"}
        await press(pilot, "escape")
        assert app.screen is app.fleet_screen  # the form is gone


async def test_what_is_wrong_is_said_as_it_is_typed_and_nothing_is_planned(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot):
        await asked(app, pilot)
        await press(pilot, "ctrl+s")
        assert "service is needed" in shown(app)
        await type_text(pilot, "nothing")
        assert "service is needed" not in shown(app)
        await press(pilot, "tab")
        await type_text(pilot, "80000")
        await until(pilot, lambda: "port is 80000; at most 65535" in shown(app))
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, StartScreen)
        await press(pilot, "backspace", "backspace", "x")
        await until(pilot, lambda: "port is a whole number, not '800x'" in shown(app))
        await press(pilot, "backspace", "ctrl+s")
        await until(pilot, lambda: "no node matches 'kind=thing and service=nothing'" in shown(app))
        assert app.journal.runs() == []


async def test_marked_nodes_narrow_the_query_only_when_that_is_chosen_and_it_is_said(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot):
        app.fleet_screen.mark_only(["lab:web-2", "lab:shop-1"])
        await asked(app, pilot)
        await type_text(pilot, "web")
        await until(pilot, lambda: "service=web: 3 nodes" in shown(app))
        assert "NARROWED" not in shown(app)
        await press(pilot, "tab", "tab", "tab", "right")
        narrowed = "NARROWED to the 1 of them that are marked (1 marked is not among them)"
        await until(pilot, lambda: narrowed in shown(app).replace("\n", " ") or "NARROWED to the 1" in shown(app))
        await planned(app, pilot, "restart · 1 node")
        assert "NARROWED to the 1 of them" in shown(app)
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        (run,) = app.journal.runs()
        assert [one.id for one in app.journal.plan(run.id).nodes] == ["lab:web-2"]


async def test_production_is_confirmed_by_typing_and_approved_by_others_first(tmp_path: Path) -> None:
    rules = RULES.replace('action in Action::"act"', "action")
    async with console(tmp_path, rules=rules) as (app, pilot):
        await asked(app, pilot)
        await type_text(pilot, "shop")
        await planned(app, pilot, "R asks others")
        await press(pilot, "y")
        assert "policy does not allow it" in shown(app)
        await press(pilot, "R")
        await type_text(pilot, "hotfix")
        await press(pilot, "enter")
        await until(pilot, lambda: "is asked for" in shown(app))
        (request,) = person(app.live.estate, "hugo").newest()
        person(app.live.estate, "hugo").vote(request.id, approve=True)
        await press(pilot, "escape", "escape", "A")
        await until(pilot, lambda: "1 approved" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, StartScreen))
        await planned(app, pilot, f"approval {request.id}")
        await until(pilot, lambda: "Type restart to go on" in shown(app))
        await type_text(pilot, "restar")
        await press(pilot, "enter")
        await until(pilot, lambda: "that is not restart: nothing was done" in shown(app))
        await press(pilot, "t", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        (run,) = app.journal.runs()
        assert run.standing is Standing.SUBMITTED


async def test_read_only_shows_the_plan_and_says_why_it_stays_one(tmp_path: Path, started: list[Journal]) -> None:
    async with console(tmp_path, read_only=True, size=(80, 24)) as (app, pilot):
        await asked(app, pilot)
        await type_text(pilot, "web")
        await planned(app, pilot, "calmtui runs read-only")
        await press(pilot, "y")
        await pilot.pause()
        assert app.journal.runs() == []
        assert started == []


async def test_nodes_that_come_meanwhile_are_shown_before_anything_is_done(tmp_path: Path) -> None:
    from calmtui.fleet.update import Delta

    async with console(tmp_path) as (app, pilot):
        await asked(app, pilot)
        await type_text(pilot, "web")
        await planned(app, pilot, "policy: allowed by all")
        app.live.fleet.apply("lab", [Delta("", put=[node("web-9", service="web")])])
        await press(pilot, "y")
        await until(pilot, lambda: "the nodes have changed since this was shown" in shown(app))
        assert "restart · 4 nodes" in shown(app)
        assert app.journal.runs() == []
        await until(pilot, lambda: "policy: allowed by all" in shown(app))
        await press(pilot, "y")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        assert app.screen.board is None or app.screen.board.counts[Status.QUEUED] == 4  # type: ignore[attr-defined]


async def test_enter_goes_from_field_to_field_and_from_the_last_to_the_plan(tmp_path: Path) -> None:
    async with console(tmp_path) as (app, pilot):
        await asked(app, pilot)
        await type_text(pilot, "web")
        await press(pilot, "enter", "enter", "enter", "enter")  # service, port, how, the button
        await until(pilot, lambda: isinstance(app.screen, RunPlanScreen) and "stop web gently 80" in shown(app))
