"""The screens of an action: real keys in, what EC2 (moto) then says and what is on the screen out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Static

from calmtui.actions.execute import Execution, act
from calmtui.actions.limits import Limits
from calmtui.actions.outcome import Status
from calmtui.actions.plan import Plan, make
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.fleet.node import Node
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.actions import ActionsScreen
from calmtui.tui.screens.ask import AskScreen
from calmtui.tui.screens.outcomes import OutcomesScreen
from calmtui.tui.screens.plan import PlanScreen
from calmtui.tui.widgets.rows import Rows
from tests.conftest import Moto
from tests.integration.test_cli_act import Cloud
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import CATALOGUE, Workshop, closed, node


@pytest.fixture
def cloud(moto: Moto, tmp_path: Path) -> Cloud:
    cloud = Cloud(moto.url, tmp_path)
    for name, env in (("web-1", "staging"), ("web-2", "staging"), ("db-1", "production")):
        cloud.launch(name, env)
    return cloud


@asynccontextmanager
async def console(cloud: Cloud, *, read_only: bool = False) -> AsyncIterator[tuple[CalmApp, Pilot[None]]]:
    """The console, once it knows the instances."""
    app = CalmApp(LiveEstate(load_estate(cloud.estate)), read_only=read_only)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(instances(app)) == 3)
        yield app, pilot


def instances(app: CalmApp) -> list[Node]:
    return sorted((node for node in app.live.fleet if node.kind == "instance"), key=lambda node: node.name)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await pilot.pause(0.02)


async def choose(app: CalmApp, pilot: Pilot[None], names: list[str], *, hidden: int = 0) -> ActionsScreen:
    nodes = [node for node in instances(app) if node.name in names]
    screen = ActionsScreen(app.gate, nodes, hidden)
    await app.push_screen(screen)
    await pilot.pause()
    return screen


def shown(app: App[None]) -> str:
    """What is on the screen, as text."""
    height = app.size.height
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips[:height])


async def test_what_can_be_done_with_all_comes_first_and_the_others_say_why_not(cloud: Cloud) -> None:
    async with console(cloud) as (app, pilot):
        await choose(app, pilot, ["web-1", "web-2"], hidden=1)
        lines = shown(app)
        assert "2 nodes: web-1, web-2 · 1 hidden by the filter" in lines
        assert "1 reboot" in lines
        assert "3 terminate  destructive" in lines
        await pilot.press("t")
        assert "terminate the instance for ever" in str(app.screen.query_one("#why", Static).content)


async def test_a_digit_leads_to_the_plan_and_y_carries_it_out(cloud: Cloud) -> None:
    async with console(cloud) as (app, pilot):
        await choose(app, pilot, ["web-1", "web-2"])
        await pilot.press("2")
        assert isinstance(app.screen, PlanScreen)
        lines = shown(app)
        assert all(node.id in lines for node in instances(app) if node.name.startswith("web"))
        assert "0 hidden by the filter · undo: start" in lines
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) and "2 ok" in shown(app))
        assert cloud.states() == {"web-1": "stopped", "web-2": "stopped", "db-1": "running"}


async def test_the_limits_of_a_plan_are_typed_into_it_and_a_wrong_one_does_nothing(cloud: Cloud) -> None:
    async with console(cloud) as (app, pilot):
        await choose(app, pilot, ["web-1", "web-2"])
        await pilot.press("2")
        screen = app.screen
        for name, value in {"parallel": "1", "batches": "1,100%", "max_failed": "0", "min_healthy": "half"}.items():
            screen.query_one(f"#{name}", Input).value = value
        await pilot.press("y")
        await until(pilot, lambda: "'half' is no number of nodes" in shown(app))
        screen.query_one("#min_healthy", Input).value = "1"
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen))
        assert isinstance(app.screen, OutcomesScreen)
        assert app.screen.execution.limits == Limits(1, ("1", "100%"), "0", min_healthy="1")


async def test_enter_on_a_plan_does_nothing_because_the_focus_is_on_cancel(cloud: Cloud) -> None:
    async with console(cloud) as (app, pilot):
        await choose(app, pilot, ["web-1"])
        await pilot.press("2", "enter")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert set(cloud.states().values()) == {"running"}


async def test_production_asks_for_the_name_and_takes_nothing_else(cloud: Cloud) -> None:
    async with console(cloud) as (app, pilot):
        await choose(app, pilot, ["db-1"])
        await pilot.press("2")
        assert "this is production" in shown(app)
        await pilot.press("y", "enter")
        assert "that is not db-1: nothing was done" in shown(app)
        assert cloud.states()["db-1"] == "running"
        app.screen.query_one("#typed", Input).clear()
        await pilot.press("d", "b", "minus", "1", "enter")
        await until(pilot, lambda: cloud.states()["db-1"] == "stopped")


async def test_what_harms_nothing_is_done_at_once(cloud: Cloud) -> None:
    web = next(i for r in cloud.ec2.describe_instances()["Reservations"] for i in r["Instances"]
               if {"Key": "Name", "Value": "web-1"} in i["Tags"])  # fmt: skip
    cloud.ec2.stop_instances(InstanceIds=[web["InstanceId"]])
    async with console(cloud) as (app, pilot):
        await choose(app, pilot, ["web-1"])
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) and "1 ok" in shown(app))
        assert cloud.states()["web-1"] == "running"


async def test_read_only_shows_the_list_and_lets_nothing_be_chosen(cloud: Cloud) -> None:
    async with console(cloud, read_only=True) as (app, pilot):
        screen = await choose(app, pilot, ["web-1"])
        assert "read-only" in shown(app)
        await pilot.press("1", "enter")
        assert app.screen is screen
        assert set(cloud.states().values()) == {"running"}


async def test_those_that_failed_are_marked_and_retried(cloud: Cloud) -> None:
    kept = cloud.launch("web-3")
    cloud.ec2.modify_instance_attribute(InstanceId=kept, DisableApiTermination={"Value": True})
    app = CalmApp(LiveEstate(load_estate(cloud.estate)))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda: len(instances(app)) == 4)
        await choose(app, pilot, ["web-1", "web-3"])
        await pilot.press("3", *"terminate", "space", "2", "enter")
        await until(pilot, lambda: "1 ok  1 failed" in shown(app) and "ended" in shown(app))
        await pilot.press("f", "m")
        assert list(app.fleet_screen.marks) == [f"aws:cloud/eu-west-1/{kept}"]
        assert "disableApiTermination" in shown(app)
        assert "web-1" not in shown(app)
        cloud.ec2.modify_instance_attribute(InstanceId=kept, DisableApiTermination={"Value": False})
        await pilot.press("r")
        await until(pilot, lambda: "1 ok" in shown(app) and "failed ·" not in shown(app))
        assert cloud.states()["web-3"] == "terminated"


async def test_a_plan_of_an_action_that_needs_a_value_asks_for_it_and_checks_it() -> None:
    async def deed(_: Node) -> str:
        return "scaled"

    one = node("api", actions=["scale"])
    source = Workshop(deed)
    app = CalmApp(closed(source, one))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == 1)
        await app.push_screen(PlanScreen(app.gate, make("scale", [one], CATALOGUE, is_stale=lambda _: False)))
        await pilot.pause()
        assert "how many:" in shown(app)
        await pilot.press("x", "tab", "tab", "enter")
        assert "replicas is a whole number, not 'x'" in shown(app)
        assert source.acts == []
        app.screen.query_one(".value", Input).value = "3"
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) and "1 ok" in shown(app))
        assert source.acts == [("lab:api", "scale", {"replicas": "3"})]


async def slow(count: int) -> tuple[CalmApp, Plan, Execution]:
    """A plan whose acts wait for ever, one at a time, and its execution."""

    async def deed(_: Node) -> str:
        return await asyncio.Future[str]()

    nodes = [node(f"web-{number:05}") for number in range(count)]
    estate = closed(Workshop(deed), *nodes)
    plan = make("stop", nodes, CATALOGUE, is_stale=lambda _: False)
    app = CalmApp(estate)
    return app, plan, await act(app.gate, plan, Limits(parallel=1))


async def test_what_has_not_begun_can_be_cancelled_while_the_rest_goes_on() -> None:
    app, plan, execution = await slow(3)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == len(execution.outcomes))
        await app.push_screen(OutcomesScreen(app.gate, plan, execution))
        await until(pilot, lambda: "2 queued  1 running" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: "1 running  2 skipped" in shown(app))
        assert "2 will not be begun" in shown(app)
        assert "cancelled before it began" in shown(app)
        await pilot.press("escape")
        assert app.screen is app.fleet_screen
        assert execution.having(Status.RUNNING) != []
        await pilot.press("O")
        await until(pilot, lambda: "1 running  2 skipped" in shown(app))


async def test_who_has_left_the_outcomes_is_told_how_it_ended() -> None:
    go_on = asyncio.Event()

    async def deed(_: Node) -> str:
        await go_on.wait()
        return "stopped"

    one = node("api")
    app = CalmApp(closed(Workshop(deed), one))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == 1)
        plan = make("stop", [one], CATALOGUE, is_stale=lambda _: False)
        await app.push_screen(OutcomesScreen(app.gate, plan, await act(app.gate, plan)))
        await until(pilot, lambda: "1 running" in shown(app))
        await pilot.press("escape")
        go_on.set()
        await until(pilot, lambda: "stop has ended: 1 ok" in shown(app))


async def test_ten_thousand_outcomes_are_rows_and_no_widgets() -> None:
    app, plan, execution = await slow(10_000)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == len(execution.outcomes))
        await app.push_screen(OutcomesScreen(app.gate, plan, execution))
        await pilot.press("G")
        await until(pilot, lambda: plan.targets[-1].node.name in shown(app))
        assert len(app.screen.query("*")) < 12
        await pilot.press("g")
        await until(pilot, lambda: plan.targets[0].node.name in shown(app))
        assert app.screen.query_one(Rows).cursor == 0


async def test_a_secret_is_not_echoed_and_can_be_refused() -> None:
    app, _, _ = await slow(1)
    answers: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(AskScreen("password of root@web-1\x1b[2J"), callback=answers.append)
        await pilot.press(*"s3cret")
        assert "password of root@web-1␛[2J" in shown(app)
        assert "s3cret" not in shown(app)
        await pilot.press("enter")
        await app.push_screen(AskScreen("again"), callback=answers.append)
        await pilot.press("x", "escape")
        assert answers == ["s3cret", None]


async def test_names_are_never_read_as_markup(cloud: Cloud) -> None:
    cloud.launch("[red]x[/]", env="[blink]")
    app = CalmApp(LiveEstate(load_estate(cloud.estate)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(instances(app)) == 4)
        await choose(app, pilot, ["[red]x[/]"])
        assert "instance [red]x[/]" in shown(app)
        await pilot.press("3")
        assert "terminate · 1 node · [blink]" in shown(app)
        assert "Type [red]x[/] to go on" in shown(app)
