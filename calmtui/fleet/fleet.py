"""Fleet: all nodes as they are known now, with the sources they come from.

One writer (the event loop), any number of readers on it. Updates come in batches; listeners are
told once a batch, with the changes that it made, and nothing when it made none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from calmtui import sanitise
from calmtui.fleet.node import VOLATILE, Node, NodeId, clean
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Change, ChangeKind, Delta, Ready, Snapshot, Trouble, Update

Listener = Callable[[list[Change]], None]
Ids = dict[NodeId, None]
"""A set of ids, as the keys of a dictionary: a set takes three to five times the room."""
Derive = Callable[[Node], Node]
"""Fills `env`, `service` and `region` of a node by the estate's rules."""


class Fleet:
    """Nodes by id, the children of each, the sources, and who wants to hear of changes."""

    def __init__(self, derive: Derive | None = None) -> None:
        self.derive = derive
        self.nodes: dict[NodeId, Node] = {}
        self.children: dict[NodeId, dict[NodeId, Node]] = {}
        """The nodes that name a node as their parent, whether or not that parent is known."""
        self.sources: dict[str, SourceStatus] = {}
        self.generation = 0
        """Grows with every batch that changed a node or a source: a cheap test for "anything new?"."""
        self._scopes: dict[str, dict[str, Ids]] = {}
        """Of each source, which scope listed which nodes; each node is in one."""
        self._listeners: list[Listener] = []

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    def __len__(self) -> int:
        return len(self.nodes)

    def get(self, node_id: NodeId) -> Node | None:
        """The node of that id, or None."""
        return self.nodes.get(node_id)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with the changes of each batch; returns what ends it.

        It is called with an empty list when only a source's status changed.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # -- what sources report ------------------------------------------------

    def apply(self, source: str, updates: Iterable[Update], *, now: float | None = None) -> list[Change]:
        """Take in what a source reported; returns and announces the changes that it made."""
        at = time.time() if now is None else now
        changes: list[Change] = []
        before = self.sources.get(source)
        for update in updates:
            match update:
                case Snapshot(scope=scope, nodes=nodes):
                    self._snapshot(source, scope, nodes, at, changes)
                case Delta(scope=scope, put=put, gone=gone):
                    for node in put:
                        self._put(source, scope, node, at, changes)
                    for node_id in gone:
                        self._drop(source, node_id, at, changes)
                case Trouble(scope=scope, error=error):
                    self._trouble(source, scope, error)
                case Ready():
                    self._ready(source)
        self._confirm(source, at, updated=bool(changes))
        if changes or self.sources.get(source) is not before:
            self._announce(changes)
        return changes

    def _snapshot(self, source: str, scope: str, nodes: list[Node], at: float, changes: list[Change]) -> None:
        unseen = set(self._scopes.get(source, {}).get(scope, ()))
        for node in nodes:
            unseen.discard(self._put(source, scope, node, at, changes))
        for node_id in unseen:
            self._drop(source, node_id, at, changes)
        self._trouble(source, scope, "")

    def _put(self, source: str, scope: str, node: Node, at: float, changes: list[Change]) -> NodeId:
        node = clean(node)
        if self.derive is not None:
            node = self.derive(node)
        old = self.nodes.get(node.id)
        self.nodes[node.id] = node
        self._place(source, scope, node, old)
        if old is None:
            changes.append(Change(ChangeKind.ADDED, at, source, None, node))
        elif old != node and any(
            getattr(old, name) != getattr(node, name) for name in Node.__struct_fields__ if name != "observed_at"
        ):
            changes.append(Change(ChangeKind.ALTERED, at, source, old, node))
        return node.id

    def _place(self, source: str, scope: str, node: Node, old: Node | None) -> None:
        listed = self._scopes.setdefault(source, {}).setdefault(scope, {})
        if node.id not in listed:
            if old is not None:
                self._unlist(old)
            listed[node.id] = None
        if old is not None and old.parent != node.parent:
            self._unparent(old)
        if node.parent is not None:
            self.children.setdefault(node.parent, {})[node.id] = node

    def _unlist(self, node: Node) -> None:
        for listed in self._scopes.get(node.source, {}).values():
            listed.pop(node.id, None)

    def _unparent(self, node: Node) -> None:
        siblings = self.children.get(node.parent or "")
        if siblings is not None:
            siblings.pop(node.id, None)
            if not siblings:
                del self.children[node.parent or ""]

    def _drop(self, source: str, node_id: NodeId, at: float, changes: list[Change]) -> None:
        node_id = sanitise.word(node_id)
        node = self.nodes.get(node_id)
        if node is None or node.source != source:
            return
        del self.nodes[node_id]
        self._unlist(node)
        self._unparent(node)
        changes.append(Change(ChangeKind.GONE, at, source, node, None))

    # -- how sources are doing ----------------------------------------------

    def set_source(self, status: SourceStatus) -> None:
        """Put a source's status in place of the one before, and announce it."""
        self.sources[status.name] = msgspec.structs.replace(
            status, nodes=self._listed(status.name), error=sanitise.word(status.error)
        )
        self._announce([])

    def is_stale(self, node: Node) -> bool:
        """Whether a node is only the last known one: its source or its scope does not answer."""
        status = self.sources.get(node.source)
        if status is None or status.health in (Health.CONNECTING, Health.STALE, Health.OFF):
            return True
        failing = status.scopes if status.health is Health.PARTIAL else ()
        scopes = self._scopes.get(node.source, {})
        return any(node.id in scopes.get(scope, ()) for scope in (UNCLAIMED, *failing))

    def _listed(self, source: str) -> int:
        """How many nodes a source has."""
        return sum(map(len, self._scopes.get(source, {}).values()))

    def _trouble(self, source: str, scope: str, error: str) -> None:
        status = self.sources.get(source)
        if status is None or status.scopes.get(scope, "") == error:
            return
        scopes = dict(status.scopes)
        if error:
            scopes[scope] = sanitise.word(error)
        else:
            scopes.pop(scope, None)
        health = status.health
        if health in (Health.LIVE, Health.PARTIAL):
            health = Health.PARTIAL if scopes else Health.LIVE
        first = next((f"{name}: {text}" if name else text for name, text in scopes.items()), "")
        self.sources[source] = msgspec.structs.replace(status, scopes=scopes, health=health, error=first)

    def _ready(self, source: str) -> None:
        status = self.sources.get(source)
        if status is not None:
            health = Health.PARTIAL if status.scopes else Health.LIVE
            error = status.error if status.scopes else ""
            self.sources[source] = msgspec.structs.replace(status, health=health, error=error, retry_at=None)

    def _confirm(self, source: str, at: float, *, updated: bool) -> None:
        status = self.sources.get(source)
        if status is None:
            return
        count = self._listed(source) if updated else status.nodes
        confirmed = at if status.health in (Health.LIVE, Health.PARTIAL) else status.confirmed_at
        if count != status.nodes or confirmed != status.confirmed_at:
            self.sources[source] = msgspec.structs.replace(status, nodes=count, confirmed_at=confirmed)

    def _announce(self, changes: list[Change]) -> None:
        self.generation += 1
        for listener in list(self._listeners):
            listener(changes)

    # -- what was last known ------------------------------------------------

    def restore(self, nodes: Iterable[Node], sources: Iterable[SourceStatus]) -> None:
        """Fill an empty fleet with what was last known. The nodes are stale until a source confirms them.

        The nodes were clean and derived when they were stored. Scopes are learnt from the first
        listing: a node that no scope of its source has claimed when the source is ready is gone.
        """
        for node in nodes:
            self.nodes[node.id] = node
            self._place(node.source, UNCLAIMED, node, None)
        for status in sources:
            self.sources[status.name] = status
        self._announce([])

    def forget_unclaimed(self, source: str) -> list[Change]:
        """Drop what was restored and no scope has listed; called once a source is ready.

        Nodes of a source with failing scopes are kept: one of those scopes may hold them.
        """
        changes: list[Change] = []
        status = self.sources.get(source)
        if status is not None and not status.scopes:
            for node_id in list(self._scopes.get(source, {}).get(UNCLAIMED, ())):
                self._drop(source, node_id, time.time(), changes)
        if changes:
            self._confirm(source, time.time(), updated=True)
            self._announce(changes)
        return changes

    def forget_source(self, source: str) -> list[Change]:
        """Drop a source with its nodes: it is not in the estate any more, or was switched off.

        Its status goes first, so that a listener can tell this from nodes that went away.
        """
        if self.sources.pop(source, None) is None:
            return []
        changes: list[Change] = []
        for ids in self._scopes.get(source, {}).values():
            for node_id in list(ids):
                self._drop(source, node_id, time.time(), changes)
        self._scopes.pop(source, None)
        self._announce(changes)
        return changes


UNCLAIMED = "\0restored"
"""The scope of restored nodes until a listing claims them; no provider can use this name."""


def worth_telling(change: Change) -> bool:
    """Whether more changed than `altered` leaves out."""
    return change.before is None or change.after is None or bool(altered(change.before, change.after))


def altered(before: Node, after: Node) -> list[str]:
    """The fields that changed, without noise: a heartbeat, a load figure, a count of restarts that is not told now.

    An engine tells the restarts of a container only to those who inspect it, which a console that has
    just started has not done yet.
    """
    unsaid = ("restarts",) if after.restarts is None else ()
    return [
        name
        for name in Node.__struct_fields__
        if name not in VOLATILE and name not in unsaid and getattr(before, name) != getattr(after, name)
    ]
