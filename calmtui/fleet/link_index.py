"""LinkIndex: the nodes of a fleet by what may link them. It follows the fleet; see `links` for what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.update import Change

MACHINES = frozenset({"instance", "host", "node", "engine"})
"""Kinds that stand for a machine, and so are the same when their addresses are."""
_EVERYWHERE = ("127.", "::1", "localhost", "0.0.0.0", "169.254.", "fe80:")  # noqa: S104 -- compared with, not bound to
"""Beginnings of addresses that mean another machine on each machine."""


class LinkIndex:
    """Nodes by alias, and by what they run on; machines by address and by name as well."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ids: dict[str, list[NodeId]] = {}
        """By key, see `_keys`. Lists, because most have one element and there may be 100,000 of them."""
        self._running: dict[NodeId, set[NodeId]] = {}
        for node in fleet:
            self._put(node)
        self.close: Callable[[], None] = fleet.subscribe(self._follow)
        """Stop following the fleet."""

    def bearers(self, key: str) -> list[Node]:
        """The nodes of a key: an alias, `address_key` or `name_key`."""
        return list(self._nodes(sorted(self._ids.get(key, ()))))

    def is_alone(self, node: Node) -> bool:
        """Whether no other node has an alias of this one, and nothing runs on it."""
        return node.id not in self._running and all(len(self._ids[alias]) == 1 for alias in node.aliases)

    def running_on(self, node_id: NodeId) -> Iterator[Node]:
        """The nodes that run on that one."""
        return self._nodes(sorted(self._running.get(node_id, ())))

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
            if before is not None:
                self._drop(before)
            if after is not None:
                self._put(after)

    def _put(self, node: Node) -> None:
        for key in keys(node):
            self._ids.setdefault(key, []).append(node.id)
        if node.runs_on:
            self._running.setdefault(node.runs_on, set()).add(node.id)

    def _drop(self, node: Node) -> None:
        for key in keys(node):
            self._ids[key].remove(node.id)
            if not self._ids[key]:
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
    """What the keys of a node come from."""
    machine = (node.addresses, names(node)) if node.kind in MACHINES else ()
    return node.aliases, node.runs_on, machine
