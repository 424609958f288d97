"""A command × read-only × policy × freeze × approval × emergency: `!` and `calmtui exec` let through the same."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from calmtui.actions.commands import command_deed
from calmtui.cli.app import app as command_line
from calmtui.cli.diagnostics import ExitCode, report
from calmtui.governance import trail
from calmtui.governance.record import Event
from calmtui.tui.app import CalmApp
from calmtui.tui.screens import exec as command
from calmtui.tui.screens.answers import AnswersScreen
from calmtui.tui.screens.exec import ExecScreen
from calmtui.tui.screens.refused import RefusedScreen
from tests.tui.fleet_app import press, until
from tests.tui.matrix import ONE, RULES, approve, estate, locked
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import Workshop, closed

POLICIES = {**RULES, "emergency": '@id("glass") forbid (principal, action, resource) unless { context.break_glass };'}


@dataclass(frozen=True)
class Case:
    """What a command meets, and with what it is done."""

    policy: str
    frozen: bool
    approved: bool
    broken: bool
    read_only: bool
    """The estate is, whatever the console is."""

    def allowed(self, *, started_read_only: bool) -> bool:
        """The truth."""
        lifted = {"permitted": True, "forbidden": False, "approval": self.approved, "emergency": self.broken}
        return lifted[self.policy] and not (self.frozen or self.read_only or started_read_only)


CASES = [
    Case(policy, frozen, approved, broken, read_only)
    for policy, frozen, approved, broken, read_only in itertools.product(POLICIES, *[(False, True)] * 4)
    if not (approved and (policy != "approval" or broken)) and not (broken and policy == "permitted")
    if not (frozen and read_only)
]
"""An approval only where one is needed, an emergency only where something stands in the way, one lock of two."""


async def in_console(app: CalmApp, pilot: Pilot[None], case: Case) -> bool:
    """Whether the console lets it through, however hard it is pressed."""
    before = len(app.screen_stack)
    command.begin(app, [ONE], line="true")
    await until(pilot, lambda: isinstance(app.screen, ExecScreen) and app.screen.query("#verdict"))
    screen = app.screen
    await until(pilot, lambda: "being asked" not in str(screen.query_one("#verdict", Static).content), str(case))
    said = "allowed by" in str(screen.query_one("#verdict", Static).content)
    screen.query_one("#line", Input).focus()
    await press(pilot, "enter")
    await until(pilot, lambda: app.screen is not screen or screen.query_one("#wrong", Static).content, str(case))
    if isinstance(app.screen, RefusedScreen):
        asked = app.screen
        await until(pilot, lambda: asked.judgement is not None, str(case))
        if case.broken:
            await press(pilot, "B", "f", "i", "r", "e", "enter")
            await until(
                pilot, lambda: asked.has_class("-broken") or asked.query_one("#wrong", Static).content, str(case)
            )
        await press(pilot, "y")
        opened = app.screen.has_class("-broken") if isinstance(app.screen, RefusedScreen) else True
        if not opened:
            await press(pilot, "escape")
        await until(pilot, lambda: isinstance(app.screen, AnswersScreen if opened else ExecScreen), str(case))
    carried_out = isinstance(app.screen, AnswersScreen)
    if isinstance(app.screen, AnswersScreen):
        execution = app.screen.fanout.execution
        await until(pilot, lambda: execution.ended is not None and not locked(app.live.estate), str(case))
    while len(app.screen_stack) > before:
        await app.pop_screen()
    assert said is (carried_out and not case.broken), f"it says {said} and does {carried_out}: {case}"
    return carried_out


def on_command_line(case: Case, *, read_only: bool) -> int:
    """What the command exits with."""
    options = ["--read-only"] if read_only else []
    why = ["--break-glass", "--reason", "fire"] if case.broken else []
    try:
        command_line([*options, "exec", "web", *why, "--", "true"], standalone_mode=False)
    except BaseException as error:  # as the program itself does
        return report(SystemExit(code)) if (code := getattr(error, "exit_code", None)) is not None else report(error)
    return ExitCode.FINE


@pytest.mark.parametrize("started_read_only", [False, True])
async def test_a_command_is_let_through_by_the_console_and_the_command_line_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started_read_only: bool
) -> None:
    begun = []

    async def deed(node: object) -> str:
        begun.append(node)
        return "0"

    source = Workshop(deed)
    cases = [case for case in CASES if not (started_read_only and (case.read_only or case.frozen))]
    app = CalmApp(closed(source, ONE), read_only=started_read_only)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == 1)
        for case in cases:
            declared = estate(case, source, tmp_path, POLICIES)
            app.live.declare(declared)
            monkeypatch.setattr("calmtui.cli.opened.load_estate", lambda _, declared=declared: declared)
            truth = case.allowed(started_read_only=started_read_only)

            begun.clear()
            if case.approved:
                await approve(app, command_deed([ONE], ("true",)))
            assert await in_console(app, pilot, case) is truth, case
            assert len(begun) == truth, case

            begun.clear()
            if case.approved:
                await approve(app, command_deed([ONE], ("true",)))
            status = await asyncio.to_thread(on_command_line, case, read_only=started_read_only)
            assert status == (ExitCode.FINE if truth else ExitCode.REFUSED), case
            assert len(begun) == truth, case
    found = [item.record.event for item in trail.read(tmp_path / "ledger.db")]
    truths = [case for case in cases if case.allowed(started_read_only=started_read_only)]
    assert found.count(Event.COMMAND) == found.count(Event.OUTCOME) == found.count(Event.ENDED) == 2 * len(truths)
    assert found.count(Event.BREAK_GLASS) == 2 * sum(case.broken for case in truths)
    assert trail.verify(tmp_path / "ledger.db").bad is None
