"""What a source reports: a complete listing of a scope, single changes, or trouble in a scope.

A scope is a part of a source that is listed as a whole: a region, a kind of object, a host's units.
A node belongs to the scope that last listed it; only a complete listing of that scope, or its
being named gone, removes it. A slow or forbidden scope therefore never empties another.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from calmtui.fleet.node import Node, NodeId


class Snapshot(msgspec.Struct, frozen=True):
    """Everything that a scope holds now. What it held before and is not listed is gone."""

    scope: str
    nodes: list[Node]


class Delta(msgspec.Struct, frozen=True):
    """Nodes of a scope added or altered, and ids gone, since the last snapshot or delta."""

    scope: str
    put: list[Node] = []
    gone: list[NodeId] = []


class Trouble(msgspec.Struct, frozen=True):
    """A scope that cannot be listed; its nodes stay, stale. An empty error: it is well again."""

    scope: str
    error: str


class Ready(msgspec.Struct, frozen=True):
    """Every scope has been listed or has failed once: the first snapshot is complete."""


Update = Snapshot | Delta | Trouble | Ready


class ChangeKind(StrEnum):
    """What happened to a node."""

    ADDED = "added"
    ALTERED = "altered"
    GONE = "gone"


class Change(msgspec.Struct, frozen=True, gc=False):
    """One node added, altered or gone. `before` is None when added, `after` when gone."""

    kind: ChangeKind
    at: float
    source: str
    before: Node | None
    after: Node | None

    @property
    def node(self) -> Node:
        """The node as it is now, or as it last was."""
        node = self.after or self.before
        assert node is not None
        return node
