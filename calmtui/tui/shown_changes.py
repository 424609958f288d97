"""The changes that a screen has read, and the time line of those that it shows."""

from __future__ import annotations

from collections.abc import Iterable

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import Record, subject
from calmtui.fleet.query import Matcher
from calmtui.fleet.timeline import Timeline
from calmtui.store.following import LIMIT
from calmtui.tui.whose import Whose


class ShownChanges:
    """Records as they were read, narrowed to some nodes and by a query."""

    def __init__(self, fleet: Fleet, whose: Whose) -> None:
        self.records: list[Record] = []
        """All that were read, the oldest first."""
        self.line = Timeline()
        """What is shown of them."""
        self.longest = 0
        """Columns that the longest name takes."""
        self.whose = whose
        self.chosen: Matcher | None = None
        """What the query selects; None: everything."""
        self._fleet = fleet

    def clear(self) -> None:
        """Let go of what was read."""
        self.records = []
        self.narrow()

    def add(self, records: list[Record]) -> int:
        """Take in what was read after all the others; returns how many of them are shown."""
        self.records += records
        if len(self.records) > 2 * LIMIT:
            del self.records[:-LIMIT]
            self.narrow()
            return len(records)
        before = self.line.count
        self._show(records)
        return self.line.count - before

    def narrow(self) -> None:
        """Show what `whose` and `chosen` ask for now, in a time line of its own."""
        self.line, self.longest = Timeline(), 0
        self._show(self.records)

    def find(self, record: Record) -> int | None:
        """Index of the entry that holds a record; None when it is not shown."""
        entries = enumerate(self.line.entries)
        return next((at for at, entry in entries if any(told is record for told in entry.records)), None)

    def _show(self, records: Iterable[Record]) -> None:
        self.whose.learn(records)
        shown = list(filter(self._shows, records))
        self.line.extend(shown)
        self.longest = max([self.longest, *(len(record.name) for record in shown)])

    def _shows(self, record: Record) -> bool:
        if not self.whose.holds(record):
            return False
        return self.chosen is None or self.chosen(subject(record, self._fleet.nodes))
