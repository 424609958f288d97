"""Containers as the engine lists them, to nodes. Pure.

A listing tells the state, and in its status text (`Exited (137) 2 hours ago`, `Up 3 hours (unhealthy)`) the
exit code and the health. How often it was restarted, whether it ran out of memory and what the last health
probe said is known only to whoever inspects the container: a `Detail`, where there is one.
"""

from __future__ import annotations

import re

import msgspec

from calmtui import masks, sanitise
from calmtui.fleet.node import Node, NodeId, State
from calmtui.providers.docker.actions import OF_CONTAINER

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"
"""`True` on what `docker compose run` left: no part of the running project."""
DEPENDS_LABEL = "com.docker.compose.depends_on"
"""Services that must be up first: `db:service_healthy:false,cache:service_started:false`."""

OFFERS = ("logs", "describe", "events")
RUNNING_OFFERS = ("logs", "exec", "shell", "describe", "events")

SIGNALS = {129: "HUP", 130: "INT", 134: "ABRT", 137: "KILL", 139: "SEGV", 143: "TERM"}
"""Exit codes of processes that a signal ended: 128 and its number."""
ORDERLY = frozenset({0, 130, 137, 143})
"""Exit codes of what was stopped: by itself, or by INT, TERM or, after its grace period, KILL (as `docker stop`
does). The kernel kills with 137 too when memory runs out, which only an inspection tells apart."""

_EXIT = re.compile(r"(?:Exited|Restarting) \((-?\d+)\)")
_HEALTH = re.compile(r"\((?:health: )?(healthy|unhealthy|starting)\)")


class Port(msgspec.Struct, frozen=True):
    """A port of a container, published on the engine's host or not."""

    private: int = msgspec.field(name="PrivatePort", default=0)
    public: int | None = msgspec.field(name="PublicPort", default=None)
    ip: str = msgspec.field(name="IP", default="")
    protocol: str = msgspec.field(name="Type", default="tcp")


class Network(msgspec.Struct, frozen=True):
    """A network that a container is attached to."""

    ipv4: str = msgspec.field(name="IPAddress", default="")
    ipv6: str = msgspec.field(name="GlobalIPv6Address", default="")


class Networks(msgspec.Struct, frozen=True):
    """The networks of a container by name."""

    networks: dict[str, Network | None] | None = msgspec.field(name="Networks", default=None)


class Entry(msgspec.Struct, frozen=True):
    """One container in `GET /containers/json`: the fields that a node needs."""

    id: str = msgspec.field(name="Id")
    names: list[str] | None = msgspec.field(name="Names", default=None)
    image: str = msgspec.field(name="Image", default="")
    command: str = msgspec.field(name="Command", default="")
    created: int = msgspec.field(name="Created", default=0)
    ports: list[Port] | None = msgspec.field(name="Ports", default=None)
    labels: dict[str, str] | None = msgspec.field(name="Labels", default=None)
    state: str = msgspec.field(name="State", default="")
    status: str = msgspec.field(name="Status", default="")
    network: Networks | None = msgspec.field(name="NetworkSettings", default=None)

    @property
    def name(self) -> str:
        """The container's own name: without the aliases that linked containers know it by (`/web/db`)."""
        own = [name[1:] for name in self.names or () if name.count("/") == 1]
        return own[0] if own else self.id[:12]

    @property
    def project(self) -> str:
        """The compose project that it belongs to; empty when it belongs to none."""
        return (self.labels or {}).get(PROJECT_LABEL, "")

    @property
    def exit_code(self) -> int | None:
        """The code with which it ended, last time; None while it runs or has never run."""
        match = _EXIT.search(self.status)
        return int(match[1]) if match else None

    @property
    def health(self) -> str:
        """`healthy`, `unhealthy` or `starting`; empty without a health check."""
        match = _HEALTH.search(self.status)
        return match[1] if match else ""


class Detail(msgspec.Struct, frozen=True):
    """What only an inspection tells."""

    restarts: int | None = None
    out_of_memory: bool = False
    error: str = ""
    """Why the engine could not start it."""
    probe: str = ""
    """What the last health probe printed, if it failed."""
    state: str = ""
    """As in a listing, but up to date: the engine tells of an event before its listings know of it."""


def engine_id(source: str) -> NodeId:
    """The node id of a source's engine."""
    return f"docker:{source}"


