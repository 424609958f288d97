"""Services beside their blueprints in the console: what differs comes first, and they are started from here."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from calmtui.fleet.node import Node
from calmtui.fleet.update import Delta
from calmtui.runbooks.journal import Journal
from calmtui.tui.app import CalmApp
from calmtui.tui.screens import run_plan
from calmtui.tui.screens.blueprint import BlueprintScreen
from calmtui.tui.screens.blueprint_diff import BlueprintDiffScreen
from calmtui.tui.screens.blueprints import BlueprintsScreen
from calmtui.tui.screens.run import RunScreen
from calmtui.tui.screens.run_plan import RunPlanScreen
from tests.tui.fleet_app import NOW, at, press, said, type_text, until
from tests.tui.governed import governed
from tests.tui.test_actions import shown
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import node

SHOP = """
blueprint: shop
summary: The shop
variables: {version: "1.9.2"}
tiers:
  web: {query: service=web, needs: api, expect: {count: 8, image: "shop/web:{{ version }}"}, start: {run: up}, restart: {run: again}}
  api: {query: service=api, expect: {version: "2.*", version_by: "cat V"}, start: {run: up}, restart: {run: again}}
environments:
  production: {query: env=production}
  staging: {query: env=staging, variables: {version: "1.9.3"}, tiers: {web: {expect: {count: 1}}}}
