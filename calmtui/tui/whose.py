"""Whose changes: everything's, or of what is marked or under the cursor in the fleet, with what hangs under it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmtui.fleet.beneath import Beneath
from calmtui.fleet.history import Record

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen


@dataclass(frozen=True)
class Whose:
    """A choice of nodes whose changes are shown."""

    name: str
    """As it is typed after `:whose`."""
    title: str
    """As the first line has it."""
    beneath: Beneath | None = None
    """None: every node."""

    def learn(self, records: Iterable[Record]) -> None:
        """Take in what records tell of what hangs under what."""
        if self.beneath is not None:
            self.beneath.learn(records)

    def holds(self, record: Record) -> bool:
        """Whether the change is one of theirs."""
        return self.beneath is None or self.beneath.holds(record)


def whose(screen: FleetScreen) -> list[Whose]:
    """What there is to choose, the widest first."""
    found = [Whose("everything", "everything")]
    if screen.marks:
        beneath = Beneath(screen.fleet, frozenset(screen.marks))
        found.append(Whose("marked", f"{len(screen.marks):,} marked", beneath))
    row = screen.tree_view.row
    if row is not None:
        roots = frozenset(node.id for node in screen.outline.within(row))
        name = row.node.name if row.node is not None else row.name
        found.append(Whose("here", f"{name or 'this group'} and beneath", Beneath(screen.fleet, roots)))
    return found
