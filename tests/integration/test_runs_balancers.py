"""`loadbalancer` steps on moto's target groups, checked with boto3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from calmtui.actions.outcome import Status
from calmtui.runbooks.journal import Standing
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, ec2, launch
from tests.integration.carrying import Estate
from tests.integration.test_links import launch_at
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.usefixtures("moto")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calmtui.runbooks.steps.loadbalancer.LOOK", 0.05)


def balancing(moto: Moto) -> Any:
    return boto3.client("elbv2", region_name=IRELAND, endpoint_url=moto.url)


def group(moto: Moto) -> str:
    """A target group behind a load balancer; its ARN."""
    subnets = ec2(moto, IRELAND).describe_subnets()["Subnets"]
    arn = balancing(moto).create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"], TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]  # fmt: skip
    balancer = balancing(moto).create_load_balancer(Name="front", Subnets=[each["SubnetId"] for each in subnets])
    balancing(moto).create_listener(
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"], Protocol="HTTP", Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )  # fmt: skip
    return str(arn)


def members(moto: Moto, arn: str) -> list[tuple[str, int]]:
    found = balancing(moto).describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return [(each["Target"]["Id"], each["Target"]["Port"]) for each in found]


def sources(moto: Moto) -> str:
    urls = "".join(f", {name}: '{moto.url}'" for name in ("endpoint_url", "balancers_endpoint_url"))
    return f"  cloud: {{provider: aws, regions: [{IRELAND}]{urls}}}\n"


def steps(*ways: str) -> str:
    lines = "".join(f"  - loadbalancer: {{target_group: {way}, wait: 3s}}\n" for way in ways)
    return f"targets: kind=instance\nsteps:\n{lines}"


async def test_an_instance_is_taken_out_and_put_back_and_left_alone_where_it_is_so(moto: Moto, tmp_path: Path) -> None:
    instance, arn = launch(moto, IRELAND, "web-01"), group(moto)
    balancing(moto).register_targets(TargetGroupArn=arn, Targets=[{"Id": instance, "Port": 8080}, {"Id": instance}])
    async with Estate(tmp_path, sources(moto)) as estate:
        out = await estate.carry(steps("web, do: out", f"{arn}, do: out"))
        assert out.sentences[0].startswith(
            "take it out of target group web and wait until it is drained, 3s at the most"
        )
        assert [status for _, status, _ in out.ends()] == [Status.OK, Status.UNCHANGED]
        assert members(moto, arn) == []
        back = await estate.carry(steps("web, do: in", "web, do: in", "web, do: in, ports: [8080]"))
        assert [status for _, status, _ in back.ends()] == [Status.OK, Status.UNCHANGED, Status.OK]
        assert members(moto, arn) == [(instance, 8080)]  # moto keeps one port of an instance, AWS each


async def test_one_that_does_not_become_healthy_fails_with_the_reason(moto: Moto, tmp_path: Path) -> None:
    instance, arn = launch(moto, IRELAND, "web-01"), group(moto)
    balancing(moto).register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])
    ec2(moto, IRELAND).stop_instances(InstanceIds=[instance])
    async with Estate(tmp_path, sources(moto)) as estate:
        ran = await estate.carry(steps("web, do: in"))
    assert ran.run.standing is Standing.FAILED
    ((_, status, detail),) = ran.ends()
    assert status is Status.FAILED
    assert detail.startswith("not so within 3s: unused")
    assert members(moto, arn)


async def test_a_group_that_there_is_not_and_a_node_that_is_no_instance_are_told(moto: Moto, tmp_path: Path) -> None:
    launch(moto, IRELAND, "web-01")
    async with Estate(tmp_path, sources(moto)) as estate:
        ran = await estate.carry(steps("wbe, do: out"))
        assert "name a target group of the node's region" in ran.ends()[0][2]
        ran = await estate.carry(steps("web, do: out").replace("kind=instance", "kind=region"))
        assert "no instance of the estate is known to be this region" in ran.ends()[0][2]


async def test_a_host_goes_the_way_of_the_instance_that_it_is_linked_to(
    moto: Moto, ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    arn = group(moto)
    instance = launch_at(moto, "10.77.0.1", "shop")  # which is where the configuration has web-001
    launch_at(moto, "10.9.9.9", "web-002")
    balancing(moto).register_targets(TargetGroupArn=arn, Targets=[{"Id": instance}])
    places = ssh_fleet.ssh_config.read_text().replace("127.0.0.1", "10.77.0.1", 1)
    known = ssh_fleet.known_hosts.read_text()
    (tmp_path / "known").write_text(known + known.replace("127.0.0.1", "10.77.0.1"))
    (tmp_path / "config").write_text(
        f"Host web-001\n  ProxyCommand ssh -F {ssh_fleet.ssh_config} -W 127.0.0.1:%p web-001\n"
        + places.replace(str(ssh_fleet.known_hosts), str(tmp_path / "known"))
    )
    hosts = f"  edge: {{provider: ssh, hosts: HOST, ssh_config: {tmp_path / 'config'}}}\n"
    out, back = (steps(f"web, do: {way}").replace("kind=instance", "kind=host") for way in ("out", "in"))
    async with Estate(tmp_path, sources(moto) + hosts.replace("HOST", "web-001")) as estate:
        assert [status for _, status, _ in (await estate.carry(out)).ends()] == [Status.OK]
        assert members(moto, arn) == []
        assert [status for _, status, _ in (await estate.carry(back)).ends()] == [Status.OK]
        assert members(moto, arn) == [(instance, 80)]
    for host, told in (("web-002", "may be it, which is a guess"), ("web-003", "no instance of the estate is known")):
        async with Estate(tmp_path, sources(moto) + hosts.replace("HOST", host)) as estate:
            ((_, status, detail),) = (await estate.carry(out)).ends()
        assert status is Status.FAILED
        assert told in detail
        assert "select" in detail
    assert members(moto, arn) == [(instance, 80)]
