"""Links: which nodes of different sources are the same thing, and what runs on what.

A Kubernetes node is an EC2 instance (its provider id) is an SSH host (a shared address, the machine's
id) is a Docker engine (by what both run); a pod's container is a container of that engine. What only
looks so, a shared name or an id that several have, is a guess and says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import combinations, islice

import msgspec

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.link_index import MACHINES, LinkIndex, address_key, name_key, names, telling
from calmtui.fleet.node import Node, NodeId

CROWD = 8
"""Of what more nodes share, none is linked: a cloned machine's id, the address of a bridge."""
LOOKED_AT = 50
"""Of what runs on a machine, how much is looked at to find who else runs it."""
_AUTHORITIES = ("ec2:", "machine:", "container:")
"""Namespaces of aliases of which a thing has one only; the word of the first that two nodes both have counts."""


class Relation(StrEnum):
    """What another node is to this one."""

    SAME = "is"
    RUNS_ON = "runs on"
    RUNS = "runs"
    HOLDS = "holds"
    """A pod, the containers of the engine."""
    HELD_BY = "is held by"


class Link(msgspec.Struct, frozen=True):
    """Another node, what it is to this one, and how that is known."""

    node: Node
    relation: Relation
    why: str
    """`same address 10.2.4.7`, `as prod-eu says`."""
    guess: bool = False

    @property
    def told(self) -> str:
        """Why, and that it is a guess where it is one."""
        return f"{self.why}, a guess" if self.guess else self.why


