"""Moving along the time line of changes, and to those that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calmtui.fleet.timeline import Mark

if TYPE_CHECKING:
    from calmtui.tui.screens.changes import ChangesScreen

BAD = (Mark.FIRST, Mark.BAD, Mark.AGAIN)


class ChangesMoving:
    """A part of the changes' screen: the commands that move the cursor."""

    def __init__(self, screen: ChangesScreen) -> None:
        self._screen = screen

    def _by(self, count: int) -> None:
        full = self._screen.query_one("#full")
        if full.has_focus:
            full.scroll_relative(y=count, animate=False)
        else:
            self._screen.rows.move(self._screen.rows.cursor + count)

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_page_down(self) -> None:
        self._by(max(self._screen.rows.size.height - 1, 1))

    def action_page_up(self) -> None:
        self._by(-max(self._screen.rows.size.height - 1, 1))

    def action_first(self) -> None:
        self._screen.rows.move(0)

    def action_last(self) -> None:
        self._screen.rows.move(len(self._screen.line.entries) - 1)

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
