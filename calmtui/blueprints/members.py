"""Who is in which tier of a service now, and what can be put into texts of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from calmtui.blueprints.bind import Bound
from calmtui.errors import UsageError
from calmtui.fleet.matcher import Matcher
from calmtui.fleet.node import Node, NodeId
from calmtui.runbooks import template


@dataclass(frozen=True)
class Members:
    """The nodes of a service in one environment."""

    tiers: Mapping[str, tuple[Node, ...]]
    """For each tier by name, its nodes by name."""
    strays: tuple[Node, ...]
    """What belongs to the service, and is in no tier."""
    tiers_of: Mapping[NodeId, tuple[str, ...]]
    """The tiers that each node is in; more than one is a mistake of the blueprint's queries."""

    @property
    def nodes(self) -> list[Node]:
        """All of them, tier by tier; one that is in several tiers stands in the first."""
        return list({node.id: node for nodes in self.tiers.values() for node in nodes}.values())


def members(bound: Bound, nodes: Sequence[Node], compiled: Callable[[str], Matcher]) -> Members:
    """Who is in which tier, of all the nodes. `compiled` makes a matcher of a query, and may raise QueryError."""
    there = compiled(bound.around).among(nodes)
    tiers = {tier.name: _sorted(compiled(tier.query).among(there)) for tier in bound.tiers}
    tiers_of: dict[NodeId, tuple[str, ...]] = {}
    for name, found in tiers.items():
        for node in found:
            tiers_of[node.id] = (*tiers_of.get(node.id, ()), name)
    belonging = compiled(bound.query).among(there) if bound.query else []
    return Members(tiers, _sorted(node for node in belonging if node.id not in tiers_of), tiers_of)


def of_tiers(found: Members) -> dict[str, str]:
    """What texts take of tiers, by the names under which it is put in: `db.address`, `web.names`."""
    values: dict[str, str] = {}
    for name, nodes in found.tiers.items():
        addresses = [template.of_node(node)["node.address"] for node in nodes]
        names = [node.name for node in nodes]
        values |= {
            f"{name}.address": addresses[0] if addresses else "", f"{name}.addresses": ",".join(addresses),
            f"{name}.name": names[0] if names else "", f"{name}.names": ",".join(names),
            f"{name}.count": str(len(nodes)),
        }  # fmt: skip
    return values


def one_tier_each(bound: Bound, found: Members) -> None:
    """Raise UsageError when a node is in more than one tier: it would be acted on twice."""
    for node_id, names in found.tiers_of.items():
        if len(names) > 1:
            raise UsageError(f"{node_id} is in the tiers {' and '.join(names)} of {bound.blueprint}",
                             next_step="have their queries select different nodes")  # fmt: skip


def _sorted(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(sorted(nodes, key=lambda node: (node.name, node.id)))
