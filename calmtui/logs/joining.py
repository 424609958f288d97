"""Nodes that begin to fit a selection join those whose logs are followed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.update import Change
from calmtui.logs.follow import Follower
from calmtui.logs.selection import readable

EVERY = 1.0
"""Seconds between two looks at a fleet that goes on changing: a query over 100,000 nodes takes 50 ms."""


class Joining:
    """Looks who fits, after the fleet has changed."""

    def __init__(self, fleet: Fleet, follower: Follower, fitting: Callable[[], Iterable[Node]]) -> None:
        self._fleet = fleet
        self._follower = follower
        self._fitting = fitting
        self._fit = set(follower.streams)
        self._changed = True
        self._looked = 0.0
        self._stop = fleet.subscribe(self._hear)

    def look(self, now: float) -> None:
        """Let the nodes join that have begun to fit; `now` is monotonic, in seconds. Cheap when nothing changed."""
        if not self._changed or now - self._looked < EVERY:
            return
        self._changed, self._looked = False, now
        fit = {node.id: node for node in readable(self._fleet, self._fitting())}
        self._follower.join(node for node_id, node in fit.items() if node_id not in self._fit)
        self._fit = set(fit)

    def close(self) -> None:
        """Hear of no more changes."""
        self._stop()

    def _hear(self, changes: list[Change]) -> None:
        self._changed = self._changed or bool(changes)
