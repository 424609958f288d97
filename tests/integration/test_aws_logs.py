"""CloudWatch's log groups, on moto: shown, read back, followed without a loss, through refusals to answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from calmtui.errors import NodeGone
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health
from calmtui.providers.aws import cloudwatch as reading
from calmtui.providers.aws.source import AwsSource
from calmtui.providers.base import LogChunk, LogRequest
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, cloudwatch, gathered, instance, launch, source, until

GROUP = "/shop/orders"


@pytest.fixture
def logs(moto: Moto) -> Any:
    """The API, with one group of two streams."""
    client = cloudwatch(moto, IRELAND)
    client.create_log_group(logGroupName=GROUP)
    client.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    for stream in ("a", "b"):
        client.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    return client


def write(logs: Any, stream: str, *messages: str, ago: float = 0, group: str = GROUP) -> None:
    at = int((time.time() - ago) * 1000)
    events = [{"timestamp": at, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def opened(moto: Moto, *patterns: str) -> AwsSource:
    return source(moto.url, regions=[IRELAND], log_groups=list(patterns or ("/shop/*",)))


async def read(opened: AwsSource, node: Node, **request: Any) -> list[tuple[str, bytes]]:
    """Every line that there is, with its stream."""
    asked = LogRequest(**{"tail": None, "follow": False} | request)
    return [(chunk.stream, text) async for chunk in opened.logs(node, asked) for _, text in chunk.lines]


class Following:
    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []

    @property
    def texts(self) -> list[str]:
        return [text.decode() for chunk in self.chunks for _, text in chunk.lines]

    @property
    def notes(self) -> list[str]:
        return [chunk.note for chunk in self.chunks if chunk.note]


@asynccontextmanager
async def followed(opened: AwsSource, node: Node, request: LogRequest) -> AsyncIterator[Following]:
    log = Following()

    async def collect() -> None:
        async with aclosing(opened.logs(node, request)) as chunks:
            async for chunk in chunks:
                log.chunks.append(chunk)

    task = asyncio.create_task(collect())
    try:
        yield log
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def group_node(fleet: Any) -> Node:
    return next(node for node in fleet if node.kind == "log-group")


async def test_the_groups_that_fit_are_nodes_of_their_region(moto: Moto, logs: Any) -> None:
    for name in ("/shop/api", "/other/api"):
        logs.create_log_group(logGroupName=name)
    async with gathered(opened(moto)) as fleet:
        assert fleet.sources["cloud"].health is Health.LIVE
        found = [node for node in fleet if node.kind == "log-group"]
        assert sorted(node.name for node in found) == ["/shop/api", GROUP]
        node = fleet.nodes[f"aws:cloud/{IRELAND}/log-group/{GROUP}"]
        assert node.parent == f"aws:cloud/{IRELAND}"
        assert node.facts["retention"] == "7 days"
        assert (node.offers, node.actions) == (("logs", "describe"), ())


async def test_history_is_read_to_the_millisecond_and_by_the_newest(moto: Moto, logs: Any) -> None:
    write(logs, "a", "days ago", ago=3 * 86400)
    write(logs, "a", "an hour ago", ago=3600)
    write(logs, "b", "Traceback:\n  line 1\nValueError", ago=60)
    write(logs, "a", "now")
    cloud = opened(moto)
    async with gathered(cloud) as fleet:
        node = group_node(fleet)
        everything = await read(cloud, node)
        assert sorted(everything) == sorted(
            [("a", b"days ago"), ("a", b"an hour ago"), ("a", b"now")]
            + [("b", text) for text in (b"Traceback:", b"  line 1", b"ValueError")]
        )
        assert [text for _, text in await read(cloud, node, since=time.time() - 5)] == [b"now"]
        assert [text for _, text in await read(cloud, node, tail=1)] == [b"now"]
        assert len(await read(cloud, node, tail=100)) == len(everything)


async def test_many_pages_come_whole(moto: Moto, logs: Any) -> None:
    for begin in range(0, 25_000, 5000):
        write(logs, "a", *(str(number) for number in range(begin, begin + 5000)), ago=100 - begin / 1000)
    cloud = opened(moto)
    async with gathered(cloud) as fleet:
        texts = [text for _, text in await read(cloud, group_node(fleet))]
    assert texts == [b"%d" % number for number in range(25_000)]


async def test_what_comes_is_followed_once_each_also_when_it_comes_late(
    moto: Moto, logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "EVERY", 0.05)
    write(logs, "a", "left out", "kept", ago=1)
    cloud = opened(moto)
    async with gathered(cloud) as fleet, followed(cloud, group_node(fleet), LogRequest(tail=1)) as log:
        await until(lambda: log.texts == ["kept"])
        for number in range(40):
            write(logs, "ab"[number % 2], f"{number} now")
            write(logs, "a", f"{number} late", ago=20)
        await until(lambda: len(log.texts) == 81)
        assert len(set(log.texts)) == 81
        of_b = [text.decode() for chunk in log.chunks if chunk.stream == "b" for _, text in chunk.lines]
        assert of_b == [f"{number} now" for number in range(1, 40, 2)]
        assert log.notes == []


async def test_a_group_that_is_deleted_ends_and_one_that_is_gone_says_so(
    moto: Moto, logs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "EVERY", 0.05)
    cloud = opened(moto)
    async with gathered(cloud) as fleet:
        node = group_node(fleet)
        async with followed(cloud, node, LogRequest()) as log:
            write(logs, "a", "last words")
            await until(lambda: log.texts)
            logs.delete_log_group(logGroupName=GROUP)
            await until(lambda: log.notes)
            assert "gone" in log.notes[0]
        with pytest.raises(NodeGone):
            await read(cloud, node)


async def test_an_instances_log_is_its_console_and_the_streams_that_bear_its_id(moto: Moto, logs: Any) -> None:
    web = launch(moto, IRELAND, "web-01")
    logs.create_log_stream(logGroupName=GROUP, logStreamName=web)
    write(logs, web, "from the agent")
    write(logs, "a", "from elsewhere")
    cloud = opened(moto)
    async with gathered(cloud) as fleet:
        found = await read(cloud, instance(fleet, web), tail=50)
        assert (GROUP, b"from the agent") in found
        assert {stream for stream, _ in found} == {GROUP, "console"}


async def test_a_group_is_described_as_cloudwatch_has_it(moto: Moto, logs: Any) -> None:
    cloud = opened(moto)
    async with gathered(cloud) as fleet:
        assert (await cloud.describe(group_node(fleet)))["logGroupName"] == GROUP
