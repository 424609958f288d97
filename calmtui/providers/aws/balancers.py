"""Target groups of load balancers: who is in them, in and out. Blocks; raises botocore's exceptions.

`elbv2` is a client of Elastic Load Balancing v2.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from calmtui.fleet.node import Node
from calmtui.providers.base import Member, Misconfigured


class TargetGroup:
    """A target group, for one instance."""

    def __init__(self, elbv2: Any, group: str, instance_id: str, node: Node) -> None:
        named = {"TargetGroupArns": [group]} if group.startswith("arn:") else {"Names": [group]}
        found = elbv2.describe_target_groups(**named)["TargetGroups"][0]
        self._elbv2 = elbv2
        self._arn = found["TargetGroupArn"]
        self._ids = {instance_id}
        if found["TargetType"] == "ip":
            self._ids = set(node.addresses)
        elif found["TargetType"] != "instance":
            raise Misconfigured(f"target group {group} takes no instances but {found['TargetType']}", where=node.name)

    def members(self) -> list[Member]:
        """What it has of the instance."""
        return [
            Member(each["Target"].get("Port"), each["TargetHealth"]["State"],
                   each["TargetHealth"].get("Description") or each["TargetHealth"].get("Reason", ""))
            for each in self._own()
        ]  # fmt: skip

    def join(self, ports: Sequence[int]) -> None:
        """Put the instance in."""
        chosen = min(self._ids, key=lambda each: (not _is_private(each), each))  # of an instance's addresses its own
        targets = [{"Id": chosen, "Port": port} for port in ports] or [{"Id": chosen}]
        self._elbv2.register_targets(TargetGroupArn=self._arn, Targets=targets)

    def leave(self) -> None:
        """Take the instance out, at every port."""
        targets = [each["Target"] for each in self._own() if each["TargetHealth"]["State"] != "draining"]
        named = [{key: target[key] for key in ("Id", "Port") if key in target} for target in targets]
        if named:
            self._elbv2.deregister_targets(TargetGroupArn=self._arn, Targets=named)

    def _own(self) -> list[Any]:
        answer = self._elbv2.describe_target_health(TargetGroupArn=self._arn)
        return [each for each in answer["TargetHealthDescriptions"] if each["Target"]["Id"] in self._ids]


def _is_private(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_private
    except ValueError:  # the id of an instance, or a name
        return False
