"""`!` in the console: real keys in, what the nodes answered and what is on the screen out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from calmtui.actions.outcome import Status
from calmtui.estate import find
from calmtui.fleet.node import Node
from calmtui.store.commands import load
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.answers import AnswersScreen
from calmtui.tui.screens.exec import ExecScreen
from tests.tui.fleet_app import press, said, type_text
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import Deed, Workshop, closed, node

pytestmark = pytest.mark.usefixtures("workshop_provider")


@asynccontextmanager
async def console(
    deed: Deed, *nodes: Node, size: tuple[int, int] = (80, 24), read_only: bool = False
) -> AsyncIterator[tuple[CalmApp, Pilot[None]]]:
    """The console on these nodes, all of them marked."""
    app = CalmApp(closed(Workshop(deed), *nodes), read_only=read_only)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == len(nodes))
        await press(pilot, "asterisk")
        yield app, pilot


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await pilot.pause(0.02)


def shown(app: CalmApp) -> str:
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips()[: app.size.height])


async def ran(app: CalmApp, pilot: Pilot[None], line: str) -> AnswersScreen:
    """The screen of answers once the command, typed at `!`, has ended."""
    await press(pilot, "exclamation_mark")
    assert isinstance(app.screen, ExecScreen)
    await type_text(pilot, line)
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(app.screen, AnswersScreen))
    screen = app.screen
    assert isinstance(screen, AnswersScreen)
    await until(pilot, lambda: "· ended" in shown(app) and not screen._changed and screen._list.count > 0)
    return screen


async def odd(which: Node) -> str:
    return "1 same\nother" if which.name == "web-3" else "0 same"


async def test_the_one_that_differs_stands_out_is_marked_and_retried() -> None:
    tries: list[str] = []

    async def deed(which: Node) -> str:
        tries.append(which.name)
        return await odd(which)

    async with console(deed, *(node(f"web-{number}") for number in range(1, 6))) as (app, pilot):
        screen = await ran(app, pilot, "uptime")
        assert "4 ok  1 failed" in shown(app)
        assert "web-[1-2,4-5]" in shown(app)
        await press(pilot, "j")
        await until(pilot, lambda: "+other" in shown(app))
        await press(pilot, "m")
        await until(pilot, lambda: set(app.fleet_screen.marks) == {"lab:web-3"})
        await press(pilot, "r")
        await until(pilot, lambda: tries.count("web-3") == 2 and screen.fanout.execution.ended is not None)
        assert len(tries) == 6


async def test_each_node_has_a_row_of_its_own_when_asked() -> None:
    async with console(odd, *(node(f"web-{number}") for number in range(1, 6))) as (app, pilot):
        await ran(app, pilot, "uptime")
        await press(pilot, "n")
        await until(pilot, lambda: all(f"web-{number}" in shown(app) for number in range(1, 6)))


async def test_a_command_in_production_wants_a_word_and_runs_nowhere_without_it() -> None:
    begun: list[str] = []

    async def deed(which: Node) -> str:
        begun.append(which.name)
        return "0"

    async with console(deed, node("db-1", env="production")) as (app, pilot):
        await press(pilot, "exclamation_mark")
        await type_text(pilot, "reboot")
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: "that is not db-1: nothing was done" in shown(app))
        assert begun == []
        await type_text(pilot, "db-1")
        await press(pilot, "enter")
        await until(pilot, lambda: begun == ["db-1"])


async def test_what_was_run_is_at_hand_again_and_a_masked_secret_must_be_written_anew() -> None:
    async def deed(_: Node) -> str:
        return "0 fine"

    async with console(deed, node("a")) as (app, pilot):
        await ran(app, pilot, "TOKEN=abc123def456 deploy")
        key = find.key(app.live.estate)
        await until(pilot, lambda: len(load(key)) == 1)
        await press(pilot, "escape", "exclamation_mark")
        screen = app.screen
        assert isinstance(screen, ExecScreen)
        await until(pilot, lambda: bool(screen._past))
        await press(pilot, "up")
        assert "deploy" in screen.query_one("#line", Input).value
        assert "abc123def456" not in screen.query_one("#line", Input).value
        await press(pilot, "enter")
        await until(pilot, lambda: "a secret was masked" in shown(app))


async def test_cancelled_it_ends_where_it_runs_and_what_was_not_begun_can_be_run() -> None:
    release = asyncio.Event()
    begun: list[str] = []

    async def deed(which: Node) -> str:
        begun.append(which.name)
        if which.name == "slow":
            await release.wait()
        return "0"

    async with console(deed, node("a-quick"), node("slow"), node("t-later")) as (app, pilot):
        await press(pilot, "exclamation_mark")
        app.screen.query_one("#parallel", Input).value = "1"
        await type_text(pilot, "work")
        await press(pilot, "enter")
        await until(pilot, lambda: "slow" in begun)
        screen = app.screen
        assert isinstance(screen, AnswersScreen)
        await press(pilot, "c")
        await until(pilot, lambda: screen.fanout.execution.ended is not None)
        statuses = {one.node.name: one.status for one in screen.fanout.execution.outcomes.values()}
        assert statuses == {"a-quick": Status.OK, "slow": Status.UNKNOWN, "t-later": Status.SKIPPED}
        await press(pilot, "R")
        await until(pilot, lambda: "t-later" in begun)


async def test_answers_are_saved_for_their_owner_alone(tmp_path: Path) -> None:
    async with console(odd, node("web-1"), node("web-3")) as (app, pilot):
        await ran(app, pilot, "uptime")
        folder = tmp_path / "saved"
        await app.action_run("answers.save", str(folder))
        assert (folder / "web-3.out").read_text() == "same\nother"
        assert (folder / "web-3.err").read_text() == "bad\n"
        assert folder.stat().st_mode & 0o777 == 0o700


async def test_read_only_offers_no_command_and_says_why() -> None:
    async with console(odd, node("a"), read_only=True) as (app, pilot):
        await press(pilot, "exclamation_mark")
        assert "read-only" in said(app)
        assert not isinstance(app.screen, ExecScreen)


async def test_text_of_a_command_is_never_read_as_markup() -> None:
    async def deed(_: Node) -> str:
        return "0 [bold]loud[/bold] \x1b[31mred"

    async with console(deed, node("a")) as (app, pilot):
        await ran(app, pilot, "[bold]x")
        await until(pilot, lambda: "[bold]loud[/bold] ␛[31mred" in shown(app))
        assert "[bold]x" in shown(app)


async def test_a_time_limit_ends_the_wait_for_a_host_that_hangs_too() -> None:
    async with console(odd, node("a")) as (app, pilot):
        await press(pilot, "exclamation_mark")
        app.screen.query_one("#seconds", Input).value = "40"
        await type_text(pilot, "true")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, AnswersScreen))
        screen = app.screen
        assert isinstance(screen, AnswersScreen)
        assert (screen.fanout.limits.connect_seconds, screen.fanout.limits.seconds) == (40, 40)