"""  # noqa: E501
ALL = '@id("all") permit (principal, action, resource);'


def web(number: int, version: str = "1.9.2", env: str = "production") -> Node:
    return node(f"{env[0]}-web-{number}", env=env, service="web", image=f"shop/web:{version}")


def api(env: str) -> Node:
    return node(f"{env[0]}-api-1", env=env, service="api", image="shop/api")


FORGOTTEN = (*(web(number, "1.9.1" if number == 6 else "1.9.2") for number in range(1, 9)), api("production"),
             web(1, "1.9.3", "staging"), api("staging"))  # fmt: skip


async def printed(_: Node) -> str:
    return "0 2.4"


def estate(folder: Path, rules: str = ALL, **more: Any) -> CalmApp:
    (folder / "blueprints").mkdir(exist_ok=True)
    (folder / "blueprints" / "shop.yaml").write_text(SHOP)
    live, _ = governed(folder, *FORGOTTEN, rules=rules, deed=printed, path=folder / "estate.yaml")
    return CalmApp(live, **more)


@asynccontextmanager
async def console(app: CalmApp, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Pilot[None]]:
    """The list of services, once all of them are compared."""
    async with app.run_test(size=size) as pilot:
        await opened(app, pilot)
        yield pilot


async def opened(app: CalmApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: len(app.live.fleet) == len(FORGOTTEN))
    await press(pilot, "U")
    await until(pilot, lambda: "8 of 9" in shown(app) and "2 of 2" in shown(app))


async def test_the_one_of_eight_that_was_forgotten_comes_first_and_enter_leads_to_it_and_esc_back(
    tmp_path: Path,
) -> None:
    app = estate(tmp_path)
    async with console(app) as pilot:
        lines = shown(app).splitlines()
        assert lines[0].strip() == "blueprints · 2 services · 1 differs"
        assert " ".join(lines[1].split()) == (
            "▌✖ shop production 8 of 9 p-web-6: image shop/web:1.9.1, not shop/web:1.9.2"
        )
        assert "as far as sources tell; c asks the nodes" in lines[2]
        await press(pilot, "enter")
        assert isinstance(app.screen, BlueprintScreen)
        assert "7 as declared" in shown(app)
        await press(pilot, "f")
        assert "p-web-8" in shown(app)
        await press(pilot, "f", "j", "j", "j")
        await press(pilot, "enter")
        assert at(app) == "p-web-6"
        assert "esc goes back to the blueprint" in said(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, BlueprintScreen)


async def test_what_is_deployed_meanwhile_is_seen(tmp_path: Path) -> None:
    app = estate(tmp_path)
    async with console(app) as pilot:
        app.live.fleet.apply("lab", [Delta("", put=[web(6)])])
        await until(pilot, lambda: "9 of 9" in shown(app))
        assert "differs" not in shown(app)


async def test_c_asks_the_nodes(tmp_path: Path) -> None:
    app = estate(tmp_path)
    async with console(app) as pilot:
        await press(pilot, "j", "c")
        await until(pilot, lambda: "2 of 2 nodes are as declared" in said(app))
        assert "checked" in shown(app)
        assert isinstance(app.screen, BlueprintsScreen)
        assert app.screen.service is not None
        assert app.screen.service.key == ("shop", "staging")


async def test_environments_side_by_side(tmp_path: Path) -> None:
    app = estate(tmp_path)
    async with console(app, size=(140, 30)) as pilot:
        await press(pilot, "d")
        assert isinstance(app.screen, BlueprintDiffScreen)
        rows = [" ".join(line.replace("▌", " ").split()) for line in shown(app).splitlines()]
        assert "production staging" in rows
        assert "web image shop/web:1.9.2 ×7, shop/web:1.9.1 ×1 shop/web:1.9.3 drift" in rows
        assert not any("api image" in line for line in shown(app).splitlines())
        await press(pilot, "f")
        assert any("api image" in line for line in shown(app).splitlines())


async def test_a_restart_is_planned_tier_by_tier_confirmed_by_its_name_and_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Journal] = []
    monkeypatch.setattr(run_plan, "start", started.append)
    app = estate(tmp_path)
    async with console(app) as pilot:
        await press(pilot, "R")
        await until(pilot, lambda: "Type restart shop to go on" in shown(app))
        assert isinstance(app.screen, RunPlanScreen)
        text = shown(app)
        assert text.index("api: restart") < text.index("p-api-1") < text.index("web: restart") < text.index("p-web-1")
        await type_text(pilot, "restart")
        await press(pilot, "enter")
        assert "that is not restart shop: nothing was done" in shown(app)
        assert started == []
        await type_text(pilot, " shop")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        (run,) = app.journal.runs()
        assert (run.runbook, run.nodes, started) == ("restart shop", 9, [app.journal])


async def test_what_policy_does_not_allow_is_not_begun_from_here(tmp_path: Path) -> None:
    app = estate(
        tmp_path, rules=ALL + '@id("no") @advice("ask") forbid (principal, action == Action::"runbook", resource);'
    )
    async with console(app) as pilot:
        await press(pilot, "R")
        await until(pilot, lambda: "no: ask" in shown(app))
        assert "Type restart shop" not in shown(app)
        await press(pilot, "y")
        assert "policy does not allow it" in shown(app)
    app = estate(tmp_path, read_only=True)
    async with console(app) as pilot:
        await press(pilot, "R")
        assert "restart is off: this console is read-only" in said(app)


async def test_mistakes_in_files_are_told_with_their_places(tmp_path: Path) -> None:
    app = estate(tmp_path)
    (tmp_path / "blueprints" / "other.yaml").write_text(SHOP.replace("blueprint: shop", "blueprint: other\nsumary: x"))
    async with console(app, size=(140, 30)):
        assert "1 differs · 1 mistake in files" in shown(app)
        assert "other.yaml:3:1: unknown key 'sumary'" in shown(app)


@pytest.mark.parametrize(
    ("screen", "size", "no_color"),
    [
        ("list", (120, 40), False),
        ("list", (80, 24), True),
        ("service", (120, 40), False),
        ("service", (80, 24), True),
        ("diff", (120, 40), False),
        ("plan", (80, 24), True),
    ],
)
def test_the_screens_look_as_they_did(
    tmp_path: Path, screen: str, size: tuple[int, int], no_color: bool, snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(time, "time", lambda: NOW)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")

    async def open_it(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, CalmApp)
        await opened(app, pilot)
        if screen != "list":
            await press(pilot, {"service": "enter", "diff": "d", "plan": "R"}[screen])
        if screen == "plan":
            await until(pilot, lambda: "Type restart shop" in shown(app))

    assert snap_compare(estate(tmp_path), terminal_size=size, run_before=open_it)
