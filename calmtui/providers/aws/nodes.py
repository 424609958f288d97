"""EC2's answers as nodes. Pure: no boto3, no clock but `observed_at`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from calmtui.fleet.node import Node, NodeId, State
from calmtui.providers.aws.actions import ALLOWED

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceStatusTypeDef, InstanceTypeDef, ReservationTypeDef

_STATES = {
    "pending": State.PENDING,
    "running": State.RUNNING,
    "shutting-down": State.STOPPING,
    "stopping": State.STOPPING,
    "stopped": State.STOPPED,
    "terminated": State.GONE,
}
_NEED_EBS = {"start", "stop"}


def region_id(source: str, region: str) -> NodeId:
    """The id of a region's node."""
    return f"aws:{source}/{region}"


def place(node_id: NodeId) -> tuple[str, str]:
    """The region and the instance id (empty for a region) that a node's id names."""
    region, _, instance = node_id.partition("/")[2].partition("/")
    return region, instance


def region_node(source: str, region: str, instances: Sequence[Node], observed_at: float) -> Node:
    """The row that a region's instances hang under."""
    running = sum(node.raw_state == "running" for node in instances)
    accounts = dict.fromkeys(node.facts["account"] for node in instances if "account" in node.facts)
    facts = {"instances": str(len(instances)), "running": str(running)}
    if accounts:
        facts["account"] = ", ".join(accounts)
    return Node(
        id=region_id(source, region),
        kind="region",
        name=region,
        source=source,
        state=State.RUNNING,
        raw_state="available",
        region=region,
        facts=facts,
        observed_at=observed_at,
    )


def instance_nodes(
    source: str,
    region: str,
    reservations: Sequence[ReservationTypeDef],
    statuses: Mapping[str, InstanceStatusTypeDef],
    observed_at: float,
) -> Iterator[Node]:
    """The instances of DescribeInstances; `statuses` is DescribeInstanceStatus by instance id."""
    for reservation in reservations:
        account = reservation.get("OwnerId", "")
        for instance in reservation.get("Instances", ()):
            status = statuses.get(instance["InstanceId"])
            yield instance_node(source, region, instance, status, account, observed_at)


def instance_node(
    source: str,
    region: str,
    instance: InstanceTypeDef,
    status: InstanceStatusTypeDef | None,
    account: str,
    observed_at: float,
) -> Node:
    """One instance. Without a `Name` tag it is called by its id."""
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in instance.get("Tags", ())}
    raw_state = str(instance.get("State", {}).get("Name", ""))
    impaired = impairments(status) if raw_state == "running" and status else ""
    launched = instance.get("LaunchTime")
    return Node(
        id=f"{region_id(source, region)}/{instance['InstanceId']}",
        kind="instance",
        name=tags.get("Name") or instance["InstanceId"],
        source=source,
        parent=region_id(source, region),
        state=State.DEGRADED if impaired else _STATES.get(raw_state, State.UNKNOWN),
        raw_state=raw_state,
        reason=impaired or _planned(status) or _transition(instance, raw_state),
        labels=tags,
        addresses=_addresses(instance),
        image=instance.get("ImageId", ""),
        region=region,
        created=launched.timestamp() if launched else None,
        actions=_actions(instance, raw_state),
        offers=("logs", "describe", "events"),
        facts=_facts(instance, account),
        aliases=(f"ec2:{instance['InstanceId']}",),
        observed_at=observed_at,
    )


def impairments(status: InstanceStatusTypeDef) -> str:
    """Which status checks fail, in a few words; empty when none does."""
    checks = {
        "system": status.get("SystemStatus", {}).get("Status"),
        "instance": status.get("InstanceStatus", {}).get("Status"),
        "EBS": status.get("AttachedEbsStatus", {}).get("Status"),
    }
    return ", ".join(f"{name} check impaired" for name, verdict in checks.items() if verdict == "impaired")


def planned_events(status: InstanceStatusTypeDef) -> list[tuple[float, str, str]]:
    """Scheduled events that have not happened yet: seconds since the epoch, code, description."""
    return [
        (
            event["NotBefore"].timestamp() if "NotBefore" in event else 0.0,
            str(event.get("Code", "")),
            event.get("Description", ""),
        )
        for event in status.get("Events", ())
        # EC2 keeps what is over for some days and says so at the beginning of the description.
        if not event.get("Description", "").startswith(("[Completed]", "[Canceled]"))
    ]


def _planned(status: InstanceStatusTypeDef | None) -> str:
    if status is None:
        return ""
    codes = dict.fromkeys(code for _, code, _ in planned_events(status))
    return f"scheduled: {', '.join(codes)}" if codes else ""


def _transition(instance: InstanceTypeDef, raw_state: str) -> str:
    """Why it is not running: EC2's sentence, else its short form with the time."""
    if raw_state == "running":
        return ""
    message = instance.get("StateReason", {}).get("Message", "")
    # "Client.UserInitiatedShutdown: User initiated shutdown": the code before the colon repeats it.
    return message.partition(": ")[2] or message or instance.get("StateTransitionReason", "")


def _actions(instance: InstanceTypeDef, raw_state: str) -> tuple[str, ...]:
    allowed = ALLOWED.get(raw_state, ())
    if instance.get("RootDeviceType") == "instance-store":  # it has nothing to stop to
        return tuple(name for name in allowed if name not in _NEED_EBS)
    return allowed


def _addresses(instance: InstanceTypeDef) -> tuple[str, ...]:
    found = [
        instance.get("PublicIpAddress"),
        instance.get("PrivateIpAddress"),
        instance.get("PublicDnsName"),
        instance.get("PrivateDnsName"),
    ]
    for interface in instance.get("NetworkInterfaces", ()):
        found += [address.get("PrivateIpAddress") for address in interface.get("PrivateIpAddresses", ())]
        found += [address.get("Ipv6Address") for address in interface.get("Ipv6Addresses", ())]
    return tuple(dict.fromkeys(address for address in found if address))


def _facts(instance: InstanceTypeDef, account: str) -> dict[str, str]:
    facts = {
        "id": instance["InstanceId"],
        "type": str(instance.get("InstanceType", "")),
        "zone": instance.get("Placement", {}).get("AvailabilityZone", ""),
        "account": account,
        "lifecycle": str(instance.get("InstanceLifecycle", "")),
        "architecture": str(instance.get("Architecture", "")),
        "vpc": instance.get("VpcId", ""),
        "subnet": instance.get("SubnetId", ""),
        "profile": instance.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2],
        "key": instance.get("KeyName", ""),
    }
    return {name: value for name, value in facts.items() if value}