class Links:
    """The links of a fleet's nodes."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._index = LinkIndex(fleet)
        self.close = self._index.close
        """Stop following the fleet."""
        self._found: dict[NodeId, tuple[list[Link], frozenset[NodeId]]] = {}
        """What machines are, and the ids of all that, as found since the fleet last changed: the pods of one
        need not each find it out."""
        self._found_at = -1

    def of(self, node: Node) -> list[Link]:
        """Every link of a node: what it is, what it runs on, then what runs on it. Each other node once."""
        places = self.places(node)
        same = [node, *_sure(link for link in places if link.relation is Relation.SAME)]
        beneath = [
            Link(other, Relation.RUNS, f"as {other.source} says") for one in same for other in self._runs_on(one)
        ]
        return _each_once(node, [*places, *self._held(node), *self._holders(same[1:]), *beneath])

    def ids(self, node: Node) -> frozenset[NodeId]:
        """Ids of the nodes that a node is linked to."""
        if node.kind in MACHINES or not self._index.is_alone(node):
            return frozenset(link.node.id for link in self.of(node))
        ground = self._ground(node)  # nine of ten nodes: all that they are linked to is what they run on
        held = [link.node.id for link in self._held(node)]
        return (self._machine(ground)[1] if ground is not None else frozenset()).union(held)

    def places(self, node: Node) -> list[Link]:
        """What a node is in other sources, and what it runs on there; the sure before the guessed."""
        same = self._is(node)
        grounds = [(one, below) for one in [node, *_sure(same)] if (below := self._ground(one)) is not None]
        direct = [Link(below, Relation.RUNS_ON, f"as {one.source} says") for one, below in grounds]
        further = [
            msgspec.structs.replace(link, relation=Relation.RUNS_ON) for _, below in grounds for link in self._is(below)
        ]
        return _each_once(node, [*same, *direct, *further])

    def host_of(self, node: Node) -> Link | None:
        """The SSH host that is the same machine; None when there is none, or only several guesses."""
        hosts = [link for link in self._is(node) if link.node.kind == "host"]
        sure = [link for link in hosts if not link.guess]
        if sure:
            return sure[0]  # of several sure ones each is the machine
        return hosts[0] if len(hosts) == 1 else None

    # -- the same thing -------------------------------------------------------------

    def _is(self, node: Node) -> list[Link]:
        return self._machine(node)[0] if node.kind in MACHINES else self._closure(node)

    def _machine(self, node: Node) -> tuple[list[Link], frozenset[NodeId]]:
        if self._found_at != self._fleet.generation:
            self._found, self._found_at = {}, self._fleet.generation
        if node.id not in self._found:
            links = self._closure(node)
            self._found[node.id] = links, frozenset((node.id, *(link.node.id for link in links)))
        return self._found[node.id]

    def _closure(self, node: Node) -> list[Link]:
        """What a node is, sure or guessed, and what that surely is in turn."""
        found: dict[NodeId, Link] = {}
        pending = [(node, "")]
        while pending:
            step, so_far = pending.pop(0)
            for link in _each_once(node, self._same(step)):
                known = found.get(link.node.id)
                better = known is None or (known.guess and not link.guess)
                leads = step is node or not link.guess
                if better and leads and not _differ(node, link.node):
                    found[link.node.id] = Link(link.node, Relation.SAME, so_far + link.why, link.guess)
                    if not link.guess:
                        pending.append((link.node, f"{so_far}{link.why}; of {link.node.name}: "))
        return list(found.values())

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
        bearers = self._index.bearers(key)
        if len(bearers) > CROWD:
            return
        clear = _may_be_one(bearers)
        for other in bearers:
            if other.id != node.id and not (elsewhere and other.source == node.source) and not _differ(node, other):
                named = clear or _told_apart_by_name(node, other, bearers)
                yield Link(other, Relation.SAME, why if named else f"{why}, which others have too", guess=not named)

    def _running_the_same(self, node: Node) -> Iterator[Link]:
        """A cluster's node and the engine that runs the containers of its pods."""
        for inner in islice(self._containers(node), LOOKED_AT):
            for twin in self._twins(inner):
                machine = self._ground(twin)
                if machine is not None and machine.kind in MACHINES:
                    yield Link(machine, Relation.SAME, f"both run {inner.name}")
                    return

    def _containers(self, machine: Node) -> Iterator[Node]:
        for node in self._index.running_on(machine.id):
            if node.aliases:
                yield node
            yield from self._children(node)

    def _twins(self, container: Node) -> Iterator[Node]:
        """The same container in other sources, surely."""
        for alias in () if self._index.is_alone(container) else container.aliases:
            for link in self._sharing(container, alias, "", elsewhere=True):
                if not link.guess:
                    yield link.node

    # -- what runs on what -----------------------------------------------------------

    def _ground(self, node: Node) -> Node | None:
        """What a node runs on: of a pod's container, what the pod runs on."""
        holder = node if node.runs_on else self._fleet.get(node.parent or "")
        return self._fleet.get(holder.runs_on) if holder is not None else None

    def _runs_on(self, node: Node) -> Iterator[Node]:
        return self._index.running_on(node.id)

    def _held(self, pod: Node) -> Iterator[Link]:
        """The engine's containers of a pod."""
        for inner in self._children(pod):
            for twin in self._twins(inner) if inner.kind == "container" else ():
                yield Link(twin, Relation.HOLDS, f"container {inner.name}")

    def _holders(self, same: Iterable[Node]) -> Iterator[Link]:
        """The pod of an engine's container."""
        for inner in same:
            holder = self._fleet.get(inner.parent or "")
            if inner.kind == "container" and not inner.runs_on and holder is not None:
                yield Link(holder, Relation.HELD_BY, f"container {inner.name}")

    def _children(self, node: Node) -> Iterator[Node]:
        for child_id in sorted(self._fleet.children.get(node.id, ())):
            child = self._fleet.get(child_id)
            if child is not None:
                yield child


def _sure(links: Iterable[Link]) -> list[Node]:
    return [link.node for link in links if not link.guess]


def _each_once(node: Node, links: Iterable[Link]) -> list[Link]:
    """Of several links to one node the first that is sure, else the first; sure ones first; none to the node itself."""
    found: dict[NodeId, Link] = {}
    for link in links:
        known = found.get(link.node.id)
        if link.node.id != node.id and (known is None or (known.guess and not link.guess)):
            found[link.node.id] = link
    order = list(Relation)
    return sorted(found.values(), key=lambda link: (order.index(link.relation), link.guess))


def _differ(one: Node, other: Node) -> bool:
    """Whether their ids say that they are two things: another instance, another machine, at the same address."""
    for authority in _AUTHORITIES:
        ours = {alias for alias in one.aliases if alias.startswith(authority)}
        theirs = {alias for alias in other.aliases if alias.startswith(authority)}
        if ours and theirs:
            return ours.isdisjoint(theirs)
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
