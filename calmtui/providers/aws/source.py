"""An AWS source: its regions listed side by side, and what can be asked of an instance."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from calmtui.fleet.node import Node
from calmtui.fleet.update import Ready, Trouble, Update
from calmtui.providers.aws import console, look
from calmtui.providers.aws.actions import SETTLED, carry_out
from calmtui.providers.aws.connect import Account, connect, missing_file
from calmtui.providers.aws.nodes import place
from calmtui.providers.aws.pace import Pace
from calmtui.providers.aws.poll import RegionPoll
from calmtui.providers.base import (
    LogChunk,
    LogRequest,
    Misconfigured,
    NodeEvent,
    Opening,
    SourceError,
    Throttled,
    Unreachable,
)


class AwsSource:
    """Implements Source, Lifecycle, Logs, Describe and Events of `providers.base`."""

    kind = "aws"

    def __init__(self, opening: Opening) -> None:
        error = missing_file(opening)
        if error is not None:
            raise error
        self.name = opening.name
        self._opening = opening
        self._account: Account | None = None
        self._polls: dict[str, RegionPoll] = {}

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
        answers: asyncio.Queue[tuple[str, Update | SourceError]] = asyncio.Queue(maxsize=len(self._polls) or 1)
        tasks = [
            asyncio.create_task(_pass_on(poll, answers), name=f"poll {self.name} {poll.region}")
            for poll in self._polls.values()
        ]
        waiting = set(self._polls)
        failing: dict[str, SourceError] = {}
        try:
            while True:
                region, answer = await answers.get()
                if isinstance(answer, SourceError):
                    failing[region] = answer
                    if len(failing) == len(self._polls) and not isinstance(answer, Throttled):
                        raise _worst(failing)
                    yield Trouble(region, _briefly(answer))
                else:
                    if failing.pop(region, None):
                        yield Trouble(region, "")
                    yield answer
                if region in waiting:
                    waiting.discard(region)
                    if not waiting:
                        yield Ready()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Close the clients' connections; requests under way end by themselves."""
        account, self._account = self._account, None
        self._polls = {}
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

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """The instance's console output, as far as EC2 keeps it (the newest 64 KiB)."""
        region, instance_id = _instance(node)
        account = self._connected()
        async for chunk in console.follow(account, region, instance_id, request):
            yield chunk

    async def describe(self, node: Node) -> dict[str, Any]:
        """The instance as DescribeInstances has it; user data is not part of it and is never asked for."""
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


async def _pass_on(poll: RegionPoll, answers: asyncio.Queue[tuple[str, Update | SourceError]]) -> None:
    async for answer in poll.updates():
        await answers.put((poll.region, answer))


def _worst(failing: Mapping[str, SourceError]) -> SourceError:
    """The error to raise when every region fails: one that is not mere throttling, from the first region."""
    return next(error for error in failing.values() if not isinstance(error, Throttled))


def _briefly(error: SourceError) -> str:
    """Without the place: the row that shows it names the region."""
    return f"{error.what}; {error.next_step}" if error.next_step else error.what
