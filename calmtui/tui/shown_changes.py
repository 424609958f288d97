"""The changes that a screen has read, and the time line of those that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import Record, subject
from calmtui.fleet.matcher import Matcher
from calmtui.fleet.timeline import Timeline
from calmtui.store.following import LIMIT
from calmtui.tui.whose import Whose

SLICE = 500
"""Records that are narrowed in one go: about 5 ms. There may be 40,000 of them."""


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
        self.records, self.line, self.longest = [], Timeline(), 0

    def add(self, records: list[Record]) -> int:
        """Take in what was read after all the others; returns how many of them are shown."""
        self.records += records
        before = self.line.count
        self.whose.learn(records)
        self.longest = self._extend(self.line, self.longest, records)
        return self.line.count - before

    def trim(self) -> bool:
        """Let go of the oldest when they are too many; whether there were any, and `narrow` is due."""
        if len(self.records) <= 2 * LIMIT:
            return False
        self.records = self.records[-LIMIT:]
        return True

    def narrow(self) -> Iterator[None]:
        """Work out anew what `whose` and `chosen` let through, a slice at each step; shown after the last one."""
        records: list[Record] | None = None
        line, longest, at = Timeline(), 0, 0
        while records is not self.records or at < len(records):
            if records is not self.records:  # let go of meanwhile
                records, line, longest, at = self.records, Timeline(), 0, 0
                self.whose.learn(records)
            longest = self._extend(line, longest, records[at : at + SLICE])
            at += SLICE
            if at < len(records):
                yield
        self.line, self.longest = line, longest

    def find(self, record: Record) -> int | None:
        """Index of the entry that holds a record; None when it is not shown."""
        entries = enumerate(self.line.entries)
        return next((at for at, entry in entries if any(told is record for told in entry.records)), None)

    def _extend(self, line: Timeline, longest: int, records: Iterable[Record]) -> int:
        """Append what is shown of them to a time line; the longest name by then."""
        shown = list(filter(self._shows, records))
        line.extend(shown)
        return max([longest, *(len(record.name) for record in shown)])

    def _shows(self, record: Record) -> bool:
        if not self.whose.holds(record):
            return False
        return self.chosen is None or self.chosen(subject(record, self._fleet.nodes))
