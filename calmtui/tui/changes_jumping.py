"""Jumping along the time line of changes to those that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calmtui.fleet.timeline import Mark

if TYPE_CHECKING:
    from calmtui.tui.screens.changes import ChangesScreen

BAD = (Mark.FIRST, Mark.BAD, Mark.AGAIN)


class ChangesJumping:
    """A part of the changes' screen: the commands that put the cursor on another change."""

    def __init__(self, screen: ChangesScreen) -> None:
        self._screen = screen

    def action_next(self) -> None:
        self._to(self._screen.rows.cursor, 1, BAD, "no later change is bad")

    def action_previous(self) -> None:
        self._to(self._screen.rows.cursor, -1, BAD, "no earlier change is bad")

    def action_outage(self) -> None:
        self._to(self._screen.rows.cursor, -1, (Mark.FIRST,), "no outage begins before this; + looks further back")

    def _to(self, index: int, step: int, marks: Sequence[Mark], else_say: str) -> None:
        found = self._screen.line.next(index, step, marks)
        if found is None:
            self._screen.fleet_screen.console.say(else_say)
        else:
            self._screen.rows.move(found)
