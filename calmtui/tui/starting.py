"""Starting runbooks: from their list or by name to the form, from there to the plan; and what was approved, again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.actions.gate import Gate
from calmtui.errors import UsageError
from calmtui.governance.approvals import Request
from calmtui.runbooks.load import Runbook, load
from calmtui.tui.screens.runbooks import RunbooksScreen
from calmtui.tui.screens.start_run import StartScreen

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp


def begin(app: CalmApp, name: str) -> None:
    """Ask for what a runbook needs; without a name, for which one. Raises UsageError, EstateError."""
    if name:
        _ask(app, load(app.live.estate, name))
    else:
        app.push_screen(RunbooksScreen(app.live.estate, app.journal), lambda chosen: _ask(app, chosen))


def _ask(app: CalmApp, runbook: Runbook | None) -> None:
    if runbook is not None:
        app.push_screen(StartScreen(_gate(app), app.journal, runbook, app.fleet_screen.marks))


def again(app: CalmApp, request: Request) -> None:
    """Show what was approved to be carried out, filled in, on the same nodes. Raises UsageError, EstateError."""
    given = dict(request.asked.parameters)
    given.pop("plan", None)
    name = given.pop("runbook", "")
    if not name:
        raise UsageError("it is of a run that goes on by itself", next_step="W shows the runs")
    runbook = load(app.live.estate, name)
    app.push_screen(StartScreen(_gate(app), app.journal, runbook, request.asked.nodes, given, only=True))


def _gate(app: CalmApp) -> Gate:
    """What runs go through, as the worker has it."""
    return Gate(app.live, read_only=app.read_only, through="runbook")
