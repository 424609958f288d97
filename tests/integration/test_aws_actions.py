"""What can be done to an instance and asked of it, checked with boto3."""

from __future__ import annotations

import json

import pytest

from calmtui.fleet.node import Node, State
from calmtui.providers.base import Forbidden, LogRequest, NodeGone, OutcomeUnknown, SourceError
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, ec2, gathered, instance, launch, source, state, until
from tests.lab.aws_proxy import CUT, UNAUTHORIZED, AwsProxy


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


async def test_acting_on_an_instance_that_is_no_more_says_so(moto: Moto) -> None:
    opened = source(moto.url)
    launch(moto, IRELAND, "web-01")
    async with gathered(opened):
        ghost = Node(id=f"aws:cloud/{IRELAND}/i-0123456789abcdef0", kind="instance", name="ghost", source="cloud")
        with pytest.raises(NodeGone, match="i-0123456789abcdef0"):
            await opened.act(ghost, "stop", {})


async def test_an_act_whose_answer_never_came_has_an_unknown_outcome(proxy: AwsProxy, moto: Moto) -> None:
    instance_id = launch(moto, IRELAND, "web-01")
    proxy.rule = lambda region, action: CUT if action == "StopInstances" else None
    opened = source(proxy.url)
    async with gathered(opened) as fleet:
        with pytest.raises(OutcomeUnknown, match="see the instance's state"):
            await opened.act(instance(fleet, instance_id), "stop", {})


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
