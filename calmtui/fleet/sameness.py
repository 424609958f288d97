"""Sameness: which nodes of different sources are one thing.

A Kubernetes node is an EC2 instance (its provider id) is an SSH host (a shared address, the machine's
id) is a Docker engine (by what both run); a pod's container is a container of that engine. What only
looks so, a shared name or an id that several have, is a guess and says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import msgspec

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.link import Link, Relation, each_once
from calmtui.fleet.link_index import MACHINES, LinkIndex, address_key, name_key, names, telling
from calmtui.fleet.node import Node, NodeId

CROWD = 8
"""Of what more nodes share, none is linked: a cloned machine's id, the address of a bridge."""
LOOKED_AT = 50
"""Of what runs on a machine, how much is looked at to find who else runs it."""
_AUTHORITIES = ("ec2:", "machine:", "container:")
"""Namespaces of aliases of which a thing has one only; the word of the first that two nodes both have counts."""


class Sameness:
    """What the nodes of a fleet are in other sources. The nodes of its links may have altered in what links nothing."""

    def __init__(self, fleet: Fleet, index: LinkIndex) -> None:
        self._fleet = fleet
        self._index = index
        self._known = _Known(index.version)

    def links(self, node: Node) -> list[Link]:
        """What a node is, sure or guessed."""
        return self._machine(node)[0] if node.kind in MACHINES else self._closure(node)

    def ids(self, machine: Node) -> frozenset[NodeId]:
        """Ids of all that a machine is, its own among them."""
        return self._machine(machine)[1]

    def by_only_alias(self, node: Node) -> tuple[Node, ...]:
        """Those that are one thing because of the only alias that each has, the node among them; none otherwise.

        So it is of almost every container that two sources know, and takes a tenth of the general way.
        """
        if node.kind in MACHINES or len(node.aliases) != 1:
            return ()
        one, (alias,) = self._now.by_only_alias, node.aliases
        if alias not in one:
            bearers, clear = self._bearers(alias)
            simple = clear and all(other.aliases == node.aliases and other.kind not in MACHINES for other in bearers)
            one[alias] = tuple(bearers) if simple else ()
        return one[alias]

    def twins(self, container: Node) -> Iterator[Node]:
        """The same container in other sources, surely."""
        if twins := self.by_only_alias(container):
            yield from (twin for twin in twins if twin.source != container.source)
            return
        for alias in container.aliases:
            for link in self._sharing(container, alias, "", elsewhere=True):
                if not link.guess:
                    yield link.node

    def ground(self, node: Node) -> Node | None:
        """What a node runs on: of a pod's container, what the pod runs on."""
        holder = node if node.runs_on else self._fleet.get(node.parent or "")
        return self._fleet.get(holder.runs_on) if holder is not None else None

    def children(self, node: Node) -> list[Node]:
        """What hangs under a node in its source, by id."""
        nodes = self._fleet.nodes
        return [nodes[child_id] for child_id in sorted(self._fleet.children.get(node.id, ())) if child_id in nodes]

    # -- working it out --------------------------------------------------------------

    def _machine(self, node: Node) -> tuple[list[Link], frozenset[NodeId]]:
        machines = self._now.machines
        if node.id not in machines:
            links = self._closure(node)
            machines[node.id] = links, frozenset((node.id, *(link.node.id for link in links)))
        return machines[node.id]

    @property
    def _now(self) -> _Known:
        if self._known.version != self._index.version:
            self._known = _Known(self._index.version)
        return self._known

    def _closure(self, node: Node) -> list[Link]:
        """What a node is, sure or guessed, and what that surely is in turn."""
        if twins := self.by_only_alias(node):
            return [Link(twin, Relation.SAME, f"same {node.aliases[0]}") for twin in twins if twin.id != node.id]
        found: dict[NodeId, Link] = {}
        pending = [(node, "")]
        while pending:
            step, so_far = pending.pop(0)
            for link in self._direct(step):
                if link.node.id == node.id:
                    continue
                known = found.get(link.node.id)
                better = known is None or (known.guess and not link.guess)
                leads = step is node or not link.guess
                if better and leads and not _differ(node, link.node):
                    found[link.node.id] = Link(link.node, Relation.SAME, so_far + link.why, link.guess)
                    if not link.guess:
                        pending.append((link.node, f"{so_far}{link.why}; of {link.node.name}: "))
        return list(found.values())

    def _direct(self, node: Node) -> list[Link]:
        """What a node is by what itself says, or by what runs on it."""
        if node.kind not in MACHINES:
            return each_once(node, self._same(node))
        direct = self._now.direct
        if node.id not in direct:
            direct[node.id] = each_once(node, self._same(node))
        return direct[node.id]

    def _same(self, node: Node) -> Iterator[Link]:
        for alias in node.aliases:
            yield from self._sharing(node, alias, f"same {alias}")
        if node.kind in MACHINES:
            for address in telling(node):
                yield from self._sharing(node, address_key(address), f"same address {address}", elsewhere=True)
            yield from self._running_the_same(node)
            for name in names(node):
                for link in self._sharing(node, name_key(name), f"same name {name}", elsewhere=True):
                    yield msgspec.structs.replace(link, guess=True)

    def _sharing(self, node: Node, key: str, why: str, *, elsewhere: bool = False) -> Iterator[Link]:
        """Those that share a key with a node; of other sources only when `elsewhere`."""
        bearers, clear = self._bearers(key)
        for other in bearers:
            if other.id == node.id or (elsewhere and other.source == node.source):
                continue
            if clear:
                yield Link(other, Relation.SAME, why)
            elif not _differ(node, other):
                named = _told_apart_by_name(node, other, bearers)
                yield Link(other, Relation.SAME, why if named else f"{why}, which others have too", guess=not named)

    def _bearers(self, key: str) -> tuple[list[Node], bool]:
        """The nodes of a key, none of a crowd, and whether they can all be one thing."""
        known = self._now.bearers
        if key not in known:
            bearers = self._index.bearers(key)
            known[key] = (bearers, _may_be_one(bearers)) if len(bearers) <= CROWD else ([], True)
        return known[key]

    def _running_the_same(self, node: Node) -> Iterator[Link]:
        """A cluster's node and the engine that runs the containers of its pods."""
        for inner in self._containers(node):
            for twin in self.twins(inner):
                machine = self.ground(twin)
                if machine is not None and machine.kind in MACHINES:
                    yield Link(machine, Relation.SAME, f"both run {inner.name}")
                    return

    def _containers(self, machine: Node) -> list[Node]:
        """The first that run on a machine, by themselves or in pods, and that are known elsewhere too."""
        now = self._now
        if now.containers is None:
            now.containers = self._by_ground()
        first = sorted(now.containers.get(machine.id, ()))[:LOOKED_AT]
        return [inner for _, inner_id in first if (inner := self._fleet.get(inner_id)) is not None]

    def _by_ground(self) -> dict[NodeId, list[tuple[NodeId, NodeId]]]:
        """What shares a key with others, by what it runs on: the id of what runs there, and its own."""
        found: dict[NodeId, list[tuple[NodeId, NodeId]]] = {}
        for node in filter(None, map(self._fleet.get, self._index.shared)):
            holder = self._fleet.get(node.parent or "")
            for runs in (node, holder):
                if runs is not None and runs.runs_on:
                    found.setdefault(runs.runs_on, []).append((runs.id, node.id))
        return found


