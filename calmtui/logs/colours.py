"""A colour for each node, the same every time as far as there are enough."""

from __future__ import annotations

from zlib import crc32


class Colours:
    """Gives each node an index below `count`: by its id, or the next free one while any is free."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._given: dict[str, int] = {}

    def index(self, node_id: str) -> int:
        """The node's colour."""
        given = self._given.get(node_id)
        if given is None:
            given = crc32(node_id.encode()) % self.count
            taken = set(self._given.values())
            if len(taken) < self.count:
                while given in taken:
                    given = (given + 1) % self.count
            self._given[node_id] = given
        return given
