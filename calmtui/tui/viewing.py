"""Viewing: how the fleet's screen shows the tree: by what it is grouped, sorted and filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.fleet.grouping import GROUPINGS, ORDERS, grouping
from calmtui.fleet.query import Matcher

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen


class Viewing:
    """A part of the fleet's screen: the commands that change which rows there are and in which order."""

    def __init__(self, screen: FleetScreen) -> None:
        self._screen = screen

    # -- the filter -----------------------------------------------------------------

    def action_filter(self, query: str) -> None:
        if query:
            self._screen.bar.put(query)
        else:
            self._screen.bar.type()

    def filter_by(self, text: str) -> None:
        """Show only what a query selects; one that cannot be read is complained about, and the last one stays on."""
        from calmtui.estate.around import around  # not needed for the first paint
        from calmtui.fleet.query import QueryError, compile_query

        screen = self._screen
        try:
            matches = compile_query(text, around(screen.live, screen.marks, screen.clock)) if text else None
        except QueryError as error:
            screen.bar.complain(error)
            return
        screen.bar.complain(None)
        self._show_only(matches)

    def _show_only(self, matches: Matcher | None) -> None:
        screen, tree = self._screen, self._screen.tree_view
        node = tree.node
        screen.outline.filter(matches)
        if matches is None and node is not None:  # the node is still the question, so it stays in sight
            screen.outline.reveal(node.id)
        tree.follow()
        if screen.bar.typing and matches is not None and (first := screen.outline.next(-1, 1)) is not None:
            tree.move(first)
        screen.show()

    # -- grouping and order -------------------------------------------------------------

    def action_group(self, by: str) -> None:
        """Group by that; without a name, by the next one."""
        outline = self._screen.outline
        known = [known.name for known in GROUPINGS]
        now = outline.grouping.name
        name = by or known[(known.index(now) + 1) % len(known) if now in known else 0]
        outline.regroup(grouping(name))
        self._found_again()

    def action_order(self, order: str) -> None:
        """Sort by that; without a name, by the other one."""
        outline = self._screen.outline
        name = order or next(name for name, key in ORDERS.items() if key is not outline.order)
        if name not in ORDERS:
            raise UsageError(f"there is no order {name!r}", next_step=f"there are {', '.join(ORDERS)}")
        outline.reorder(ORDERS[name])
        self._found_again()
        self._screen.console.say("trouble first" if name == "trouble" else "by name")

    def _found_again(self) -> None:
        """After everything changed its place: bring the node that the cursor was on into sight."""
        tree = self._screen.tree_view
        node = tree.node
        tree.follow()
        if node is not None and (at := self._screen.outline.index(node.id)) is not None:
            tree.move(at)
        self._screen.show()
