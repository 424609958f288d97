"""Opening the screens that can be opened from everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.tui.screens.fleet import FleetScreen

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp


class Opening:
    """A part of the app: the commands that show a screen, whichever is in front."""

    def __init__(self, app: CalmApp) -> None:
        self._app = app

    def action_palette(self) -> None:
        from textual.command import CommandPalette  # not needed for the first paint

        self._app.push_screen(CommandPalette())

    def action_help(self) -> None:
        from calmtui.tui.screens.help import HelpScreen  # not needed for the first paint

        self._app.push_screen(HelpScreen(self._app.where, self._app.rebound), callback=self._then_run)

    def action_command(self) -> None:
        from calmtui.tui.screens.command import CommandScreen, no_queries  # not needed for the first paint

        screen = self._app.screen
        queries = screen.viewing.completions() if isinstance(screen, FleetScreen) else no_queries
        self._app.push_screen(
            CommandScreen(self._app.where, self._app.live.fleet.sources, queries), callback=self._then_run
        )

    def _then_run(self, chosen: tuple[str, str] | None) -> None:
        if chosen is not None:
            self._app.call_next(self._app.action_run, *chosen)

    def action_outcomes(self) -> None:
        """Show how what was carried out last has gone so far."""
        from calmtui.tui.screens.answers import AnswersScreen  # not needed for the first paint
        from calmtui.tui.screens.outcomes import OutcomesScreen

        if self._app.execution is None:
            self._app.say("nothing was carried out yet")
        elif self._app.fanout is not None and self._app.fanout.execution is self._app.execution:
            self._app.push_screen(AnswersScreen(self._app.fanout))
        elif self._app.plan is not None:
            self._app.push_screen(OutcomesScreen(self._app.gate, self._app.plan, self._app.execution))

    def action_runs(self) -> None:
        """Show the runs that are under way, that wait for somebody, and the last ones."""
        from calmtui.tui.screens.runs import RunsScreen  # not needed for the first paint

        self._app.push_screen(RunsScreen(self._app.journal))

    def action_blueprints(self) -> None:
        """Show the services beside what is declared of them."""
        from calmtui.tui.screens.blueprints import BlueprintsScreen  # not needed for the first paint
        from calmtui.tui.services import Services

        self._app.push_screen(BlueprintsScreen(self._app.fleet_screen, Services(self._app.gate)))

    def action_approvals(self) -> None:
        """Show what waits for approval, and what for a review."""
        from calmtui.tui.screens.approvals import ApprovalsScreen  # not needed for the first paint

        self._app.push_screen(ApprovalsScreen(self._app.gate))

    def action_audit(self, text: str) -> None:
        """Show the audit trail, or what is sought of it."""
        from calmtui.tui.screens.audit import AuditScreen  # not needed for the first paint

        self._app.push_screen(AuditScreen(self._app.gate.trail.path, self._app.live.fleet, text))

    def action_freezes(self) -> None:
        """Show when nothing may be changed."""
        from calmtui.tui.screens.freezes import FreezesScreen  # not needed for the first paint

        self._app.push_screen(FreezesScreen(self._app.live.estate.freezes))
