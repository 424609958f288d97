"""Namespaces and the cluster's machines as nodes. Pure: what the API says in, nodes out."""

from __future__ import annotations

import time

from calmtui.fleet.node import Node, State
from calmtui.providers.kubernetes.ids import namespace_id, node_id
from calmtui.providers.kubernetes.wire import ClusterNode, Condition, Namespace

ADDRESS_ORDER = ("InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS")
ROLE = "node-role.kubernetes.io/"
REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
TYPE = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")


def namespace_node(source: str, item: Namespace) -> Node:
    """The node of a namespace."""
    meta = item.metadata
    ending = item.status.phase == "Terminating" or meta.deletion_timestamp is not None
    return Node(
        id=namespace_id(source, meta.name),
        kind="namespace",
        name=meta.name,
        source=source,
        state=State.STOPPING if ending else State.RUNNING,
        raw_state=item.status.phase,
        labels=meta.labels or {},
        created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else None,
        offers=("logs", "describe", "events"),
        observed_at=time.time(),
    )


def named_namespace(source: str, name: str) -> Node:
    """A namespace that the estate names but that may not be read: what is in it still needs a parent."""
    return Node(
        id=namespace_id(source, name),
        kind="namespace",
        name=name,
        source=source,
        state=State.UNKNOWN,
        reason="may not be read",
        offers=("logs", "events"),
        observed_at=time.time(),
    )


def machine_node(source: str, item: ClusterNode) -> Node:
    """The node of a machine of the cluster."""
    meta = item.metadata
    labels = meta.labels or {}
    state, raw_state, reason = _state(item)
    return Node(
        id=node_id(source, meta.name),
        kind="node",
        name=meta.name,
        source=source,
        state=state,
        raw_state=raw_state,
        reason=reason,
        labels=labels,
        addresses=_addresses(item),
        image=item.status.node_info.kubelet_version,
        region=_first(labels, REGION),
        created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else None,
        actions=("uncordon" if item.spec.unschedulable else "cordon", "drain"),
        offers=("describe", "events"),
        facts=_facts(item, labels),
        aliases=_aliases(item),
        observed_at=time.time(),
    )


def _state(item: ClusterNode) -> tuple[State, str, str]:
    conditions = item.status.conditions or []
    ready = next((found for found in conditions if found.type == "Ready"), Condition("Ready", "Unknown"))
    pressed = [found for found in conditions if found.type != "Ready" and found.status == "True"]
    raw_state = "Ready" if ready.status == "True" else "NotReady"
    if ready.status == "Unknown":
        state, reasons = State.UNKNOWN, [ready.message or "its kubelet says nothing"]
    elif ready.status != "True":
        state, reasons = State.FAILED, [ready.message or ready.reason]
    elif pressed:
        state, reasons = State.DEGRADED, [found.type for found in pressed]
    else:
        state, reasons = State.RUNNING, []
    if item.spec.unschedulable:
        raw_state += ",SchedulingDisabled"
        reasons.append("cordoned")
    return state, raw_state, "; ".join(filter(None, reasons))


def _addresses(item: ClusterNode) -> tuple[str, ...]:
    known = [found for found in item.status.addresses or () if found.type in ADDRESS_ORDER]
    known.sort(key=lambda found: ADDRESS_ORDER.index(found.type))
    return tuple(dict.fromkeys(found.address for found in known))


def _aliases(item: ClusterNode) -> tuple[str, ...]:
    """The EC2 instance of a provider id such as `aws:///eu-west-1b/i-0ab12`, and the machine's own id."""
    scheme, _, path = item.spec.provider_id.partition("://")
    instance = path.rpartition("/")[2]
    found = [f"ec2:{instance}"] if scheme == "aws" and instance.startswith("i-") else []
    if item.status.node_info.machine_id:
        found.append(f"machine:{item.status.node_info.machine_id}")
    return tuple(found)


def _facts(item: ClusterNode, labels: dict[str, str]) -> dict[str, str]:
    info = item.status.node_info
    capacity = item.status.capacity or {}
    taints = [f"{taint.key}={taint.value}:{taint.effect}" for taint in item.spec.taints or ()]
    facts = {
        "roles": ", ".join(sorted(key.removeprefix(ROLE) for key in labels if key.startswith(ROLE))),
        "type": _first(labels, TYPE),
        "zone": _first(labels, ZONE),
        "cpu": capacity.get("cpu", ""),
        "memory": capacity.get("memory", ""),
        "pods": capacity.get("pods", ""),
        "os": info.os_image,
        "kernel": info.kernel_version,
        "architecture": info.architecture,
        "runtime": info.container_runtime_version,
        "taints": ", ".join(taints),
        "provider id": item.spec.provider_id,
    }
    return {name: value for name, value in facts.items() if value}


def _first(labels: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((labels[key] for key in keys if key in labels), "")
