"""What can be done with the change under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.fleet.timeline import Entry
from calmtui.tui.widgets.change_row import in_words

if TYPE_CHECKING:
    from calmtui.tui.screens.changes import ChangesScreen


class ChangesActing:
    """A part of the changes' screen: the commands that take a change somewhere."""

    def __init__(self, screen: ChangesScreen) -> None:
        self._screen = screen

    def _entry(self) -> Entry | None:
        if self._screen.entry is None:
            self._say("there is no change under the cursor")
        return self._screen.entry

    def _say(self, text: str) -> None:
        self._screen.fleet_screen.console.say(text)

    def action_open(self) -> None:
        entry, fleet_screen = self._entry(), self._screen.fleet_screen
        if entry is None:
            return
        if fleet_screen.fleet.get(entry.record.node) is None:
            self._say(f"{entry.record.name} is not there any more; t shows the tree as it was")
        else:
            fleet_screen.visit(entry.record.node, back_to=self._screen, called="the changes")

    async def action_tree(self) -> None:
        """The fleet as it was just before the change, or when the node was last known to be as it was."""
        if (entry := self._entry()) is not None:
            record = entry.record
            at = record.at if record.not_before is None else record.not_before
            await self._screen.fleet_screen.console.show_past(at, record.node)

    def action_mark(self) -> None:
        """Mark the nodes of the change that are still there; when all of them are marked, unmark them."""
        entry, fleet_screen = self._entry(), self._screen.fleet_screen
        if entry is None:
            return
        there = [record.node for record in entry.records if fleet_screen.fleet.get(record.node) is not None]
        if there:
            fleet_screen.marks.toggle(there)
            fleet_screen.post_message(fleet_screen.Marked())
        self._say(f"marked in the fleet: {len(fleet_screen.marks):,}" if there else "it is not there any more")
        self._screen.rows.refresh()

    def action_copy(self) -> None:
        if (entry := self._entry()) is not None:
            lines = [f"{in_words(record)}\t{record.node}\t{record.summary()}" for record in entry.records]
            self._screen.app.copy_to_clipboard("\n".join(lines))
            self._say(f"copied {len(lines)} change{'s' * (len(lines) != 1)}")
