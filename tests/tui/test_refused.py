"""A command and a shell that are refused as they are: asked for, approved and done, or done in an emergency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from calmtui.governance import trail
from calmtui.governance.approvals import Standing
from calmtui.governance.record import Event, Record
from calmtui.tui import shell
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.answers import AnswersScreen
from calmtui.tui.screens.approvals import ApprovalsScreen
from calmtui.tui.screens.exec import ExecScreen
from calmtui.tui.screens.refused import RefusedScreen
from tests.tui.fleet_app import press, said, type_text, until
from tests.tui.governed import governed, person
from tests.tui.test_actions import shown
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import node

RULES = """
@id("all") permit (principal, action, resource);
@id("eyes") @approvals("1") forbid (principal, action in Action::"change", resource)
when { resource.name like "web-*" && !context.break_glass };
@id("closed") @advice("ask its owner") forbid (principal, action in Action::"change", resource)
when { resource.name == "vault" };
@id("hours") @advice("not at night") forbid (principal, action in Action::"change", resource)
when { resource.name like "db-*" && !context.break_glass };
"""
OFFERS = ("exec", "shell")
WEB = tuple(node(f"web-{number}", offers=OFFERS) for number in (1, 2))
VAULT, DB, FREE = (node(name, offers=OFFERS) for name in ("vault", "db-1", "free"))


async def zero(_: object) -> str:
    return "0 fine"


@asynccontextmanager
async def console(
    folder: Path, *nodes: object, rules: str = RULES, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[CalmApp, Pilot[None]]]:
    """The governed console on these nodes, all of them marked."""
    live, _ = governed(folder, *nodes, rules=rules, deed=zero)  # type: ignore[arg-type]
    app = CalmApp(live)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(live.fleet) == len(nodes))
        await press(pilot, "asterisk")
        yield app, pilot


def records(app: CalmApp, event: Event) -> list[Record]:
    assert app.live.estate.ledger is not None
    return [item.record for item in trail.read(app.live.estate.ledger) if item.record.event is event]


async def typed(app: CalmApp, pilot: Pilot[None], line: str) -> None:
    await press(pilot, "exclamation_mark")
    await until(pilot, lambda: isinstance(app.screen, ExecScreen))
    await type_text(pilot, line)
    await press(pilot, "enter")


async def answered(app: CalmApp, pilot: Pilot[None], counts: str) -> None:
    await until(pilot, lambda: isinstance(app.screen, AnswersScreen) and f"{counts} · ended" in shown(app), counts)


async def refused(app: CalmApp, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(app.screen, RefusedScreen) and app.screen.judgement is not None)
    await pilot.pause()


async def asked(app: CalmApp, pilot: Pilot[None], why: str) -> str:
    """Ask for it with the key; the id of the request."""
    await press(pilot, "R")
    await type_text(pilot, why)
    await press(pilot, "enter")
    await until(pilot, lambda: "is asked for" in shown(app))
    (request,) = person(app.live.estate, "hugo").newest()
    assert request.asked.reason == why
    return request.id


async def broken(app: CalmApp, pilot: Pilot[None], why: str) -> None:
    """Break the glass, and confirm what that opens."""
    await press(pilot, "B")
    await type_text(pilot, why)
    await press(pilot, "enter")
    await until(pilot, lambda: app.screen.has_class("-broken"))
    await press(pilot, "y")


async def carried_out(app: CalmApp, pilot: Pilot[None]) -> None:
    """Go to the approvals and carry out what is granted."""
    await press(pilot, "A")
    await until(pilot, lambda: isinstance(app.screen, ApprovalsScreen) and "1 approved" in shown(app))
    await press(pilot, "enter")


async def test_a_command_is_asked_for_approved_and_run_once_as_it_was_asked_for(tmp_path: Path) -> None:
    async with console(tmp_path, *WEB) as (app, pilot):
        await press(pilot, "exclamation_mark")
        await until(pilot, lambda: "eyes: needs the approval of 1 person" in shown(app))  # before anything is typed
        await type_text(pilot, "df -h")
        await press(pilot, "ctrl+s", "enter")
        await refused(app, pilot)
        assert "df -h (as root)" in shown(app)
        assert "on web-[1-2]" in shown(app)
        request = await asked(app, pilot, "the disk is full")
        assert "R asks others" not in shown(app)
        person(app.live.estate, "hugo").vote(request, approve=True)
        await press(pilot, "escape")
        screen = app.screen
        assert isinstance(screen, ExecScreen)
        await press(pilot, "ctrl+s", "enter")  # not as root: another command
        await refused(app, pilot)
        await press(pilot, "escape", "escape")
        await carried_out(app, pilot)
        await until(pilot, lambda: isinstance(app.screen, ExecScreen) and f"approval {request}" in shown(app))
        assert "as root, by sudo" in shown(app)
        assert app.screen.query_one("#line", Input).value == "df -h"
        await press(pilot, "enter")
        await answered(app, pilot, "2 ok")
        assert person(app.live.estate, "hugo").one(request).standing(0) is Standing.USED
        (run,) = records(app, Event.COMMAND)
        assert run.detail.endswith(f"approval {request}")
        await press(pilot, "escape", "escape")
        await typed(app, pilot, "df -h")
        await refused(app, pilot)  # spent


async def test_a_command_in_an_emergency_wants_a_reason_and_is_loud(tmp_path: Path) -> None:
    async with console(tmp_path, *WEB) as (app, pilot):
        await typed(app, pilot, "reboot")
        await refused(app, pilot)
        await press(pilot, "y")
        assert "it is not allowed as it is" in shown(app)
        await press(pilot, "B", "enter")
        assert "say why" in shown(app)
        await press(pilot, "B")
        await type_text(pilot, "the site is down")
        await press(pilot, "enter")
        await until(
            pilot, lambda: "BREAK-GLASS · the site is down" in shown(app) and "exec in an emergency (y)" in shown(app)
        )
        assert records(app, Event.COMMAND) == []
        await press(pilot, "y")
        await answered(app, pilot, "2 ok")
        assert "BREAK-GLASS · the site is down" in shown(app)
        (loud,) = records(app, Event.BREAK_GLASS)
        assert (loud.reason, loud.policies) == ("the site is down", ("eyes",))


async def test_what_no_emergency_opens_offers_none_and_what_is_only_denied_no_approval(tmp_path: Path) -> None:
    async with console(tmp_path, VAULT) as (app, pilot):
        await typed(app, pilot, "cat key")
        await until(pilot, lambda: "exec is refused: closed: ask its owner" in shown(app))
        assert isinstance(app.screen, ExecScreen)
    async with console(tmp_path, DB) as (app, pilot):
        await typed(app, pilot, "psql")
        await refused(app, pilot)
        assert "R asks others" not in shown(app)
        await press(pilot, "R")
        assert "there is nothing to be approved" in shown(app)


async def test_where_some_are_denied_the_rest_runs_and_a_key_opens_those_in_an_emergency(tmp_path: Path) -> None:
    async with console(tmp_path, FREE, DB) as (app, pilot):
        await typed(app, pilot, "uptime")
        await answered(app, pilot, "1 ok  1 denied")
        await press(pilot, "B")
        await refused(app, pilot)
        await press(pilot, "escape")  # left: everything as it was
        await answered(app, pilot, "1 ok  1 denied")
        await press(pilot, "B")
        await refused(app, pilot)
        await broken(app, pilot, "it burns")
        await answered(app, pilot, "2 ok")
        assert [one.nodes for one in records(app, Event.BREAK_GLASS)] == [(DB.id,)]


@contextmanager
def shells(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is said above each shell that opens; none really does."""
    opened: list[str] = []

    async def channel(*_: object) -> object:
        return object()

    async def attached(_: object, place: object, greet: str) -> tuple[str, bool]:
        opened.append(greet)
        return "the shell has ended", False

    monkeypatch.setattr(shell, "shell_node", lambda _, node: (node, ""))
    monkeypatch.setattr(shell, "channel_to", channel)
    monkeypatch.setattr(shell, "_attached", attached)
    monkeypatch.setattr(CalmApp, "suspend", lambda _: contextmanager(lambda: iter([None]))())
    yield opened


async def test_a_shell_is_asked_for_approved_and_opened_once_or_opened_in_an_emergency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(tmp_path, WEB[0]) as (app, pilot):
        with shells(monkeypatch) as opened:
            await press(pilot, "g", "n", "j")
            await until(pilot, lambda: app.fleet_screen.tree_view.node is not None)
            await press(pilot, "s")
            await refused(app, pilot)
            assert "an interactive shell" in shown(app)
            request = await asked(app, pilot, "look at it")
            await press(pilot, "escape")
            assert opened == []
            person(app.live.estate, "hugo").vote(request, approve=True)
            await carried_out(app, pilot)
            await until(pilot, lambda: len(opened) == 1)
            await until(pilot, lambda: len(records(app, Event.ENDED)) == 1)
            await press(pilot, "escape", "s")
            await refused(app, pilot)  # spent
            await broken(app, pilot, "it burns")
            await until(pilot, lambda: len(opened) == 2)
            assert "BREAK-GLASS: it burns" in opened[1]
            assert "BREAK-GLASS" not in opened[0]
            await until(pilot, lambda: "the shell has ended" in said(app))
            assert [one.reason for one in records(app, Event.SHELL)] == ["", "it burns"]