def container_id(source: str, name: str) -> NodeId:
    """The node id of a container."""
    return f"docker:{source}/{name}"


def project_id(source: str, project: str) -> NodeId:
    """The node id of a compose project."""
    return f"docker:{source}/compose/{project}"


def container(source: str, entry: Entry, detail: Detail | None, now: float) -> Node:
    """The node of a container; `detail` where it has been inspected since it last changed."""
    state, reason = condition(entry, detail)
    return Node(
        id=container_id(source, entry.name),
        kind="container",
        name=entry.name,
        source=source,
        parent=project_id(source, entry.project) if entry.project else None,
        state=state,
        raw_state=entry.state,
        reason=reason,
        labels={key: masks.described(value, key) for key, value in (entry.labels or {}).items()},
        addresses=_addresses(entry),
        image=entry.image,
        created=float(entry.created) or None,
        restarts=(detail.restarts if detail else None) or None,  # that it was looked at is no change: none is not told
        actions=OF_CONTAINER.get(entry.state, ()),
        offers=RUNNING_OFFERS if entry.state == "running" else OFFERS,
        facts=_facts(entry),
        aliases=(f"container:{entry.id}",),
        runs_on=engine_id(source),
        observed_at=now,
    )


def condition(entry: Entry, detail: Detail | None) -> tuple[State, str]:
    """What a container's state comes to, and why."""
    match entry.state:
        case "running" if entry.health == "unhealthy":
            return State.DEGRADED, f"unhealthy: {detail.probe}" if detail and detail.probe else "unhealthy"
        case "running" if entry.health == "starting":
            return State.PENDING, "health check has not passed yet"
        case "running":
            return State.RUNNING, ""
        case "restarting":
            return State.FAILED, f"restarting, {_ended(entry.exit_code, detail)}"
        case "exited":
            bad = entry.exit_code not in ORDERLY or (detail is not None and detail.out_of_memory)
            return State.FAILED if bad else State.STOPPED, _ended(entry.exit_code, detail)
        case "created":
            failed = detail is not None and detail.error
            return (State.FAILED, f"could not start: {failed}") if failed else (State.STOPPED, "never started")
        case "paused":
            return State.STOPPED, "paused"
        case "removing":
            return State.STOPPING, "being removed"
        case "dead":
            return State.FAILED, "dead: the engine could not remove it"
    return State.UNKNOWN, f"the engine says {entry.state!r}"


def _ended(code: int | None, detail: Detail | None) -> str:
    if code is None:
        return "exited"
    if detail and detail.out_of_memory:
        return f"exited {code} (OOM)"
    text = f"exited {code} ({SIGNALS[code]})" if code in SIGNALS else f"exited {code}"
    return f"{text}: {detail.error}" if detail and detail.error else text


def worth_inspecting(entry: Entry) -> bool:
    """Whether its state is not understood without an inspection."""
    return entry.state == "restarting" or entry.health == "unhealthy" or entry.exit_code in {127, 128, 137}


def _addresses(entry: Entry) -> tuple[str, ...]:
    networks = (entry.network.networks if entry.network else None) or {}
    attached = [network for network in networks.values() if network is not None]
    return tuple(address for network in attached for address in (network.ipv4, network.ipv6) if address)


def _facts(entry: Entry) -> dict[str, str]:
    labels = entry.labels or {}
    networks = (entry.network.networks if entry.network else None) or {}
    facts = {
        "status": entry.status,
        "command": masks.text(entry.command),
        "ports": ", ".join(dict.fromkeys(map(_port, sorted(entry.ports or (), key=lambda port: port.private)))),
        "networks": ", ".join(networks),
        "service": labels.get(SERVICE_LABEL, ""),
        "container id": entry.id[:12],
    }
    return {name: value for name, value in facts.items() if value}


def _port(port: Port) -> str:
    inside = f"{port.private}/{port.protocol}"
    if port.public is None:
        return inside
    host = f"[{port.ip}]" if ":" in port.ip else port.ip
    return f"{host}:{port.public}→{inside}" if host else f"{port.public}→{inside}"


def is_member(entry: Entry, project: Node) -> bool:
    """Whether a container belongs to a project's node; the node's text has been sanitised, the label has not."""
    return bool(entry.project) and sanitise.word(entry.project) == project.name
