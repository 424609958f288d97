"""`loadbalancer`: take a node out of the target group of a load balancer, and put it back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from calmtui.actions.execute import unopened
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, OutcomeUnknown, Throttled, Unreachable
from calmtui.fleet.link import Relation
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.providers.base import Balancers, Danger, Member
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Strict
from calmtui.runbooks.steps.step import EachStep, Effect, Result

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.estate.live import LiveEstate
    from calmtui.runbooks.steps.doing import Doing

LOOK = 2.0
"""Seconds between two looks at how a target stands."""


class Balanced(Strict):
    """A target group, and which way the node goes."""

    target_group: str
    """The name or the ARN of an AWS target group."""
    do: Literal["out", "in"]
    """`out`: deregister it, and wait until its connections are drained. `in`: register it, and wait until it is
    healthy."""
    ports: list[int] = []
    """Where it is registered. Unset: at the target group's own port."""
    wait: Length = "5m"
    """How long that may take: longer than the group's deregistration delay."""


class LoadBalancerStep(EachStep):
    """Take a node out of an AWS target group, and put it back: an instance, or what is surely the same machine as one.

    Where it is so already, nothing is done; done again it comes to the same.
    """

    loadbalancer: Balanced
    """The target group."""

    def said(self, filled: Mapping[str, str]) -> str:
        """Which way it goes, and how long it is waited for."""
        group = template.text(self.loadbalancer.target_group, filled)
        wait = f"{self.loadbalancer.wait} at the most"
        if self.loadbalancer.do == "out":
            return f"take it out of target group {group} and wait until it is drained, {wait}"
        ports = "".join(f" at port {port}" for port in self.loadbalancer.ports)
        return f"put it into target group {group}{ports} and wait until it is healthy, {wait}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """Out of it, a node serves nobody."""
        danger = Danger.CONFIRM if self.loadbalancer.do == "out" else Danger.NONE
        return Effect(danger, frozenset({"loadbalancer"}))

    async def do(self, doing: Doing) -> Result:
        """Have it go where it is to be, and wait."""
        group = template.text(self.loadbalancer.target_group, doing.filled)
        node = _instance(doing.live, doing.node)
        source = doing.live.source(node)
        if source is None:
            raise unopened(doing.live, node)
        if not isinstance(source, Balancers):
            raise CalmError(f"a {node.kind} is in no target group", where=node.name)
        members = await source.members(node, group)
        if self._holds(members):
            looked_up = "it was interrupted; looked up: " * (doing.before is not None)
            how = "in it and healthy" if members else "not in it"
            return Result(Status.OK if looked_up else Status.UNCHANGED, f"{looked_up}{how}")
        began = asyncio.get_running_loop().time()
        try:
            await self._go(source, node, group, members)
        except OutcomeUnknown:  # to ask for it again comes to the same
            await self._go(source, node, group, await source.members(node, group))
        return await self._wait(doing, source, node, group, began)

    async def _go(self, source: Balancers, node: Node, group: str, members: Sequence[Member]) -> None:
        if self.loadbalancer.do == "out":
            await source.leave(node, group)
        elif not members or any(member.state == "draining" for member in members) or not self._has_ports(members):
            await source.join(node, group, self.loadbalancer.ports)

    async def _wait(self, doing: Doing, source: Balancers, node: Node, group: str, began: float) -> Result:
        loop = asyncio.get_running_loop()
        patience = seconds(self.loadbalancer.wait) or 0.0
        told = ""
        while True:
            try:
                members = await source.members(node, group)
            except (Throttled, Unreachable) as error:
                is_now = str(error)
            else:
                if self._holds(members):
                    how = "drained" if self.loadbalancer.do == "out" else "healthy"
                    return Result(Status.OK, f"{how} after {loop.time() - began:.0f} s")
                is_now = "; ".join(f"{member.state}: {member.reason}".rstrip(": ") for member in members) or "not in it"
            if loop.time() - began > patience:
                return Result(Status.FAILED, f"not so within {self.loadbalancer.wait}: {is_now}")
            if is_now != told:
                told = is_now
                await doing.tell(is_now)
            await asyncio.sleep(LOOK)

    def _holds(self, members: Sequence[Member]) -> bool:
        """Whether it is where it is to be."""
        if self.loadbalancer.do == "out":
            return not members
        return bool(members) and self._has_ports(members) and all(member.state == "healthy" for member in members)

    def _has_ports(self, members: Sequence[Member]) -> bool:
        return {*self.loadbalancer.ports} <= {member.port for member in members}


def _instance(live: LiveEstate, node: Node) -> Node:
    """The instance that a node is. Raises CalmError where none surely is."""
    if node.kind == "instance":
        return node
    links = [
        link for link in live.links.places(node) if link.relation is Relation.SAME and link.node.kind == "instance"
    ]
    sure = [link.node for link in links if not link.guess]
    if len({instance.aliases for instance in sure}) > 1:
        what = f"it is linked to several instances: {', '.join(instance.id for instance in sure)}"
        raise CalmError(what, where=node.name, next_step="select the instance itself")
    if sure:
        return sure[0]
    if links:
        what = f"instance {links[0].node.name} may be it, which is a guess ({links[0].why})"
        raise CalmError(what, where=node.name, next_step=f"select {links[0].node.id} if you know that it is")
    raise CalmError(f"no instance of the estate is known to be this {node.kind}", where=node.name,
                    next_step="add its AWS account to the sources, or select the instance")  # fmt: skip
