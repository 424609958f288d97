"""One region, listed over and over: a complete listing now and then, and single instances while they change."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from calmtui.fleet.node import Node
from calmtui.fleet.update import Delta, Snapshot
from calmtui.providers.aws.connect import Account
from calmtui.providers.aws.nodes import instance_nodes, place, region_node
from calmtui.providers.aws.pace import Pace
from calmtui.providers.base import Forbidden, NodeGone, SourceError, Throttled

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceStatusTypeDef, ReservationTypeDef

PAGE = 1000
"""Instances in one answer: the most that EC2 gives. Listings without pages are throttled first."""
PATIENCE = 300.0
"""Seconds for which an instance is asked for after an action, if it does not settle before."""


class RegionPoll:
    """The instances of one region as they are now, again and again."""

    def __init__(self, account: Account, source: str, region: str, pace: Pace, *, hide_empty: bool) -> None:
        self.region = self.scope = region
        self._account = account
        self._source = source
        self._pace = pace
        self._hide_empty = hide_empty
        self._under_way: dict[str, tuple[str, float]] = {}
        """By instance id: the state that ends it, and when to give up (monotonic)."""
        self._woken = asyncio.Event()
        self._may_see_status = True

    def follow(self, instance_id: str, until: str) -> None:
        """Ask for this instance often until it is in that state: something was just done to it."""
        self._under_way[instance_id] = (until, time.monotonic() + PATIENCE)
        self._pace.hurry()
        self._woken.set()

    async def updates(self) -> AsyncGenerator[Snapshot | Delta | SourceError, None]:
        """Listings and changes without end; a failure is a value, and is tried again after a pause."""
        list_at = 0.0
        while True:
            try:
                if time.monotonic() >= list_at:
                    yield await self._listing()
                    list_at = time.monotonic() + self._pace.listed()
                elif self._under_way:
                    yield await self._changes()
            except NodeGone:  # one of those asked for; the listing tells which
                list_at = 0.0
                continue
            except Throttled as error:
                yield error
                list_at = time.monotonic() + self._pace.throttled()
            except SourceError as error:
                yield error
                list_at = time.monotonic() + self._pace.failed()
            await self._pause(list_at - time.monotonic())

    async def _pause(self, until_listing: float) -> None:
        """Wait for the next listing, or less while instances are under way; an action cuts it short."""
        self._woken.clear()
        pause = min(until_listing, self._pace.watching()) if self._under_way else until_listing
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(pause, 0)):  # wait_for of Python 3.11 can swallow a cancellation here
                await self._woken.wait()

    async def _listing(self) -> Snapshot:
        reservations = await self._account.call(self.region, _all_instances)
        nodes = self._nodes(reservations, await self._statuses())
        self._settle(nodes)
        if not nodes and self._hide_empty:
            return Snapshot(self.region, [])
        return Snapshot(self.region, [region_node(self._source, self.region, nodes, time.time()), *nodes])

    async def _changes(self) -> Delta | Snapshot:
        ids = list(self._under_way)
        if len(ids) > PAGE:
            return await self._listing()
        reservations = await self._account.call(
            self.region, lambda ec2: ec2.describe_instances(InstanceIds=ids)["Reservations"]
        )
        nodes = self._nodes(reservations, {})
        self._settle(nodes)
        return Delta(self.region, put=nodes)

    async def _statuses(self) -> dict[str, InstanceStatusTypeDef]:
        """Status checks and scheduled events; nothing where we may not see them, which harms nothing else."""
        if not self._may_see_status:
            return {}
        try:
            return await self._account.call(self.region, _all_statuses)
        except Forbidden:
            self._may_see_status = False
            return {}

    def _nodes(self, reservations: list[ReservationTypeDef], statuses: dict[str, InstanceStatusTypeDef]) -> list[Node]:
        return list(instance_nodes(self._source, self.region, reservations, statuses, time.time()))

    def _settle(self, nodes: list[Node]) -> None:
        """Forget what has arrived where its action led to, is gone, or took too long."""
        states = {place(node.id)[1]: node.raw_state for node in nodes}
        now = time.monotonic()
        self._under_way = {
            instance_id: (until, give_up)
            for instance_id, (until, give_up) in self._under_way.items()
            if now < give_up and states.get(instance_id) not in (until, "terminated", None)
        }


def _all_instances(ec2: EC2Client) -> list[ReservationTypeDef]:
    pages = ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": PAGE})
    return [reservation for page in pages for reservation in page["Reservations"]]


def _all_statuses(ec2: EC2Client) -> dict[str, InstanceStatusTypeDef]:
    pages = ec2.get_paginator("describe_instance_status").paginate(PaginationConfig={"PageSize": PAGE})
    return {status["InstanceId"]: status for page in pages for status in page["InstanceStatuses"]}