@dataclass
class _Known:
    """What was found out at one version of the index."""

    version: int
    machines: dict[NodeId, tuple[list[Link], frozenset[NodeId]]] = field(default_factory=dict)
    bearers: dict[str, tuple[list[Node], bool]] = field(default_factory=dict)
    direct: dict[NodeId, list[Link]] = field(default_factory=dict)
    by_only_alias: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    containers: dict[NodeId, list[tuple[NodeId, NodeId]]] | None = None


def _differ(one: Node, other: Node) -> bool:
    """Whether their ids say that they are two things: another instance, another machine, at the same address."""
    if not one.aliases or not other.aliases or one.aliases == other.aliases:
        return False
    for authority in _AUTHORITIES:
        ours = [alias for alias in one.aliases if alias.startswith(authority)]
        theirs = [alias for alias in other.aliases if alias.startswith(authority)] if ours else ()
        if theirs:
            return not any(alias in theirs for alias in ours)
    return False


def _may_be_one(nodes: Iterable[Node]) -> bool:
    """Whether these can all be one thing: a source lists a thing once, and ids do not contradict."""
    return not any(
        (one.source, one.kind) == (other.source, other.kind) or _differ(one, other)
        for one, other in combinations(nodes, 2)
    )


def _told_apart_by_name(one: Node, other: Node, bearers: Iterable[Node]) -> bool:
    """Whether of several that share something these two are one by their name."""
    common = set(names(one)) & set(names(other))
    return bool(common) and _may_be_one(node for node in bearers if common & set(names(node)))
