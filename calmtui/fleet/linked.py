"""Linked: the nodes that are linked to those that another matcher selects."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import chain

from calmtui.fleet.links import ID, Kin, Links
from calmtui.fleet.matcher import Cost, Matcher
from calmtui.fleet.node import Node, NodeId

HOLDS = 30.0
"""Seconds for which answers hold while the fleet stays as it is, which ages do not. Many more than all nodes take."""
MANY = 1 / 8
"""Of the fleet: when more is asked about, or linked, at once, the other matcher is asked about all of it, in order."""


def linked(links: Links, selects: Matcher) -> Matcher:
    """What selects the nodes that are linked to one of those."""
    return Matcher(_Linked(links, selects).answers, Cost.MUCH, lasts=False)


class _Linked:
    """Asks the other matcher about each node once, and about a machine once for all that runs on it."""

    def __init__(self, links: Links, selects: Matcher) -> None:
        self._links = links
        self._selects = selects
        self._begin()

    def _begin(self) -> None:
        self._generation, self._until = self._links.fleet.generation, time.monotonic() + HOLDS
        self._asked: set[NodeId] = set()
        self._asked_all = False
        self._selected: set[NodeId] = set()
        self._found: dict[Kin, bool] = {}
        """Whether one that is selected is among a node's kin."""

    def answers(self, nodes: Sequence[Node]) -> list[bool]:
        """For each node, whether it is linked to one that is selected."""
        fleet = self._links.fleet
        if self._generation != fleet.generation or time.monotonic() > self._until:
            self._begin()
        kin = self._links.kin(nodes)
        new = set(kin) - self._found.keys()
        if not self._asked_all:
            among = sum(len(group) for one in new for group in one.groups)
            if max(len(nodes), among) > len(fleet) * MANY:
                self._asked_all = True
                self._selected = set(map(ID, self._selects.among(fleet)))
            else:
                self._ask_about(new)
        self._found.update((one, self._is_linked(one)) for one in new)
        return list(map(self._found.__getitem__, kin))

    def _ask_about(self, kin: Iterable[Kin]) -> None:
        ids = set(chain.from_iterable(group for one in kin for group in one.groups)) - self._asked
        self._asked |= ids
        self._selected.update(map(ID, self._selects.among(filter(None, map(self._links.fleet.nodes.get, ids)))))

    def _is_linked(self, kin: Kin) -> bool:
        if kin.of in self._selected:
            return any(self._selected.intersection(group) - {kin.of} for group in kin.groups)
        return not all(map(self._selected.isdisjoint, kin.groups))
