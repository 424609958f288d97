"""An AWS source: its regions listed side by side, and what can be asked of an instance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from calmtui.fleet.node import Node
from calmtui.fleet.update import Ready, Trouble, Update
from calmtui.providers.aws import look
from calmtui.providers.aws.actions import SETTLED, carry_out
from calmtui.providers.aws.balancers import TargetGroup
from calmtui.providers.aws.cloudwatch import Group
from calmtui.providers.aws.connect import Account, connect, missing_file
from calmtui.providers.aws.groups import KIND, GroupPoll, group_of
from calmtui.providers.aws.groups import describe as describe_group
from calmtui.providers.aws.instance_logs import of_instance
from calmtui.providers.aws.nodes import place
from calmtui.providers.aws.pace import Pace
from calmtui.providers.aws.poll import RegionPoll
from calmtui.providers.base import (
    LogChunk,
    LogRequest,
    Member,
    Misconfigured,
    NodeEvent,
    NodeGone,
    Opening,
    SourceError,
    Throttled,
    Unreachable,
)

T = TypeVar("T")


class AwsSource:
    """Implements Source, Lifecycle, Balancers, Logs, Describe and Events of `providers.base`."""

    kind = "aws"

    def __init__(self, opening: Opening) -> None:
        error = missing_file(opening)
        if error is not None:
            raise error
        self.name = opening.name
        self._opening = opening
        self._account: Account | None = None
        self._polls: dict[str, RegionPoll] = {}
        self._groups: dict[str, GroupPoll] = {}

    async def watch(self) -> AsyncGenerator[Update, None]:
        """Every region is a scope that fails alone; when none answers, the first one's error is raised."""
        await self.close()
        account = self._account = await connect(self._opening)
        options = self._opening.options
        self._polls = {
            region: RegionPoll(
                account, self.name, region, Pace(options.poll_seconds), hide_empty=options.regions == "all"
            )
            for region in account.regions
        }
        self._groups = {
            region: GroupPoll(account, self.name, region, options.log_groups, Pace(options.poll_seconds))
            for region in account.logs
        }
        polls: list[RegionPoll | GroupPoll] = [*self._polls.values(), *self._groups.values()]
        answers: asyncio.Queue[tuple[str, Update | SourceError]] = asyncio.Queue(maxsize=len(polls) or 1)
        tasks = [asyncio.create_task(_pass_on(poll, answers), name=f"poll {self.name} {poll.scope}") for poll in polls]
        waiting = {poll.scope for poll in polls}
        failing: dict[str, SourceError] = {}
        try:
            while True:
                scope, answer = await answers.get()
                if isinstance(answer, SourceError):
                    failing[scope] = answer
                    if len(failing) == len(polls) and not isinstance(answer, Throttled):
                        raise _worst(failing)
                    yield Trouble(scope, _briefly(answer))
                else:
                    if failing.pop(scope, None):
                        yield Trouble(scope, "")
                    yield answer
                if scope in waiting:
                    waiting.discard(scope)
                    if not waiting:
                        yield Ready()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Close the clients' connections; requests under way end by themselves."""
        account, self._account = self._account, None
        self._polls, self._groups = {}, {}
        if account is not None:
            account.close()

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        """Start, stop, reboot or terminate; the region is then asked often until the instance has settled."""
        region, instance_id = _instance(node)
        told = await self._connected().call(region, lambda ec2: carry_out(ec2, action, instance_id), acting=True)
        poll = self._polls.get(region)
        if poll is not None:
            poll.follow(instance_id, SETTLED[action])
        return told

    async def members(self, node: Node, group: str) -> list[Member]:
        """See `providers.base.Balancers`; a group is a target group."""
        return await self._target_group(node, group, TargetGroup.members)

    async def join(self, node: Node, group: str, ports: Sequence[int]) -> None:
        """See `providers.base.Balancers`."""
        await self._target_group(node, group, lambda it: it.join(ports), acting=True)

    async def leave(self, node: Node, group: str) -> None:
        """See `providers.base.Balancers`."""
        await self._target_group(node, group, TargetGroup.leave, acting=True)

    async def _target_group(self, node: Node, group: str, do: Callable[[TargetGroup], T], *, acting: bool = False) -> T:
        region, instance_id = _instance(node)
        return await self._connected().call_balancers(
            region, lambda elbv2: do(TargetGroup(elbv2, group, instance_id, node)), acting=acting
        )

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """A log group's events; or an instance's console (the newest 64 KiB) and the log streams that bear its id."""
        account = self._connected()
        if node.kind == KIND:
            chunks = Group(account, *group_of(node), node.created).read(request)
        else:
            region, instance_id = _instance(node)
            poll = self._groups.get(region)
            chunks = of_instance(account, region, instance_id, poll.names if poll is not None else (), request)
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk

    async def describe(self, node: Node) -> dict[str, Any]:
        """The instance as DescribeInstances has it; user data is not part of it and is never asked for."""
        if node.kind == KIND:
            region, name = group_of(node)
            group = await self._connected().call_logs(region, lambda logs: describe_group(logs, name))
            if group is None:
                raise NodeGone("the log group does not exist any more", where=name)
            return look.plain(group)
        region, instance_id = _instance(node)
        return await self._connected().call(region, lambda ec2: look.describe(ec2, instance_id))

    async def events(self, node: Node) -> list[NodeEvent]:
        """Launch, the last change of state, failing status checks, and what AWS has scheduled."""
        region, instance_id = _instance(node)
        return await self._connected().call(region, lambda ec2: look.events(ec2, instance_id))

    def _connected(self) -> Account:
        if self._account is None:
            raise Unreachable("not connected", where=self.name, next_step="retry the source")
        return self._account


def _instance(node: Node) -> tuple[str, str]:
    region, instance_id = place(node.id)
    if not instance_id:
        raise Misconfigured("this is a region; choose an instance in it", where=node.name)
    return region, instance_id


async def _pass_on(poll: RegionPoll | GroupPoll, answers: asyncio.Queue[tuple[str, Update | SourceError]]) -> None:
    async for answer in poll.updates():
        await answers.put((poll.scope, answer))


def _worst(failing: Mapping[str, SourceError]) -> SourceError:
    """The error to raise when every region fails: one that is not mere throttling, from the first region."""
    return next(error for error in failing.values() if not isinstance(error, Throttled))


def _briefly(error: SourceError) -> str:
    """Without the place: the row that shows it names the region."""
    return f"{error.what}; {error.next_step}" if error.next_step else error.what
