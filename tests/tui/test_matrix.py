"""Every action × danger × read-only × policy × freeze × approval: the console and the command line say the same.

The truth is worked out here from the case alone. Each case is really confirmed on the plan's screen, whatever that
offers, and really run as a command; what was carried out is read from the source.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from calmtui.actions.plan import make
from calmtui.cli.app import app as command_line
from calmtui.cli.diagnostics import ExitCode, report
from calmtui.governance import trail
from calmtui.governance.decide import Answer
from calmtui.governance.record import Event
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.outcomes import OutcomesScreen
from calmtui.tui.screens.plan import PlanScreen
from tests.tui.fleet_app import until
from tests.tui.governed import done
from tests.tui.matrix import ONE, RULES, approve, estate, locked
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.actions.workshop import CATALOGUE, Workshop, closed


@dataclass(frozen=True)
class Case:
    """What a plan meets."""

    action: str
    policy: str
    frozen: bool
    approved: bool
    read_only: bool
    """The estate is, whatever the console is."""

    def allowed(self, *, started_read_only: bool) -> bool:
        """The truth."""
        lifted = self.policy == "permitted" or (self.policy == "approval" and self.approved)
        return lifted and not (self.frozen or self.read_only or started_read_only)


CASES = [
    Case(action, policy, frozen, approved, read_only)
    for action, policy, frozen, approved, read_only in itertools.product(
        ("start", "stop", "destroy"), RULES, (False, True), (False, True), (False, True)
    )
    if not (approved and policy != "approval")
]
"""Of all that there is, an approval only where one is needed: nobody can ask for another."""


async def in_console(app: CalmApp, pilot: Pilot[None], case: Case) -> bool:
    """Whether the console lets the case's plan through, however hard it is pressed."""
    screen = PlanScreen(app.gate, make(case.action, [ONE], CATALOGUE, is_stale=lambda _: False))
    await app.push_screen(screen)
    await until(pilot, lambda: screen.judgement is not None, f"no verdict: {case}")
    assert screen.judgement is not None
    said = screen.judgement.answer is Answer.ALLOWED
    for field in screen.query("#typed").results(Input):
        field.value = screen.plan.typed
    screen.action_confirm()
    await until(pilot, lambda: isinstance(app.screen, OutcomesScreen) or screen.query_one("#wrong").display, str(case))
    carried_out = isinstance(app.screen, OutcomesScreen)
    if isinstance(app.screen, OutcomesScreen):
        execution = app.screen.execution
        await until(pilot, lambda: execution.ended is not None and not locked(app.live.estate), str(case))
    await app.pop_screen()
    assert said is carried_out, f"it says {said} and does {carried_out}: {case}"
    return carried_out


def on_command_line(case: Case, *, read_only: bool) -> int:
    """What the command exits with."""
    options = ["--read-only"] if read_only else []
    try:
        command_line([*options, "act", case.action, "web", "--yes"], standalone_mode=False)
    except BaseException as error:  # as the program itself does
        return report(SystemExit(code)) if (code := getattr(error, "exit_code", None)) is not None else report(error)
    return ExitCode.FINE


@pytest.mark.parametrize("started_read_only", [False, True])
async def test_the_console_and_the_command_line_let_through_the_same_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started_read_only: bool
) -> None:
    source = Workshop(done)
    cases = (
        CASES if not started_read_only else [case for case in CASES if not case.read_only and case.action != "start"]
    )
    app = CalmApp(closed(source, ONE), read_only=started_read_only)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: len(app.live.fleet) == 1)
        for case in cases:
            declared = estate(case, source, tmp_path)
            app.live.declare(declared)
            monkeypatch.setattr("calmtui.cli.opened.load_estate", lambda _, declared=declared: declared)
            truth = case.allowed(started_read_only=started_read_only)

            source.acts.clear()
            if case.approved:
                await approve(app, make(case.action, [ONE], CATALOGUE, is_stale=lambda _: False).deed)
            assert await in_console(app, pilot, case) is truth, case
            assert [act[1] for act in source.acts] == [case.action] * truth, case

            source.acts.clear()
            if case.approved:
                await approve(app, make(case.action, [ONE], CATALOGUE, is_stale=lambda _: False).deed)
            status = await asyncio.to_thread(on_command_line, case, read_only=started_read_only)
            assert status == (ExitCode.FINE if truth else ExitCode.REFUSED), case
            assert [act[1] for act in source.acts] == [case.action] * truth, case
    found = [item.record.event for item in trail.read(tmp_path / "ledger.db")]
    truths = sum(case.allowed(started_read_only=started_read_only) for case in cases)
    assert found.count(Event.INTENT) == found.count(Event.OUTCOME) == found.count(Event.ENDED) == 2 * truths
    assert found.count(Event.DENIED) == 2 * (len(cases) - truths)
    assert trail.verify(tmp_path / "ledger.db").bad is None
