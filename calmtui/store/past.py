"""The fleet as it was at a past moment, from what was last known and the changes since."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.history import redo, undo
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Ready, Snapshot
from calmtui.store import changes, last_fleet

BEHIND = 600.0
"""Seconds, and more than what is stored of a fleet can lag behind its changes: it is saved every few."""


class Past(msgspec.Struct, frozen=True):
    """A past moment. Nothing in it can be acted on: its nodes allow and offer nothing, and have no figures of today."""

    at: float
    """Seconds since the epoch."""
    nodes: dict[NodeId, Node]
    sources: dict[str, str]
    """The sources and their kinds, whether or not anything is known of them at that moment."""
    unknown: dict[str, float]
    """Sources of which nothing is known at that moment, and when their history begins (0: it has not)."""

    def why_unknown(self, source: str) -> str:
        """Why nothing is known of a source at that moment."""
        begun = self.unknown[source]
        if not begun:
            return "nothing is recorded of it"
        return f"nothing is known then: its history begins {datetime.fromtimestamp(begun):%Y-%m-%d %H:%M:%S}"

    def fleet(self) -> Fleet:
        """As a fleet of its own; a source of which nothing is known says why."""
        fleet = Fleet()
        for name, kind in self.sources.items():
            fleet.set_source(SourceStatus(name, kind, Health.CONNECTING))
            if name not in self.unknown:
                nodes = [node for node in self.nodes.values() if node.source == name]
                fleet.apply(name, [Snapshot("", nodes), Ready()], now=self.at)
            else:
                fleet.set_source(SourceStatus(name, kind, Health.STALE, self.why_unknown(name)))
        return fleet


def fleet_at(estate: str, at: float, *, path: Path | None = None) -> Past:
    """The fleet of an estate (a key of `estate.find`) at a moment. Raises StoreError."""
    nodes, sources = last_fleet.load(estate, path=path)
    beginnings = changes.first_at(estate, path=path)
    lately = max((status.confirmed_at or 0.0 for status in sources), default=0.0) - BEHIND
    records = changes.load(estate, since=min(at, lately), path=path)
    # What is stored of the fleet lags behind its changes by a bit: the last ones are put in, which alters
    # nothing where they are in already, then all since the moment are taken back.
    newest = redo({node.id: node for node in nodes}, (entry for entry in records if entry.at >= lately))
    past = undo(newest, (entry for entry in reversed(records) if entry.at >= at))
    unknown = {status.name: beginnings.get(status.name, 0.0) for status in sources}
    unknown = {name: begun for name, begun in unknown.items() if not begun or begun > at}
    bare = {
        key: msgspec.structs.replace(node, actions=(), offers=(), facts={}, observed_at=at)
        for key, node in past.items()
        if node.source not in unknown
    }
    return Past(at, bare, {status.name: status.kind for status in sources}, unknown)
