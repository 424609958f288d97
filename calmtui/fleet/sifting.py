"""Sifting: the answers of a matcher for every node of a fleet, worked out a slice at a time."""

from __future__ import annotations

import time
from itertools import compress

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.matcher import Matcher
from calmtui.fleet.node import NodeId

LOOK = 0.001
"""Seconds of asking between two looks at the clock, about: nodes are asked about in steps of as many as that takes."""


class Sifting:
    """Asks a matcher about every node, and knows the answers afterwards.

    A query may take 150 ms over 100,000 nodes, and a key must not wait for that: between two slices
    the keys have their turn, and may put another sifting in the place of this one.
    """

    def __init__(self, fleet: Fleet, matcher: Matcher) -> None:
        self._fleet = fleet
        self._matcher = matcher
        self._generation = fleet.generation
        self._nodes = list(fleet)
        self._matches: list[bool] = []
        self._step = 1

    def advance(self, seconds: float) -> bool:
        """Go on for so long; whether every node has been asked about."""
        began = time.perf_counter()
        end = began + seconds
        while len(self._matches) < len(self._nodes):
            done = len(self._matches)
            self._matches += self._matcher.answers(self._nodes[done : done + self._step])
            now = time.perf_counter()
            self._step = self._step * 2 if now - began < LOOK else max(self._step // 2, 1)
            if now > end:
                break
            began = now
        return len(self._matches) >= len(self._nodes)

    def matching(self) -> set[NodeId]:
        """Ids of what is selected, once every node has been asked about; what changed meanwhile is asked again."""
        matching = {node.id for node in compress(self._nodes, self._matches)}
        if self._fleet.generation != self._generation:
            asked = {node.id: node for node in self._nodes}.get
            changed = [node for node in self._fleet if asked(node.id) is not node]
            matching.difference_update([node.id for node in changed])
            matching.update([node.id for node in self._matcher.among(changed)])
        return matching
