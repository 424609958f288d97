"""EC2's answers as nodes, events and descriptions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.node import State
from calmtui.providers.aws.actions import ACTIONS, ALLOWED, SETTLED
from calmtui.providers.aws.look import instance_events, plain
from calmtui.providers.aws.nodes import instance_node, instance_nodes, place, region_node
from calmtui.providers.base import MASK

LAUNCHED = datetime(2026, 11, 20, 2, 10, tzinfo=UTC)


def an_instance(**changes: Any) -> dict[str, Any]:
    """A running instance as DescribeInstances gives it, much shortened."""
    return {
        "InstanceId": "i-0ab12",
        "ImageId": "ami-1234",
        "InstanceType": "t3.small",
        "LaunchTime": LAUNCHED,
        "State": {"Code": 16, "Name": "running"},
        "Placement": {"AvailabilityZone": "eu-west-1b"},
        "PrivateIpAddress": "10.2.4.7",
        "PublicIpAddress": "54.1.2.3",
        "PrivateDnsName": "ip-10-2-4-7.eu-west-1.compute.internal",
        "Tags": [{"Key": "Name", "Value": "web-01"}, {"Key": "env", "Value": "production"}],
    } | changes


def in_state(name: str, **changes: Any) -> dict[str, Any]:
    return an_instance(State={"Name": name}, **changes)


def status(**changes: Any) -> dict[str, Any]:
    well = {"Status": "ok", "Details": []}
    return {"InstanceId": "i-0ab12", "SystemStatus": well, "InstanceStatus": well} | changes


def node(instance: dict[str, Any], its_status: dict[str, Any] | None = None) -> Any:
    return instance_node("cloud", "eu-west-1", instance, its_status, "123456789012", 7.0)  # type: ignore[arg-type]


def test_an_instance_is_named_by_its_tag_and_hangs_under_its_region() -> None:
    web = node(an_instance())
    assert (web.id, web.name, web.parent) == ("aws:cloud/eu-west-1/i-0ab12", "web-01", "aws:cloud/eu-west-1")
    assert web.addresses == ("54.1.2.3", "10.2.4.7", "ip-10-2-4-7.eu-west-1.compute.internal")
    assert web.labels == {"Name": "web-01", "env": "production"}
    assert web.facts == {"id": "i-0ab12", "type": "t3.small", "zone": "eu-west-1b", "account": "123456789012"}
    assert web.aliases == ("ec2:i-0ab12",)
    assert web.created == LAUNCHED.timestamp()
    assert web.reason == ""


@pytest.mark.parametrize("tags", [[], [{"Key": "Name", "Value": ""}]])
def test_an_instance_without_a_name_is_called_by_its_id(tags: list[dict[str, str]]) -> None:
    assert node(an_instance(Tags=tags)).name == "i-0ab12"


@pytest.mark.parametrize(
    ("raw", "state", "actions"),
    [
        ("pending", State.PENDING, ("terminate",)),
        ("running", State.RUNNING, ("stop", "reboot", "terminate")),
        ("stopping", State.STOPPING, ("terminate",)),
        ("stopped", State.STOPPED, ("start", "terminate")),
        ("shutting-down", State.STOPPING, ()),
        ("terminated", State.GONE, ()),
        ("something new", State.UNKNOWN, ()),
    ],
)
def test_every_state_of_ec2_has_its_meaning_and_its_actions(raw: str, state: State, actions: tuple[str, ...]) -> None:
    found = node(in_state(raw))
    assert (found.raw_state, found.state, found.actions) == (raw, state, actions)


def test_an_instance_on_its_instance_store_cannot_be_stopped() -> None:
    assert node(an_instance(RootDeviceType="instance-store")).actions == ("reboot", "terminate")


def test_a_failing_status_check_degrades_and_is_the_reason() -> None:
    impaired = status(SystemStatus={"Status": "impaired", "Details": []})
    found = node(an_instance(), impaired)
    assert (found.state, found.reason) == (State.DEGRADED, "system check impaired")


def test_a_scheduled_event_is_told_until_it_is_over() -> None:
    event = {"Code": "system-reboot", "Description": "scheduled reboot", "NotBefore": LAUNCHED}
    assert node(an_instance(), status(Events=[event])).reason == "scheduled: system-reboot"
    over = event | {"Description": "[Completed] scheduled reboot"}
    assert node(an_instance(), status(Events=[over])).reason == ""


def test_a_stopped_instance_says_who_stopped_it() -> None:
    stopped = in_state(
        "stopped",
        StateReason={"Code": "Client.UserInitiatedShutdown", "Message": "Client.UserInitiatedShutdown: User initiated"},
        StateTransitionReason="User initiated (2026-11-20 02:10:00 GMT)",
    )
    assert node(stopped).reason == "User initiated"
    del stopped["StateReason"]
    assert node(stopped).reason == "User initiated (2026-11-20 02:10:00 GMT)"


def test_a_region_counts_its_instances() -> None:
    reservations = [{"OwnerId": "123456789012", "Instances": [an_instance(), in_state("stopped", InstanceId="i-2")]}]
    nodes = list(instance_nodes("cloud", "eu-west-1", reservations, {}, 7.0))  # type: ignore[arg-type]
    assert region_node("cloud", "eu-west-1", nodes, 7.0).facts == {
        "instances": "2",
        "running": "1",
        "account": "123456789012",
    }


@given(st.from_regex(r"[a-z]{2}-[a-z]+-[1-9]", fullmatch=True), st.from_regex(r"i-[0-9a-f]{8,17}", fullmatch=True))
def test_the_place_of_a_node_is_read_back_from_its_id(region: str, instance_id: str) -> None:
    found = instance_node("cloud", region, {"InstanceId": instance_id}, None, "", 0.0)
    assert place(found.id) == (region, instance_id)
    assert place(found.parent or "") == (region, "")


def test_every_action_has_a_state_that_allows_it_and_one_that_ends_it() -> None:
    names = {action.name for action in ACTIONS}
    assert names == {name for allowed in ALLOWED.values() for name in allowed} == set(SETTLED)
    assert {action.undo for action in ACTIONS} - {None} <= names


def test_a_description_is_json_without_the_secrets_in_tags() -> None:
    tags = [{"Key": "db_password", "Value": "hunter2"}, {"Key": "env", "Value": "production"}]
    shown = plain(an_instance(Tags=tags))
    assert shown["Tags"] == [{"Key": "db_password", "Value": MASK}, {"Key": "env", "Value": "production"}]
    assert shown["LaunchTime"] == "2026-11-20T02:10:00+00:00"
    assert tags[0]["Value"] == "hunter2", "the object itself is left as it was"


def test_events_come_in_order_of_time_with_what_is_planned_last() -> None:
    stopped = in_state(
        "stopped",
        StateReason={"Message": "Server.SpotInstanceTermination: Spot instance termination"},
        StateTransitionReason="Server.SpotInstanceTermination (2026-11-20 03:00:00 GMT)",
    )
    reboot = {
        "Code": "system-reboot",
        "Description": "scheduled reboot",
        "NotBefore": datetime(2026, 12, 1, tzinfo=UTC),
    }
    failing = {"Status": "impaired", "Details": [{"ImpairedSince": datetime(2026, 11, 20, 2, 50, tzinfo=UTC)}]}
    events = instance_events(stopped, status(Events=[reboot], InstanceStatus=failing), now=0.0)  # type: ignore[arg-type]
    assert [event.reason for event in events] == [
        "Launched",
        "StatusCheckFailed",
        "State stopped",
        "Scheduled system-reboot",
    ]
    assert [event.trouble for event in events] == [False, True, False, True]
