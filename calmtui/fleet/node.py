"""Node: one thing in the tree, as its source last described it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from calmtui import sanitise

NodeId = str
"""Stable, readable, unique in an estate: `PROVIDER:SOURCE/…`, such as `k8s:prod-eu/shop/pod/web-7d9f`."""


class State(StrEnum):
    """What a node's state comes to, whatever its provider calls it."""

    RUNNING = "running"
    PENDING = "pending"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    GONE = "gone"

    __hash__ = str.__hash__  # Enum's own is written in Python: five times slower where 100,000 nodes are counted


TROUBLE = frozenset({State.FAILED, State.DEGRADED, State.UNKNOWN})
"""States that an operator should see even in a folded group."""


class Node(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One instance, container, pod, deployment, host or service unit.

    Immutable: a change is a new Node under the same id. Every text in it comes from a source and is
    untrusted until `clean` has seen it; the fleet calls it on entry.
    """

    id: NodeId
    kind: str
    """Singular, in the provider's own words: `instance`, `container`, `pod`, `host`, `unit`…"""
    name: str
    source: str
    """Name of the source in the estate."""
    parent: NodeId | None = None
    """The node it hangs under in its source (a pod's deployment, a unit's host); None at the top."""
    state: State = State.UNKNOWN
    raw_state: str = ""
    """The provider's own word: `CrashLoopBackOff`, `exited`, `shutting-down`."""
    reason: str = ""
    """Why it is in that state, in a few words; empty when all is well."""
    labels: dict[str, str] = {}
    addresses: tuple[str, ...] = ()
    """IP addresses and DNS names, the one to connect to first."""
    image: str = ""
    """Image, AMI or version that it runs."""
    env: str = ""
    service: str = ""
    region: str = ""
    created: float | None = None
    """Seconds since the epoch; None when the source does not say."""
    restarts: int | None = None
    actions: tuple[str, ...] = ()
    """Names of the actions that it allows in its present state."""
    offers: tuple[str, ...] = ()
    """What can be asked of it: any of `logs`, `exec`, `shell`, `describe`, `events` (`providers.base`)."""
    facts: dict[str, str] = {}
    """Short facts for the overview (load, zone, type, replicas), in the order to show them."""
    aliases: tuple[str, ...] = ()
    """Names under which other sources may know the same thing: `ec2:i-0ab12`, `machine:ID`, `container:ID`."""
    runs_on: str = ""
    """Id of the node that it runs on: a pod's cluster node, a container's engine."""
    observed_at: float = 0.0
    """When its source last said so, seconds since the epoch."""


VOLATILE = ("observed_at", "facts")
"""Fields whose change alone is not worth a place on the time line (a heartbeat, a load figure)."""


def clean(node: Node) -> Node:
    """The node with every text of it safe for a terminal; the same object when it already is."""
    texts = (
        node.id,
        node.kind,
        node.name,
        node.parent or "",
        node.raw_state,
        node.reason,
        node.image,
        node.env,
        node.service,
        node.region,
        node.runs_on,
        *node.addresses,
        *node.aliases,
        *node.labels,
        *node.labels.values(),
        *node.facts,
        *node.facts.values(),
    )
    if all(map(str.isprintable, texts)):
        return node
    values: dict[str, Any] = {}
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, State):
            continue
        if isinstance(value, str):
            values[name] = sanitise.word(value)
        elif isinstance(value, tuple):
            values[name] = tuple(map(sanitise.word, value))
        elif isinstance(value, dict):
            values[name] = {sanitise.word(k): sanitise.word(v) for k, v in value.items()}
    return msgspec.structs.replace(node, **values)
