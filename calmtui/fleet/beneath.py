"""Beneath: which changes are of some nodes and of what hangs under them, now or when it was there."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import Record
from calmtui.fleet.nesting import DEEPEST
from calmtui.fleet.node import NodeId


class Beneath:
    """Some nodes and what hangs under them. What is gone is found by what its changes said of its parent."""

    def __init__(self, fleet: Fleet, roots: AbstractSet[NodeId]) -> None:
        self._fleet = fleet
        self._roots = roots
        self._parents: dict[NodeId, NodeId] = {}

    def learn(self, records: Iterable[Record]) -> None:
        """Take in the parents that records tell; before `holds` is asked of any of them."""
        for record in records:
            parent = record.after.get("parent") or record.before.get("parent")
            if parent is not None:
                self._parents[record.node] = parent

    def holds(self, record: Record) -> bool:
        """Whether it is a change of one of the nodes or of what hangs under them."""
        node_id: NodeId | None = record.node
        for _ in range(DEEPEST):
            if node_id is None:
                return False
            if node_id in self._roots:
                return True
            node = self._fleet.get(node_id)
            node_id = node.parent if node is not None else self._parents.get(node_id)
        return False
