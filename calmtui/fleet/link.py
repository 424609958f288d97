"""Link: another node, what it is to this one, and how that is known."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from calmtui.fleet.node import Node, NodeId


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


def sure(links: Iterable[Link]) -> list[Node]:
    """The nodes of those that are no guess."""
    return [link.node for link in links if not link.guess]


def each_once(node: Node, links: Iterable[Link]) -> list[Link]:
    """Of several links to one node the first that is sure, else the first; sure ones first; none to the node itself."""
    found: dict[NodeId, Link] = {}
    for link in links:
        known = found.get(link.node.id)
        if link.node.id != node.id and (known is None or (known.guess and not link.guess)):
            found[link.node.id] = link
    order = list(Relation)
    return sorted(found.values(), key=lambda link: (order.index(link.relation), link.guess))
