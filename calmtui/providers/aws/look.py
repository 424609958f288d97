"""One instance looked at closely: the raw object, and what happened to it. The functions that take a client block."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from calmtui import masks
from calmtui.providers.aws.nodes import impairments, planned_events
from calmtui.providers.base import MASK, NodeEvent

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceStatusTypeDef, InstanceTypeDef

_WHEN = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")
"""The time in a StateTransitionReason: `User initiated (2026-11-20 02:10:00 GMT)`."""


def describe(ec2: EC2Client, instance_id: str) -> dict[str, Any]:
    """DescribeInstances of one instance, JSON-like, with masked tags."""
    return plain(_describe(ec2, instance_id))


def events(ec2: EC2Client, instance_id: str) -> list[NodeEvent]:
    """What EC2 tells of an instance, oldest first."""
    statuses = ec2.describe_instance_status(InstanceIds=[instance_id], IncludeAllInstances=True)["InstanceStatuses"]
    return instance_events(_describe(ec2, instance_id), statuses[0] if statuses else None, time.time())


def _describe(ec2: EC2Client, instance_id: str) -> InstanceTypeDef:
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def plain(instance: Mapping[str, Any]) -> dict[str, Any]:
    """An instance with times as ISO 8601 and the values of tags that hold secrets masked."""
    shown = _json(instance)
    assert isinstance(shown, dict)
    for tag in shown.get("Tags", ()):
        if masks.is_secret(tag.get("Key", "")):
            tag["Value"] = MASK
    return shown


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value


def instance_events(instance: InstanceTypeDef, status: InstanceStatusTypeDef | None, now: float) -> list[NodeEvent]:
    """The events that an instance and its status tell of, oldest first; scheduled ones lie ahead."""
    found = []
    if "LaunchTime" in instance:
        found.append(NodeEvent(instance["LaunchTime"].timestamp(), "Launched", f"from {instance.get('ImageId', '?')}"))
    transition = instance.get("StateTransitionReason", "")
    when = _WHEN.search(transition)
    if transition:
        at = datetime.fromisoformat(when[1]).replace(tzinfo=UTC).timestamp() if when else now
        message = instance.get("StateReason", {}).get("Message", transition)
        found.append(NodeEvent(at, f"State {instance.get('State', {}).get('Name', '?')}", message))
    if status is not None:
        found += _checks(status, now)
        found += [NodeEvent(at, "Scheduled " + code, text, trouble=True) for at, code, text in planned_events(status)]
    return sorted(found, key=lambda event: event.at)


def _checks(status: InstanceStatusTypeDef, now: float) -> list[NodeEvent]:
    failing = impairments(status)
    if not failing:
        return []
    since = [
        detail["ImpairedSince"].timestamp()
        for check in (status.get("SystemStatus"), status.get("InstanceStatus"))
        for detail in (check or {}).get("Details", ())
        if "ImpairedSince" in detail
    ]
    return [NodeEvent(min(since, default=now), "StatusCheckFailed", failing, trouble=True)]
