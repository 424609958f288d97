"""Row: one line of the outline, a node or a group of nodes, with what hangs under it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from calmtui.fleet.grouping import SortKey
from calmtui.fleet.node import TROUBLE, Node, State

RowId = str
"""A node's id, or a group's path of values; neither is ever taken for the other."""
NOTHING: Mapping[State, int] = MappingProxyType({})
"""The counts of every row with nothing beneath it: one object; 100,000 of their own are 6 MB."""


class Row(msgspec.Struct, eq=False):
    """One row: a node, or a group of nodes. A Struct because one key may make 100,000 of them."""

    id: RowId
    node: Node | None
    name: str = ""
    """Of a group: its value, which may be empty."""
    level: int = 0
    """Of a group: how many groups it is in."""
    container: Row | None = None
    children: dict[RowId, Node | None] | None = None
    """What hangs under it: nodes, as they were last taken in, or groups (None), whose rows know more."""
    order: list[Row] | None = None
    """The rows of the children, sorted; None until they are needed."""
    sort_key: SortKey | None = None
    match: bool = True
    """Whether the filter lets it through by itself; of a group: whether it is shown even when empty."""
    counts: Mapping[State, int] = NOTHING
    """How many nodes beneath it match, by state. Never altered: another count is another mapping."""

    @property
    def total(self) -> int:
        """How many nodes beneath it match."""
        return sum(self.counts.values())

    @property
    def troubled(self) -> bool:
        """Whether it, or something beneath it, is in trouble."""
        own = self.node is not None and self.match and self.node.state in TROUBLE
        return own or not TROUBLE.isdisjoint(self.counts)

    @property
    def shown(self) -> bool:
        """Whether the filter leaves it in the tree."""
        return self.match or bool(self.counts)

    @property
    def depth(self) -> int:
        """How many rows it hangs under."""
        depth, row = -1, self.container
        while row is not None:
            depth, row = depth + 1, row.container
        return depth
