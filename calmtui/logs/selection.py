"""Which of the selected nodes to read, so that no line comes twice."""

from __future__ import annotations

from collections.abc import Iterable

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node

APART = frozenset({"host", "region", "node"})
"""Kinds whose log is not made of those of the nodes below them: a host's files are not its units' journals."""


def readable(fleet: Fleet, nodes: Iterable[Node]) -> list[Node]:
    """The nodes without those whose lines another selected one brings: a pod of a selected deployment."""
    chosen = {node.id: node for node in nodes}
    return [node for node in chosen.values() if not _within(fleet, node, chosen)]


def _within(fleet: Fleet, node: Node, chosen: dict[str, Node]) -> bool:
    parent = fleet.get(node.parent or "")
    while parent is not None:
        if parent.id in chosen and parent.kind not in APART:
            return True
        parent = fleet.get(parent.parent or "")
    return False
