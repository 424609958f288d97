"""The fleet as it was at a past moment, from what was last known and the changes since."""

from __future__ import annotations

from pathlib import Path

import msgspec

from calmtui.fleet.history import undo
from calmtui.fleet.node import Node, NodeId
from calmtui.store import changes, last_fleet


class Past(msgspec.Struct, frozen=True):
    """A past moment. Nothing in it can be acted on."""

    at: float
    """Seconds since the epoch."""
    nodes: dict[NodeId, Node]
    unknown: dict[str, float]
    """Sources of which nothing is known at that moment, and when their history begins (0: it has not)."""


def fleet_at(estate: str, at: float, *, path: Path | None = None) -> Past:
    """The fleet of an estate (a key of `estate.find`) at a moment. Raises StoreError."""
    nodes, sources = last_fleet.load(estate, path=path)
    beginnings = changes.first_at(estate, path=path)
    later = changes.load(estate, since=at, path=path)
    past = undo({node.id: node for node in nodes}, reversed(later))
    unknown = {status.name: beginnings.get(status.name, 0.0) for status in sources}
    unknown = {name: begun for name, begun in unknown.items() if not begun or begun > at}
    return Past(at, {key: node for key, node in past.items() if node.source not in unknown}, unknown)
