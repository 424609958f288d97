"""The log groups of a region that the source is to show, listed over and over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.update import Snapshot
from calmtui.providers.aws.connect import Account
from calmtui.providers.aws.nodes import region_id
from calmtui.providers.aws.pace import Pace
from calmtui.providers.base import SourceError, Throttled

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import LogGroupTypeDef

KIND = "log-group"


class GroupPoll:
    """The log groups of one region whose names fit, again and again."""

    def __init__(self, account: Account, source: str, region: str, patterns: Sequence[str], pace: Pace) -> None:
        self.scope = f"{region} log groups"
        self.region = region
        self.names: list[str] = []
        """As they were listed last."""
        self._account = account
        self._source = source
        self._patterns = patterns
        self._pace = pace

    async def updates(self) -> AsyncGenerator[Snapshot | SourceError, None]:
        """Listings without end; a failure is a value, and is tried again after a pause."""
        while True:
            try:
                groups = await self._account.call_logs(self.region, lambda logs: _listed(logs, self._patterns))
                self.names = [group.get("logGroupName", "") for group in groups]
                now = time.time()
                yield Snapshot(self.scope, [_node(self._source, self.region, group, now) for group in groups])
                pause = self._pace.listed()
            except SourceError as error:
                yield error
                pause = self._pace.throttled() if isinstance(error, Throttled) else self._pace.failed()
            await asyncio.sleep(pause)


def group_id(source: str, region: str, name: str) -> NodeId:
    """The id of a log group; names begin with a slash more often than not."""
    return f"{region_id(source, region)}/{KIND}/{name}"


def group_of(node: Node) -> tuple[str, str]:
    """The region and the name of the log group behind a node."""
    region, _, name = node.id.removeprefix(f"aws:{node.source}/").partition(f"/{KIND}/")
    return region, name


def prefixes(patterns: Iterable[str]) -> list[str]:
    """What names that fit begin with, none within another: what AWS is asked for."""
    heads = sorted({pattern.partition("*")[0].partition("?")[0] for pattern in patterns})
    return [head for head in heads if not any(head != other and head.startswith(other) for other in heads)]


def _listed(logs: CloudWatchLogsClient, patterns: Sequence[str]) -> list[LogGroupTypeDef]:
    """The groups whose names fit. Blocks."""
    paginator = logs.get_paginator("describe_log_groups")
    found = []
    for prefix in prefixes(patterns):
        for page in paginator.paginate(logGroupNamePrefix=prefix) if prefix else paginator.paginate():
            found += page["logGroups"]
    return [group for group in found if any(fnmatchcase(group.get("logGroupName", ""), each) for each in patterns)]


def _node(source: str, region: str, group: LogGroupTypeDef, now: float) -> Node:
    name = group.get("logGroupName", "")
    days = group.get("retentionInDays")
    created = group.get("creationTime")
    return Node(
        id=group_id(source, region, name),
        kind=KIND,
        name=name,
        source=source,
        parent=region_id(source, region),
        state=State.RUNNING,
        raw_state="available",
        region=region,
        created=created / 1000 if created is not None else None,
        offers=("logs", "describe"),
        facts={
            "retention": f"{days} days" if days else "for ever",
            "stored": _size(group.get("storedBytes", 0)),
            "class": group.get("logGroupClass", "STANDARD"),
        },
        observed_at=now,
    )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def describe(logs: CloudWatchLogsClient, name: str) -> LogGroupTypeDef | None:
    """The group as DescribeLogGroups has it; None when it is gone. Blocks."""
    found = logs.describe_log_groups(logGroupNamePrefix=name, limit=50)["logGroups"]
    return next((group for group in found if group.get("logGroupName") == name), None)
