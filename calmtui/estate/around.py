"""What a query on a live estate may ask about beyond the node itself: put together here for screens and commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from calmtui.estate.live import LiveEstate
from calmtui.fleet.linked import linked
from calmtui.fleet.node import NodeId
from calmtui.fleet.query import Surroundings


def around(
    live: LiveEstate, marked: AbstractSet[NodeId] = frozenset(), now: Callable[[], float] = time.time
) -> Surroundings:
    """The surroundings of an estate; `now` is what ages are counted from, seconds since the epoch."""
    fleet = live.fleet
    return Surroundings(
        marked=marked,
        stale=fleet.is_stale,
        linked=lambda selects: linked(live.links, selects),
        changed_at=live.changed_at,
        named={**live.estate.groups, **live.saved_queries},
        now=now,
    )
