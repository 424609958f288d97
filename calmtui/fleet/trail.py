"""Trail: the nodes that were gone to, in their order, and the way back and forth between them."""

from __future__ import annotations

from calmtui.fleet.node import NodeId

LONGEST = 200
"""Nodes that are remembered; the oldest go first."""


class Trail:
    """Like the history of a browser: to go elsewhere from the middle forgets what lay ahead."""

    def __init__(self) -> None:
        self._ids: list[NodeId] = []
        self._at = -1

    def visit(self, node_id: NodeId) -> None:
        """Remember that one is at a node now."""
        if self._ids[self._at : self._at + 1] == [node_id]:
            return
        del self._ids[self._at + 1 :]
        self._ids.append(node_id)
        del self._ids[:-LONGEST]
        self._at = len(self._ids) - 1

    def step(self, way: int) -> NodeId | None:
        """The node before (-1) or after (1), where one is then; None at the end of the trail."""
        if not 0 <= self._at + way < len(self._ids):
            return None
        self._at += way
        return self._ids[self._at]
