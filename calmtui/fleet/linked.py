"""Linked: a predicate for the nodes that are linked to those that another predicate selects."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from calmtui.fleet.links import Links
from calmtui.fleet.node import Node, NodeId

HOLDS = 30.0
"""Seconds for which answers hold while the fleet stays as it is, which ages do not. Many more than all nodes take."""


class Linked:
    """Asks the other predicate about each node once, and what is found of a machine serves all that runs on it."""

    def __init__(self, links: Links, selects: Callable[[Node], bool]) -> None:
        self._links = links
        self._selects = selects
        self._ask_again()

    def __call__(self, node: Node) -> bool:
        """Whether a node is linked to one that is selected."""
        if self._generation != self._links.fleet.generation or time.monotonic() > self._until:
            self._ask_again()
        shared, own = self._links.parts(node)
        for ids in shared:
            selected = self._selected(ids)
            if selected and (len(selected) > 1 or node.id not in selected):
                return True
        return any(other != node.id and self._is_selected(other) for other in own) if own else False

    def _ask_again(self) -> None:
        """Begin to remember anew."""
        fleet, selects = self._links.fleet, self._selects
        self._generation, self._until = fleet.generation, time.monotonic() + HOLDS

        @cache
        def is_selected(node_id: NodeId) -> bool:
            node = fleet.get(node_id)
            return node is not None and selects(node)

        @cache
        def selected(ids: frozenset[NodeId]) -> frozenset[NodeId]:
            return frozenset(filter(is_selected, ids))

        self._is_selected: Callable[[NodeId], bool] = is_selected
        self._selected: Callable[[frozenset[NodeId]], frozenset[NodeId]] = selected
