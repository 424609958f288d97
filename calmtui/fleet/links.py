"""Links: what a node is in other sources, what it runs on, and what runs on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.link import Link, Relation, each_once, sure
from calmtui.fleet.link_index import LinkIndex
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.sameness import Sameness


class Links:
    """The links of a fleet's nodes."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._index = LinkIndex(fleet)
        self.close = self._index.close
        """Stop following the fleet."""
        self.read = self._index.read
        """Make the index ready, a slice at a time; whoever asks before that waits for it."""
        self._same = Sameness(fleet, self._index)
        self._known = _Known(self._index.version)

    def of(self, node: Node) -> list[Link]:
        """Every link of a node: what it is, what it runs on, then what runs on it. Each other node once."""
        places = self.places(node)
        same = [node, *sure(link for link in places if link.relation is Relation.SAME)]
        beneath = [
            Link(other, Relation.RUNS, f"as {other.source} says")
            for one in same
            for other in self._index.running_on(one.id)
        ]
        return self._as_now(each_once(node, [*places, *self._held(node), *self._holders(same[1:]), *beneath]))

    def ids(self, node: Node) -> frozenset[NodeId]:
        """Ids of the nodes that a node is linked to."""
        shared, own = self.parts(node)
        return frozenset(own).union(*shared) - {node.id}

    def parts(self, node: Node) -> tuple[Sequence[frozenset[NodeId]], list[NodeId]]:
        """Ids that are together what a node is linked to, its own perhaps among them.

        First sets that others have too, such as the pods of a machine: what is found out of one serves many.
        """
        if self._index.is_alone(node):  # nine of ten
            ground = self._same.ground(node)
            shared: Sequence[frozenset[NodeId]] = (self._same.ids(ground),) if ground is not None else ()
            own = []
        elif twins := self._same.by_only_alias(node):
            shared = self._shared_by(twins)
            own = _ids(self._holders(twin for twin in twins if twin.id != node.id))
        else:
            links = self._same.links(node)
            same = sure(links)
            shared = list(self._beneath_and_ground([node, *same]))
            own = _ids([*links, *self._holders(same)])
        children = self.fleet.children.get(node.id)
        if children and not self._index.are_alone(children):
            own += _ids(self._held(node))
        return shared, own

    def places(self, node: Node) -> list[Link]:
        """What a node is in other sources, and what it runs on there; the sure before the guessed."""
        same = self._same.links(node)
        grounds = [(one, below) for one in [node, *sure(same)] if (below := self._same.ground(one)) is not None]
        direct = [Link(below, Relation.RUNS_ON, f"as {one.source} says") for one, below in grounds]
        further = [
            msgspec.structs.replace(link, relation=Relation.RUNS_ON)
            for _, below in grounds
            for link in self._same.links(below)
        ]
        return self._as_now(each_once(node, [*same, *direct, *further]))

    def host_of(self, node: Node) -> Link | None:
        """The SSH host that is the same machine; None when there is none, or only several guesses."""
        hosts = [link for link in self._as_now(self._same.links(node)) if link.node.kind == "host"]
        known = [link for link in hosts if not link.guess]
        if known:
            return known[0]  # of several sure ones each is the machine
        return hosts[0] if len(hosts) == 1 else None

    @property
    def _now(self) -> _Known:
        if self._known.version != self._index.version:
            self._known = _Known(self._index.version)
        return self._known

    def _as_now(self, links: list[Link]) -> list[Link]:
        nodes = self.fleet.nodes
        return [
            link if nodes[link.node.id] is link.node else msgspec.structs.replace(link, node=nodes[link.node.id])
            for link in links
            if link.node.id in nodes
        ]

    # -- what runs on what -----------------------------------------------------------

    def _shared_by(self, twins: tuple[Node, ...]) -> list[frozenset[NodeId]]:
        """What all of them are linked to: each other, what they run on, and what runs on them."""
        shared, alias = self._now.shared_by_twins, twins[0].aliases[0]
        if alias not in shared:
            ids = frozenset([twin.id for twin in twins])
            shared[alias] = list(dict.fromkeys([ids, *self._beneath_and_ground(twins)]))
        return shared[alias]

    def _beneath_and_ground(self, same: Iterable[Node]) -> Iterator[frozenset[NodeId]]:
        for one in same:
            if self._index.is_ground(one):
                yield self._beneath(one)
            if (ground := self._same.ground(one)) is not None:
                yield self._same.ids(ground)

    def _beneath(self, node: Node) -> frozenset[NodeId]:
        """Ids of the nodes that run on a node."""
        beneath = self._now.beneath
        if node.id not in beneath:
            beneath[node.id] = frozenset(other.id for other in self._index.running_on(node.id))
        return beneath[node.id]

    def _held(self, pod: Node) -> Iterator[Link]:
        """The engine's containers of a pod."""
        for inner in self._same.children(pod):
            if inner.kind == "container" and not self._index.is_alone(inner):
                for twin in self._same.twins(inner):
                    yield Link(twin, Relation.HOLDS, f"container {inner.name}")

    def _holders(self, same: Iterable[Node]) -> Iterator[Link]:
        """The pod of an engine's container."""
        for inner in same:
            holder = self.fleet.get(inner.parent or "")
            if inner.kind == "container" and not inner.runs_on and holder is not None:
                yield Link(holder, Relation.HELD_BY, f"container {inner.name}")


@dataclass
class _Known:
    """Ids that were found together at one version of the index."""

    version: int
    beneath: dict[NodeId, frozenset[NodeId]] = field(default_factory=dict)
    shared_by_twins: dict[str, list[frozenset[NodeId]]] = field(default_factory=dict)


def _ids(links: Iterable[Link]) -> list[NodeId]:
    return [link.node.id for link in links]
