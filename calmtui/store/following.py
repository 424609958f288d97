"""The changes of an estate, followed: first what is stored, then what this console and others go on to store."""

from __future__ import annotations

from calmtui.fleet.history import Record
from calmtui.store import changes

LIMIT = 20_000
"""Changes that are read at first, the newest; about 1 KB each in memory."""


class Following:
    """The changes since a moment, for one reader."""

    def __init__(self, estate: str, since: float) -> None:
        self.since = since
        """Seconds since the epoch."""
        self.complete = True
        """False when there were more than `LIMIT`: the oldest are left out."""
        self._estate = estate
        self._number: int | None = None
        """Of the last record that was read."""

    def read(self) -> list[Record]:
        """What has been stored since the last time. Blocks: call it in a thread. Raises StoreError."""
        newest = changes.newest_number()
        if newest == self._number:
            return []
        found = changes.load(self._estate, since=self.since, after=self._number or 0, upto=newest, limit=LIMIT)
        if self._number is None:
            self.complete = len(found) < LIMIT
        self._number = newest
        return found
