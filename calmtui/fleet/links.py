"""Links: what a node is in other sources, what it runs on, and what runs on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import cast

import msgspec

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.link import Link, Relation, each_once, sure
from calmtui.fleet.link_index import LinkIndex
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.sameness import Sameness

ID = attrgetter("id")
"""From a node to its id."""


class Kin:
    """What a node is linked to, in groups of ids that others are linked to as well."""

    __slots__ = ("groups", "of")

    def __init__(self, groups: Iterable[Collection[NodeId]], of: NodeId = "") -> None:
        self.groups = tuple(groups)
        self.of = of
        """Whose kin it is, and who may be in the groups nevertheless; empty of many, of whom none is."""


NO_KIN = Kin(())


class Links:
    """The links of a fleet's nodes."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._index = LinkIndex(fleet, self._forget)
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
        return frozenset[NodeId]().union(*self.kin((node,))[0].groups) - {node.id}

    def kin(self, nodes: Sequence[Node]) -> list[Kin]:
        """For each of some nodes what it is linked to: one object for all on a machine that share nothing else.

        It holds until the fleet changes.
        """
        kin = self._now.kin
        found = list(map(kin.get, map(ID, nodes)))
        if None in found:
            self._find_kin(node for node, known in zip(nodes, found, strict=True) if known is None)
            found = list(map(kin.__getitem__, map(ID, nodes)))
        return cast("list[Kin]", found)

    def _find_kin(self, nodes: Iterable[Node]) -> None:
        """Of nine in ten it is what they run on: the hot loop of a first query, hence written out."""
        kin, on_ground = self._now.kin, self._now.on_ground
        known, children = self.fleet.nodes, self.fleet.children
        shared, running = self._index.shared, self._index.running
        for node in nodes:
            node_id = node.id
            if node_id in shared or node_id in running:
                kin[node_id] = self._own_kin(node)
                continue
            if node_id in children and not shared.isdisjoint(children[node_id]):
                kin[node_id] = self._own_kin(node)
                continue
            ground = node.runs_on
            if not ground and node.parent is not None:
                ground = known[node.parent].runs_on if node.parent in known else ""
            if ground not in on_ground:
                on_ground[ground] = Kin([self._same.ids(known[ground])]) if ground in known else NO_KIN
            kin[node_id] = on_ground[ground]

    def _own_kin(self, node: Node) -> Kin:
        """Of a node that others have something in common with, or run on, or that holds such."""
        if twins := self._same.by_only_alias(node):
            groups = self._kin_of_twins(twins)
            own = [*self._holders(twin for twin in twins if twin.id != node.id), *self._held(node)]
        else:
            links = self._same.links(node)
            same = sure(links)
            groups = tuple(self._beneath_and_ground([node, *same]))
            own = [*links, *self._holders(same), *self._held(node)]
        return Kin([*groups, [link.node.id for link in own]] if own else groups, node.id)

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

    def _forget(self, node_id: NodeId) -> None:
        for one in (node_id, *self.fleet.children.get(node_id, ())):
            self._known.kin.pop(one, None)

    def _as_now(self, links: list[Link]) -> list[Link]:
        nodes = self.fleet.nodes
        return [
            link if nodes[link.node.id] is link.node else msgspec.structs.replace(link, node=nodes[link.node.id])
            for link in links
            if link.node.id in nodes
        ]

    # -- what runs on what -----------------------------------------------------------

    def _kin_of_twins(self, twins: tuple[Node, ...]) -> tuple[Collection[NodeId], ...]:
        """What all of them are linked to: each other, what they run on, and what runs on them."""
        known, alias = self._now.of_twins, twins[0].aliases[0]
        if alias not in known:
            known[alias] = ([twin.id for twin in twins], *self._beneath_and_ground(twins))
        return known[alias]

    def _beneath_and_ground(self, same: Iterable[Node]) -> Iterator[Collection[NodeId]]:
        for one in same:
            if (beneath := self._index.running.get(one.id)) is not None:
                yield beneath
            if (ground := self._same.ground(one)) is not None:
                yield self._same.ids(ground)

    def _held(self, pod: Node) -> Iterator[Link]:
        """The engine's containers of a pod."""
        for inner in self._same.children(pod):
            if inner.kind == "container" and inner.id in self._index.shared:
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
    """What was found out at one version of the index."""

    version: int
    kin: dict[NodeId, Kin] = field(default_factory=dict)
    """By node; of some less when something changed that nothing else depends on."""
    on_ground: dict[NodeId, Kin] = field(default_factory=dict)
    """Of those that share nothing, by what they run on."""
    of_twins: dict[str, tuple[Collection[NodeId], ...]] = field(default_factory=dict)
    """Groups of what is one thing, by its only alias."""
