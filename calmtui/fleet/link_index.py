"""LinkIndex: the nodes of a fleet by what may link them. It follows the fleet; see `links` for what it means."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, KeysView, Mapping
from collections.abc import Set as AbstractSet

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.update import Change

MACHINES = frozenset({"instance", "host", "node", "engine"})
"""Kinds that stand for a machine, and so are the same when their addresses are."""
_EVERYWHERE = ("127.", "::1", "localhost", "0.0.0.0", "169.254.", "fe80:")  # noqa: S104 -- compared with, not bound to
"""Beginnings of addresses that mean another machine on each machine."""

AT_ONCE = 100
"""Nodes that are taken in between two looks at the clock: a tenth of a millisecond."""


class LinkIndex:
    """Nodes by alias, and by what they run on; machines by address and by name as well."""

    def __init__(self, fleet: Fleet, forget: Callable[[NodeId], object]) -> None:
        self._fleet = fleet
        self._forget = forget
        """Told of a node that nothing but its own links and those of its children depend on, when it changed."""
        self.version = 0
        """Grows when something else changed that a link comes from: whatever was found out before may be wrong."""
        self._ids: dict[str, list[NodeId]] = {}
        """By key, see `_keys`. Lists, because most have one element and there may be 100,000 of them."""
        self._running: dict[NodeId, set[NodeId]] = {}
        """What runs on a node, by its id."""
        self._shared: dict[NodeId, int] = {}
        """How many keys of a node others have too; nodes without any are left out."""
        self._unread = dict(fleet.nodes)
        """Nodes that the index does not hold yet, as they are now."""
        self.close: Callable[[], None] = fleet.subscribe(self._follow)
        """Stop following the fleet."""

    def read(self, seconds: float = math.inf) -> bool:
        """Take in what the fleet held at first, for so long; whether that is done. Whoever asks before has it done."""
        end = time.perf_counter() + seconds
        while self._unread:
            for _ in range(min(AT_ONCE, len(self._unread))):
                self._put(self._unread.popitem()[1])
            if time.perf_counter() > end:
                break
        if not self._unread:
            self._unread = {}  # one that was emptied keeps its room: 5 MB for 100,000 nodes
        return not self._unread

    def bearers(self, key: str) -> list[Node]:
        """The nodes of a key: an alias, `address_key` or `name_key`."""
        if self._unread:
            self.read()
        return list(self._nodes(sorted(self._ids.get(key, ()))))

    @property
    def shared(self) -> KeysView[NodeId]:
        """Ids of the nodes that have a key which others have too."""
        if self._unread:
            self.read()
        return self._shared.keys()

    @property
    def running(self) -> Mapping[NodeId, AbstractSet[NodeId]]:
        """Ids of what runs on a node, by its id; as they are now, and will be."""
        if self._unread:
            self.read()
        return self._running

    def running_on(self, node_id: NodeId) -> Iterator[Node]:
        """The nodes that run on that one."""
        return self._nodes(sorted(self.running.get(node_id, ())))

    def _nodes(self, ids: list[NodeId]) -> Iterator[Node]:
        for node_id in ids:
            node = self._fleet.get(node_id)
            if node is not None:  # a batch may be under way: the fleet is ahead of what it has announced
                yield node

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            before, after = change.before, change.after
            if before is not None and after is not None and _indexed(before) == _indexed(after):
                continue
            quiet = not self._unread and (before is None or self._is_quiet(before))
            if before is not None and self._unread.pop(before.id, None) is None:
                self._drop(before)
            if after is not None:
                self._put(after)
            if quiet and (after is None or self._is_quiet(after)):
                self._forget(change.node.id)
            else:
                self.version += 1

    def _is_quiet(self, node: Node) -> bool:
        """Whether no links but its own and those of its children come from a node, as the index holds it."""
        only_one = bool(node.runs_on) and len(self._running[node.runs_on]) == 1  # with it the first goes, or the last
        return (
            not only_one
            and node.kind not in MACHINES
            and node.id not in self._shared
            and node.id not in self._running
            and self._shared.keys().isdisjoint(self._fleet.children.get(node.id, ()))
        )

    def _put(self, node: Node) -> None:
        for key in keys(node):
            ids = self._ids.setdefault(key, [])
            ids.append(node.id)
            if len(ids) > 1:
                for node_id in ids if len(ids) == 2 else (node.id,):
                    self._shared[node_id] = self._shared.get(node_id, 0) + 1
        if node.runs_on:
            self._running.setdefault(node.runs_on, set()).add(node.id)

    def _drop(self, node: Node) -> None:
        for key in keys(node):
            ids = self._ids[key]
            for node_id in ids if len(ids) == 2 else (node.id,) if len(ids) > 2 else ():
                self._shared[node_id] -= 1
                if not self._shared[node_id]:
                    del self._shared[node_id]
            ids.remove(node.id)
            if not ids:
                del self._ids[key]
        if node.runs_on:
            self._running[node.runs_on].discard(node.id)
            if not self._running[node.runs_on]:
                del self._running[node.runs_on]


def keys(node: Node) -> tuple[str, ...]:
    """The keys under which a node is found."""
    if node.kind not in MACHINES:
        return node.aliases if len(node.aliases) < 2 else tuple(dict.fromkeys(node.aliases))
    return tuple(dict.fromkeys([*node.aliases, *map(address_key, telling(node)), *map(name_key, names(node))]))


def address_key(address: str) -> str:
    """The key of an address."""
    return f"@{address}"


def name_key(name: str) -> str:
    """The key of a machine's name."""
    return f"#{name}"


def telling(node: Node) -> list[str]:
    """The addresses of a machine that mean the same machine wherever they are asked."""
    lower = dict.fromkeys(address.lower() for address in node.addresses)
    return [address for address in lower if not address.startswith(_EVERYWHERE)]


def names(node: Node) -> list[str]:
    """What a machine is called, by its source and by itself, without domains."""
    called = (node.name, node.labels.get("hostname", "") if node.kind == "host" else "")
    return list(dict.fromkeys(short for name in called if (short := name.partition(".")[0].lower())))


def _indexed(node: Node) -> tuple[object, ...]:
    """What links come from: the keys of a node, and what hangs under what."""
    machine = (node.addresses, names(node)) if node.kind in MACHINES else ()
    return node.kind, node.parent, node.aliases, node.runs_on, machine
