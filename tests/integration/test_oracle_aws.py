"""After a storm under throttling the fleet equals what boto3 says, in two regions."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.source import Health
from calmtui.providers.aws.options import AwsOptions
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, VIRGINIA, ec2, until
from tests.integration.oracle import Truth, agrees, storm_of
from tests.lab.aws_proxy import THROTTLED, AwsProxy

OPERATIONS = 220
REGIONS = (IRELAND, VIRGINIA)
STATES = {"running": "running", "stopped": "stopped", "terminated": "gone", "pending": "pending"}


def truth(moto: Moto) -> Truth:
    """The nodes that the instances of both regions should be."""
    nodes: Truth = {}
    for region in REGIONS:
        nodes[f"aws:cloud/{region}"] = {"name": region, "kind": "region", "parent": None, "state": "running"}
        for reservation in ec2(moto, region).describe_instances()["Reservations"]:
            for found in reservation["Instances"]:
                nodes[f"aws:cloud/{region}/{found['InstanceId']}"] = _instance(region, found)
    return nodes


def _instance(region: str, found: dict[str, Any]) -> dict[str, Any]:
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
    raw_state = found["State"]["Name"]
    keys = ("PublicIpAddress", "PrivateIpAddress", "PublicDnsName", "PrivateDnsName")
    interfaces = [address for interface in found["NetworkInterfaces"] for address in interface["PrivateIpAddresses"]]
    addresses = [*(found.get(key) for key in keys), *(address.get("PrivateIpAddress") for address in interfaces)]
    fields = {
        "kind": "instance",
        "name": tags.get("Name") or found["InstanceId"],
        "parent": f"aws:cloud/{region}",
        "region": region,
        "env": tags.get("env", ""),
        "state": STATES[raw_state],
        "raw_state": raw_state,
        "labels": tags,
        "image": found["ImageId"],
        "created": found["LaunchTime"].timestamp(),
        "addresses": tuple(dict.fromkeys(filter(None, addresses))),
    }
    if raw_state == "running":
        fields["reason"] = ""
    return fields


class Storm:
    """Random operations on the instances of both regions."""

    def __init__(self, moto: Moto, dice: random.Random) -> None:
        self.dice = dice
        self.done: Counter[str] = Counter()
        self._ec2 = {region: ec2(moto, region) for region in REGIONS}
        self._running: list[tuple[str, str]] = []
        self._stopped: list[tuple[str, str]] = []
        """Region and instance id."""
        operations: dict[Callable[[], None], int] = {
            self.launch: 20, self.stop: 14, self.start: 12, self.tag: 24, self.untag: 8, self.terminate: 10,
        }  # fmt: skip
        self._operations, self._weights = list(operations), list(operations.values())

    def blow(self, count: int) -> None:
        """That many more operations."""
        for _ in range(count):
            (operation,) = self.dice.choices(self._operations, self._weights)
            operation()
            self.done[operation.__name__] += 1

    def launch(self) -> None:
        region = self.dice.choice(REGIONS)
        tags = [{"Key": "env", "Value": self.dice.choice(("test", "production"))}]
        if self.dice.random() < 0.8:
            tags.append({"Key": "Name", "Value": f"web-{self.dice.randrange(100):02}"})
        answer = self._ec2[region].run_instances(
            ImageId="ami-12c6146b", InstanceType="t3.small", MinCount=1, MaxCount=self.dice.randrange(1, 4),
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )  # fmt: skip
        self._running += [(region, found["InstanceId"]) for found in answer["Instances"]]

    def stop(self) -> None:
        region, instance = self._taken(self._running)
        self._ec2[region].stop_instances(InstanceIds=[instance])
        self._stopped.append((region, instance))

    def start(self) -> None:
        if self._stopped:
            region, instance = self._taken(self._stopped)
            self._ec2[region].start_instances(InstanceIds=[instance])
            self._running.append((region, instance))

    def terminate(self) -> None:
        region, instance = self._taken(self._running)
        self._ec2[region].terminate_instances(InstanceIds=[instance])

    def tag(self) -> None:
        region, instance = self._any()
        tag = {"Key": self.dice.choice(("Name", "env", "team")), "Value": f"value-{self.dice.randrange(1000)}"}
        self._ec2[region].create_tags(Resources=[instance], Tags=[tag])

    def untag(self) -> None:
        region, instance = self._any()
        self._ec2[region].delete_tags(Resources=[instance], Tags=[{"Key": self.dice.choice(("Name", "env", "team"))}])

    def _any(self) -> tuple[str, str]:
        if not self._running:
            self.launch()
        return self.dice.choice(self._running + self._stopped)

    def _taken(self, among: list[tuple[str, str]]) -> tuple[str, str]:
        if not among:
            self.launch()
        return among.pop(self.dice.randrange(len(among)))


async def test_after_a_storm_under_throttling_the_fleet_is_what_boto3_says(moto: Moto, proxy: AwsProxy) -> None:
    dice = storm_of("aws")
    storm, refusals = Storm(moto, dice), random.Random(dice.random())
    options = AwsOptions(endpoint_url=proxy.url, regions=list(REGIONS)).model_copy(update={"poll_seconds": 0.5})

    def look() -> Truth:
        return truth(moto)

    async with LiveEstate(Estate("oracle", (SourceSpec("cloud", "aws", options),))) as live:
        proxy.rule = lambda region, action: THROTTLED if refusals.random() < 0.3 else None
        await asyncio.to_thread(storm.blow, OPERATIONS // 2)
        await agrees(live.fleet, look, "cloud")

        proxy.rule = lambda region, action: THROTTLED if region == VIRGINIA else None
        await asyncio.to_thread(storm.blow, OPERATIONS // 2)
        await until(lambda: live.fleet.sources["cloud"].health is Health.PARTIAL)
        stale = {node.region for node in live.fleet if live.fleet.is_stale(node)}
        assert stale == {VIRGINIA}, "it is said while it lasts, and of that region alone"

        proxy.rule = lambda region, action: None
        await agrees(live.fleet, look, "cloud", within=20)
        assert live.fleet.sources["cloud"].reconnects == 0
    assert sum(storm.done.values()) >= 200
