"""An aws source on moto: what the tests of it share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.providers.aws import PROVIDER
from calmtui.providers.aws.options import AwsOptions
from calmtui.providers.aws.source import AwsSource
from calmtui.providers.base import Ask, Opening, ask_nobody
from calmtui.providers.gather import Gatherer
from tests.conftest import Moto

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


def ec2(moto: Moto, region: str) -> Any:
    return boto3.client("ec2", region_name=region, endpoint_url=moto.url)


def cloudwatch(moto: Moto, region: str) -> Any:
    return boto3.client("logs", region_name=region, endpoint_url=moto.url)


def launch(moto: Moto, region: str, name: str, **tags: str) -> str:
    """Start an instance with boto3; its id."""
    tagged = [{"Key": key, "Value": value} for key, value in {"Name": name, **tags}.items()]
    answer = ec2(moto, region).run_instances(
        ImageId="ami-12c6146b", InstanceType="t3.small", MinCount=1, MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tagged}],
    )  # fmt: skip
    return str(answer["Instances"][0]["InstanceId"])


def state(moto: Moto, region: str, instance_id: str) -> str:
    """As boto3 sees it."""
    found = ec2(moto, region).describe_instances(InstanceIds=[instance_id])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


def source(url: str, *, ask: Ask = ask_nobody, poll_seconds: float = 60, **options: Any) -> AwsSource:
    """A source named `cloud`; `poll_seconds` may be shorter than an estate file may have it."""
    regions = options.pop("regions", [IRELAND, VIRGINIA])
    settings = AwsOptions(endpoint_url=url, logs_endpoint_url=url, regions=regions, **options)
    hurried = settings.model_copy(update={"poll_seconds": poll_seconds})
    return PROVIDER.open(Opening("cloud", hurried, Path.cwd(), ask))


@asynccontextmanager
async def gathered(opened: AwsSource) -> AsyncIterator[Fleet]:
    """The fleet once the source has answered or failed."""
    fleet = Fleet()
    async with Gatherer(fleet, [opened]) as gatherer:
        assert await gatherer.settled(20)
        yield fleet


async def until(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def instance(fleet: Fleet, instance_id: str) -> Node:
    return next(node for node in fleet if node.id.endswith(f"/{instance_id}"))
