"""A service beside its blueprint, in a live estate: what screens and commands ask for."""

from __future__ import annotations

from collections.abc import Sequence

from calmtui.blueprints.bind import Bound
from calmtui.blueprints.drift import Drift, Looks, compare
from calmtui.blueprints.members import Members, members
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.fleet.source import Health

SILENT = (Health.CONNECTING, Health.STALE, Health.PARTIAL)


def who(live: LiveEstate, bound: Bound, nodes: Sequence[Node] | None = None) -> Members:
    """Who is in which tier; `nodes` are all of the fleet, when they were taken before. Raises QueryError."""
    surroundings = around(live)
    every = list(live.fleet) if nodes is None else nodes
    return members(bound, every, lambda query: compile_query(query, surroundings))


def drift(live: LiveEstate, bound: Bound, found: Members, looks: Looks | None = None) -> Drift:
    """What differs, as `drift.compare` says it."""
    silent = {status.name: status.error or "no answer yet"
              for status in list(live.fleet.sources.values()) if status.health in SILENT}  # fmt: skip
    return compare(bound, found, is_stale=live.fleet.is_stale, silent=silent, looks=looks)
