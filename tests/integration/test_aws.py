"""The aws provider against moto over real HTTP, checked with boto3; what moto cannot do, a proxy answers."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health
from calmtui.providers.aws import PROVIDER
from calmtui.providers.aws.connect import READ_SECONDS
from calmtui.providers.aws.options import AwsOptions
from calmtui.providers.aws.source import AwsSource
from calmtui.providers.base import (
    Ask,
    Forbidden,
    LogRequest,
    NodeGone,
    Opening,
    OutcomeUnknown,
    SourceError,
    ask_nobody,
)
from calmtui.providers.gather import Gatherer
from tests.conftest import Moto
from tests.lab.aws_proxy import CUT, THROTTLED, UNAUTHORIZED, WRONG_KEY, AwsProxy

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"


@pytest.fixture
def proxy(moto: Moto) -> Iterator[AwsProxy]:
    with AwsProxy(moto.url) as running:
        yield running


def ec2(moto: Moto, region: str) -> Any:
    return boto3.client("ec2", region_name=region, endpoint_url=moto.url)


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
    settings = AwsOptions(endpoint_url=url, regions=regions, **options)
    hurried = settings.model_copy(update={"poll_seconds": poll_seconds})
    return PROVIDER.open(Opening("cloud", hurried, Path.cwd(), ask))


@asynccontextmanager
async def gathered(opened: AwsSource) -> AsyncIterator[Fleet]:
    """The fleet once the source has answered or failed."""
    fleet = Fleet()
    async with Gatherer(fleet, [opened]) as gatherer:
        assert await gatherer.settled(20)
        yield fleet


async def until(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def instance(fleet: Fleet, instance_id: str) -> Node:
    return next(node for node in fleet if node.id.endswith(f"/{instance_id}"))


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


async def test_an_action_is_done_and_the_tree_hears_of_it_within_seconds(moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    opened = source(moto.url, poll_seconds=3600)  # so that only the action can bring the news
    async with gathered(opened) as fleet:
        for action, comes_to in (("stop", "stopped"), ("start", "running"), ("terminate", "terminated")):
            told = await opened.act(instance(fleet, instance_id), action, {})
            assert "was " in told
            assert state(moto, IRELAND, instance_id) == comes_to
            await until(lambda wanted=comes_to: instance(fleet, instance_id).raw_state == wanted, 5)
        assert instance(fleet, instance_id).state is State.GONE
        assert instance(fleet, instance_id).actions == ()


async def test_a_reboot_is_accepted_by_ec2(proxy: AwsProxy, moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    opened = source(proxy.url)
    async with gathered(opened) as fleet:
        assert await opened.act(instance(fleet, instance_id), "reboot", {}) == "reboot accepted"
        assert proxy.asked[IRELAND, "RebootInstances"] == 1


async def test_what_others_do_comes_with_the_next_listing(moto: Moto) -> None:
    gone = launch(moto, IRELAND, "web-01")
    async with gathered(source(moto.url, poll_seconds=0.3)) as fleet:
        added = launch(moto, IRELAND, "web-02")
        ec2(moto, IRELAND).terminate_instances(InstanceIds=[gone])
        await until(lambda: any(node.name == "web-02" for node in fleet))
        await until(lambda: instance(fleet, gone).state is State.GONE)
        assert instance(fleet, added).state is State.RUNNING


async def test_acting_on_an_instance_that_is_no_more_says_so(moto: Moto) -> None:
    opened = source(moto.url)
    launch(moto, IRELAND, "web-01")
    async with gathered(opened):
        ghost = Node(id=f"aws:cloud/{IRELAND}/i-0123456789abcdef0", kind="instance", name="ghost", source="cloud")
        with pytest.raises(NodeGone, match="i-0123456789abcdef0"):
            await opened.act(ghost, "stop", {})


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


async def test_an_act_whose_answer_never_came_has_an_unknown_outcome(proxy: AwsProxy, moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    proxy.rule = lambda region, action: CUT if action == "StopInstances" else None
    opened = source(proxy.url)
    async with gathered(opened) as fleet:
        with pytest.raises(OutcomeUnknown, match="see the instance's state"):
            await opened.act(instance(fleet, instance_id), "stop", {})


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


async def test_an_action_that_is_forbidden_fails_with_the_reason(proxy: AwsProxy, moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    proxy.rule = lambda region, action: UNAUTHORIZED if action == "StopInstances" else None
    opened = source(proxy.url)
    async with gathered(opened) as fleet:
        with pytest.raises(Forbidden, match="not authorized"):
            await opened.act(instance(fleet, instance_id), "stop", {})
        assert state(moto, IRELAND, instance_id) == "running"


async def test_an_act_that_broke_aws_down_has_an_unknown_outcome(proxy: AwsProxy, moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    broken = (500, "InternalError", "An internal error has occurred")
    proxy.rule = lambda region, action: broken if action == "StopInstances" else None
    opened = source(proxy.url)
    async with gathered(opened) as fleet:
        with pytest.raises(OutcomeUnknown, match="see the instance's state"):
            await opened.act(instance(fleet, instance_id), "stop", {})


@pytest.fixture
def enforced(moto: Moto) -> Iterator[None]:
    """moto checks keys from now on, for one test."""

    def set_count(count: str) -> str:
        request = urllib.request.Request(
            f"{moto.url}/moto-api/reset-auth", count.encode(), {"Content-Type": "text/plain"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return str(json.load(response)["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"])

    before = set_count("0")
    yield
    set_count(before)


@pytest.mark.usefixtures("enforced")
async def test_keys_that_aws_does_not_know_make_the_source_stale_with_what_to_do(moto: Moto) -> None:
    async with gathered(source(moto.url)) as fleet:
        status = fleet.sources["cloud"]
        assert status.health is Health.STALE
        assert "AuthFailure" in status.error
        assert "keys of the profile" in status.error
        assert "testing" not in status.error


async def test_when_every_region_refuses_the_source_has_failed_and_keeps_what_it_knew(
    proxy: AwsProxy, moto: Moto
) -> None:
    launch(moto, IRELAND, "web-01")
    async with gathered(source(proxy.url, poll_seconds=0.3)) as fleet:
        proxy.rule = lambda region, action: WRONG_KEY
        await until(lambda: fleet.sources["cloud"].health is Health.STALE)
        assert [node.name for node in fleet if node.kind == "instance"] == ["web-01"]


async def test_an_endpoint_that_refuses_is_said_with_its_address(moto: Moto) -> None:
    async with gathered(source("http://127.0.0.1:9", regions=[IRELAND])) as fleet:
        status = fleet.sources["cloud"]
        assert status.health is Health.STALE
        assert "http://127.0.0.1:9" in status.error
        assert "endpoint_url" in status.error


def write_profile(home: Path, name: str, config: str, **keys: str) -> None:
    (home / ".aws").mkdir(exist_ok=True)
    with (home / ".aws" / "config").open("a") as file:
        file.write(f"[profile {name}]\n{config}\n")
    with (home / ".aws" / "credentials").open("a") as file:
        file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()))


async def test_two_profiles_see_two_accounts(moto: Moto, nobodys_machine: Path) -> None:
    launch(moto, IRELAND, "ours")
    sts = boto3.client("sts", region_name=IRELAND, endpoint_url=moto.url)
    role = sts.assume_role(RoleArn="arn:aws:iam::222233334444:role/ops", RoleSessionName="test")["Credentials"]
    theirs = {"aws_access_key_id": role["AccessKeyId"], "aws_secret_access_key": role["SecretAccessKey"],
              "aws_session_token": role["SessionToken"]}  # fmt: skip
    foreign = boto3.client("ec2", region_name=VIRGINIA, endpoint_url=moto.url, **theirs)
    foreign.run_instances(ImageId="ami-12c6146b", MinCount=2, MaxCount=2)
    write_profile(
        nobodys_machine, "here", f"region = {IRELAND}", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    write_profile(nobodys_machine, "there", f"region = {VIRGINIA}", **theirs)
    async with (
        gathered(source(moto.url, profile="here", regions=None)) as mine,
        gathered(source(moto.url, profile="there", regions=None)) as others,
    ):
        assert [node.name for node in mine if node.kind == "instance"] == ["ours"]
        assert {node.facts["account"] for node in others} == {"222233334444"}
        assert [node.name for node in others if node.kind == "region"] == [VIRGINIA]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"profile": "prdo"}, ["prdo", "list-profiles"]),
        ({"profile": "keyless"}, ["credentials", "aws configure --profile keyless"]),
        ({"profile": "half"}, ["aws_secret_access_key", "aws configure"]),
        ({"profile": "sso"}, ["aws sso login --profile sso"]),
        ({"profile": "regionless", "regions": None}, ["region"]),
    ],
)
async def test_a_profile_that_cannot_work_says_what_to_do(
    moto: Moto, nobodys_machine: Path, options: dict[str, Any], told: list[str]
) -> None:
    write_profile(nobodys_machine, "keyless", "region = eu-west-1")
    write_profile(nobodys_machine, "half", "", aws_access_key_id="AKIAEXAMPLE")
    write_profile(nobodys_machine, "regionless", "", aws_access_key_id="a", aws_secret_access_key="b")
    write_profile(nobodys_machine, "sso", "sso_start_url = https://corp.example\nsso_region = eu-west-1\n"
                  "sso_account_id = 1\nsso_role_name = ops")  # fmt: skip
    async with gathered(source(moto.url, **options)) as fleet:
        assert fleet.sources["cloud"].health is Health.STALE
        for words in told:
            assert words in fleet.sources["cloud"].error


async def test_a_role_with_mfa_asks_the_operator_and_not_the_terminal(
    moto: Moto, nobodys_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", moto.url)
    write_profile(nobodys_machine, "base", "", aws_access_key_id="testing", aws_secret_access_key="testing")
    write_profile(
        nobodys_machine, "ops", "role_arn = arn:aws:iam::222233334444:role/ops\nsource_profile = base\n"
        f"mfa_serial = arn:aws:iam::123456789012:mfa/ana\nregion = {IRELAND}",
    )  # fmt: skip
    asked = []

    async def ask(prompt: str) -> str | None:
        asked.append(prompt)
        return "123456"

    async with gathered(source(moto.url, profile="ops", ask=ask)) as fleet:
        assert fleet.sources["cloud"].health is Health.LIVE
    assert len(asked) == 1, "once for all regions"
    assert "mfa/ana" in asked[0]
    async with gathered(source(moto.url, profile="ops")) as fleet:
        assert fleet.sources["cloud"].health is Health.STALE
        assert "MFA" in fleet.sources["cloud"].error


async def test_an_instance_is_described_as_boto3_has_it_with_secrets_masked(moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01", db_password="hunter2")
    opened = source(moto.url)
    async with gathered(opened) as fleet:
        described = await opened.describe(instance(fleet, instance_id))
        raw = ec2(moto, IRELAND).describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        assert list(described) == list(raw)
        assert described["VpcId"] == raw["VpcId"]
        assert "hunter2" not in json.dumps(described)


async def test_events_tell_of_the_launch_and_of_the_stop(moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    ec2(moto, IRELAND).stop_instances(InstanceIds=[instance_id])
    opened = source(moto.url)
    async with gathered(opened) as fleet:
        events = await opened.events(instance(fleet, instance_id))
        assert [event.reason for event in events] == ["Launched", "State stopped"]


async def test_the_log_of_an_instance_is_its_console_output(moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    expected = ec2(moto, IRELAND).get_console_output(InstanceId=instance_id)["Output"].splitlines()
    opened = source(moto.url)
    async with gathered(opened) as fleet:
        request = LogRequest(tail=2, follow=False)
        chunks = [chunk async for chunk in opened.logs(instance(fleet, instance_id), request)]
    assert [line.decode() for chunk in chunks for _, line in chunk.lines] == expected[-2:]


async def test_nothing_can_be_asked_of_a_source_that_is_closed(moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    opened = source(moto.url)
    async with gathered(opened) as fleet:
        node = instance(fleet, instance_id)
    with pytest.raises(SourceError, match="not connected"):
        await opened.describe(node)


async def test_a_region_that_is_misspelt_is_said_with_the_one_that_was_meant(
    moto: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")  # as good as a name that does not resolve
    misspelt = PROVIDER.open(Opening("cloud", AwsOptions(regions=["eu-wset-1"]), Path.cwd()))
    async with gathered(misspelt) as fleet:
        assert "did you mean eu-west-1?" in fleet.sources["cloud"].error


def test_an_endpoint_that_never_answers_does_not_keep_the_program_from_ending(moto: Moto, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = tmp_path / "program.py"
        program.write_text(_PROGRAM.format(port=silent.getsockname()[1]))
        begun = time.monotonic()
        done = subprocess.run([sys.executable, program], text=True, capture_output=True, timeout=60)
        took = time.monotonic() - begun
    assert done.stdout == "asked\n", done.stderr
    assert took < READ_SECONDS / 2


_PROGRAM = """
import asyncio
import threading
from pathlib import Path
from calmtui.fleet.fleet import Fleet
from calmtui.providers.aws import PROVIDER
from calmtui.providers.base import Opening
from calmtui.providers.gather import Gatherer

async def main():
    options = PROVIDER.options()(regions=["eu-west-1"], endpoint_url="http://127.0.0.1:{port}")
    source = PROVIDER.open(Opening("cloud", options, Path.cwd()))
    async with Gatherer(Fleet(), [source]):
        while "aws cloud eu-west-1" not in [thread.name for thread in threading.enumerate()]:
            await asyncio.sleep(0.02)
        print("asked", flush=True)

asyncio.run(main())
"""


def test_importing_the_provider_costs_no_sdk() -> None:
    heavy = ["boto3", "botocore", "pydantic", "mypy_boto3_ec2"]
    program = (
        "import sys; from calmtui.providers.aws import PROVIDER; PROVIDER.actions; PROVIDER.discover(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], text=True, capture_output=True).stdout == "[]\n"
