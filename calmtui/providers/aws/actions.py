"""What can be done to an instance, and in which state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.fleet.node import State
from calmtui.providers.base import Action, Danger

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

START = Action(
    "start",
    "start the instance; without an Elastic IP its public address is a new one",
    Danger.NONE,
    undo="stop",
    reaches=State.RUNNING,
)
STOP = Action(
    "stop",
    "stop the instance; what is on its instance store is lost, its EBS volumes stay",
    Danger.CONFIRM,
    undo="start",
    reaches=State.STOPPED,
)
REBOOT = Action("reboot", "reboot the operating system; the instance keeps its addresses and volumes", Danger.CONFIRM)
TERMINATE = Action(
    "terminate",
    "terminate the instance for ever, with the volumes that are deleted on termination",
    Danger.TYPE_NAME,
    reaches=State.GONE,
)
ACTIONS = (START, STOP, REBOOT, TERMINATE)

ALLOWED: dict[str, tuple[str, ...]] = {
    "pending": ("terminate",),
    "running": ("stop", "reboot", "terminate"),
    "stopping": ("terminate",),
    "stopped": ("start", "terminate"),
}
"""By the state of an instance as EC2 names it; nothing in any other state."""

SETTLED: dict[str, str] = {"start": "running", "stop": "stopped", "reboot": "running", "terminate": "terminated"}
"""The state in which an action has done its work."""


def carry_out(ec2: EC2Client, action: str, instance_id: str) -> str:
    """Ask EC2 for it and say in a few words what it answered. Blocks; raises botocore's exceptions."""
    ids = [instance_id]
    match action:
        case "start":
            changes = ec2.start_instances(InstanceIds=ids)["StartingInstances"]
        case "stop":
            changes = ec2.stop_instances(InstanceIds=ids)["StoppingInstances"]
        case "terminate":
            changes = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
        case "reboot":
            ec2.reboot_instances(InstanceIds=ids)
            return "reboot accepted"
        case _:
            raise ValueError(f"no action of an instance: {action}")
    was, now = changes[0]["PreviousState"]["Name"], changes[0]["CurrentState"]["Name"]
    return f"was {was}, now {now}" if was != now else f"was {now} already"
