"""Regions, listed side by side and failing alone. What moto never answers, a proxy does."""

from __future__ import annotations

from calmtui.fleet.node import State
from calmtui.fleet.source import Health
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, VIRGINIA, ec2, gathered, instance, launch, source, until
from tests.lab.aws_proxy import CUT, THROTTLED, UNAUTHORIZED, AwsProxy


async def test_two_regions_come_with_their_instances_tags_and_zones(moto: Moto) -> None:
    web = launch(moto, IRELAND, "web-01", env="production", service="web")
    launch(moto, VIRGINIA, "api-01")
    async with gathered(source(moto.url)) as fleet:
        assert fleet.sources["cloud"].health is Health.LIVE
        assert sorted((node.kind, node.name) for node in fleet) == [
            ("instance", "api-01"), ("instance", "web-01"), ("region", IRELAND), ("region", VIRGINIA),
        ]  # fmt: skip
        node = fleet.nodes[f"aws:cloud/{IRELAND}/{web}"]
        raw = ec2(moto, IRELAND).describe_instances(InstanceIds=[web])["Reservations"][0]["Instances"][0]
        assert node.state is State.RUNNING
        assert node.labels == {"Name": "web-01", "env": "production", "service": "web"}
        assert node.addresses[:2] == (raw["PublicIpAddress"], raw["PrivateIpAddress"])
        assert node.facts["zone"] == raw["Placement"]["AvailabilityZone"]
        assert (node.image, node.created) == (raw["ImageId"], raw["LaunchTime"].timestamp())


async def test_what_others_do_comes_with_the_next_listing(moto: Moto) -> None:
    gone = launch(moto, IRELAND, "web-01")
    async with gathered(source(moto.url, poll_seconds=0.3)) as fleet:
        added = launch(moto, IRELAND, "web-02")
        ec2(moto, IRELAND).terminate_instances(InstanceIds=[gone])
        await until(lambda: any(node.name == "web-02" for node in fleet))
        await until(lambda: instance(fleet, gone).state is State.GONE)
        assert instance(fleet, added).state is State.RUNNING


async def test_all_regions_are_asked_and_the_empty_ones_not_shown(moto: Moto) -> None:
    launch(moto, IRELAND, "web-01")
    async with gathered(source(moto.url, regions="all")) as fleet:
        assert [node.name for node in fleet if node.kind == "region"] == [IRELAND]
        assert fleet.sources["cloud"].health is Health.LIVE


async def test_one_region_fails_alone_and_comes_back(proxy: AwsProxy, moto: Moto) -> None:
    launch(moto, IRELAND, "web-01")
    launch(moto, VIRGINIA, "api-01")
    proxy.rule = lambda region, action: UNAUTHORIZED if region == VIRGINIA else None
    async with gathered(source(proxy.url, poll_seconds=0.5)) as fleet:
        status = fleet.sources["cloud"]
        assert status.health is Health.PARTIAL
        assert set(status.scopes) == {VIRGINIA}
        assert "not authorized" in status.error
        assert "IAM" in status.error
        assert "xxx" not in status.error, "the encoded message helps nobody"
        assert [node.name for node in fleet if node.kind == "instance"] == ["web-01"]
        proxy.rule = lambda region, action: None
        await until(lambda: fleet.sources["cloud"].health is Health.LIVE)
        assert sorted(node.name for node in fleet if node.kind == "instance") == ["api-01", "web-01"]


async def test_a_region_that_cuts_every_connection_harms_no_other(proxy: AwsProxy, moto: Moto) -> None:
    launch(moto, IRELAND, "web-01")
    proxy.rule = lambda region, action: CUT if region == VIRGINIA else None
    async with gathered(source(proxy.url)) as fleet:
        assert fleet.sources["cloud"].health is Health.PARTIAL
        assert "Connection was closed" in fleet.sources["cloud"].scopes[VIRGINIA]
        assert [node.name for node in fleet if node.kind == "instance"] == ["web-01"]


async def test_throttling_slows_one_region_down_loses_nothing_and_ends(proxy: AwsProxy, moto: Moto) -> None:
    web = launch(moto, IRELAND, "web-01")
    async with gathered(source(proxy.url, poll_seconds=0.5)) as fleet:
        proxy.rule = lambda region, action: THROTTLED if region == IRELAND else None
        await until(lambda: fleet.sources["cloud"].health is Health.PARTIAL)
        assert "RequestLimitExceeded" in fleet.sources["cloud"].scopes[IRELAND]
        assert instance(fleet, web).state is State.RUNNING, "what was known stays"
        assert fleet.is_stale(instance(fleet, web))
        proxy.asked.clear()
        await until(lambda: proxy.asked[VIRGINIA, "DescribeInstances"] >= 4)
        assert proxy.asked[IRELAND, "DescribeInstances"] < proxy.asked[VIRGINIA, "DescribeInstances"]
        proxy.rule = lambda region, action: None
        await until(lambda: fleet.sources["cloud"].health is Health.LIVE)
        assert fleet.sources["cloud"].reconnects == 0


async def test_a_short_burst_of_throttling_is_never_seen(proxy: AwsProxy, moto: Moto) -> None:
    launch(moto, IRELAND, "web-01")
    proxy.rule = lambda region, action: THROTTLED if proxy.asked[region, action] == 1 else None
    async with gathered(source(proxy.url)) as fleet:
        assert fleet.sources["cloud"].health is Health.LIVE
        assert proxy.asked[IRELAND, "DescribeInstances"] == 2


async def test_status_checks_that_we_may_not_see_harm_nothing(proxy: AwsProxy, moto: Moto) -> None:
    launch(moto, IRELAND, "web-01")
    proxy.rule = lambda region, action: UNAUTHORIZED if action == "DescribeInstanceStatus" else None
    async with gathered(source(proxy.url)) as fleet:
        assert fleet.sources["cloud"].health is Health.LIVE


async def test_an_endpoint_that_refuses_is_said_with_its_address(moto: Moto) -> None:
    async with gathered(source("http://127.0.0.1:9", regions=[IRELAND])) as fleet:
        status = fleet.sources["cloud"]
        assert status.health is Health.STALE
        assert "http://127.0.0.1:9" in status.error
        assert "endpoint_url" in status.error
