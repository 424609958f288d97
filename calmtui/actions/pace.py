"""Pace: which node may be begun next, given how many are under way and how many of the others run."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import NodeId, State

UNHEALTHY = 60.0
"""Seconds in which enough nodes have to run again, when nothing is under way."""
LOOK = 0.5
"""Seconds between two looks at whether they do."""


class Pace:
    """The nodes that wait, and those that are under way."""

    def __init__(self, waiting: deque[NodeId], parallel: int, min_healthy: int) -> None:
        """`waiting` is emptied from its beginning; whoever empties it otherwise has no more begun."""
        self.waiting = waiting
        self.under_way: set[NodeId] = set()
        self.min_healthy = min_healthy
        self._parallel = parallel
        self._held_since: float | None = None
        """Since when too few run, `time.monotonic`; None: enough did when it was last asked."""

    def begin(self, healthy: AbstractSet[NodeId]) -> NodeId | None:
        """The next node, under way from now on; None when none may be begun now. `healthy`: all that run."""
        if not self.waiting or len(self.under_way) >= self._parallel:
            return None
        first = self.waiting[0]
        if len(healthy - self.under_way - {first}) < self.min_healthy:
            self._held_since = self._held_since or time.monotonic()
            return None
        self._held_since = None
        self.under_way.add(self.waiting.popleft())
        return first

    def end(self, node: NodeId) -> None:
        """It is not under way any more."""
        self.under_way.discard(node)
        self._held_since = None

    @property
    def hopeless(self) -> str:
        """Why no other will be begun: too few have run for too long, with nothing under way; empty: it may be."""
        if self.under_way or self._held_since is None or time.monotonic() - self._held_since <= UNHEALTHY:
            return ""
        return f"not begun: fewer than {self.min_healthy} others run"


def healthy(live: LiveEstate, nodes: Iterable[NodeId], failed: AbstractSet[NodeId]) -> set[NodeId]:
    """Those of the nodes that run, as far as is known at this moment, and have not `failed`."""
    found = (live.fleet.get(node_id) for node_id in nodes if node_id not in failed)
    return {node.id for node in found if node and node.state is State.RUNNING and not live.fleet.is_stale(node)}
