"""Nesting: how many parents a node hangs under in its source."""

from __future__ import annotations

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node

DEEPEST = 24
"""Parents above a node that are looked at. No source nests so deep; one may err in a circle."""


def height(fleet: Fleet, node: Node) -> int:
    """How many parents of its source a node has above it, `DEEPEST` at most."""
    nodes, parents = fleet.nodes, 0
    while parents < DEEPEST and node.parent is not None:
        parent = nodes.get(node.parent)
        if parent is None or parent.source != node.source:
            break
        node, parents = parent, parents + 1
    return parents
