"""Sifting: the answers of a matcher for every node of a fleet, worked out a slice at a time."""

from __future__ import annotations

import time

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.matcher import Matcher

LOOK = 0.001
"""Seconds of asking between two looks at the clock, about: nodes are asked about in steps of as many as that takes."""


class Sifting:
    """Asks a matcher about every node, and knows the answers afterwards.

    A query may take 150 ms over 100,000 nodes, and a key must not wait for that: between two slices
    the keys have their turn, and may put another sifting in the place of this one.
    """

    def __init__(self, fleet: Fleet, matcher: Matcher) -> None:
        self._matcher = matcher
        self._nodes = list(fleet)
        self._matches: list[bool] = []
        self.answers: dict[int, bool] = {}
        """By `id` of a node, once every one has been asked about; good for as long as the sifting is kept."""
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
        if len(self._matches) < len(self._nodes):
            return False
        self.answers = dict(zip(map(id, self._nodes), self._matches, strict=True))  # the list keeps the ids theirs
        return True
