"""Nodes of hosts and units, from facts, or from the error where there are none."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import msgspec

from calmtui.errors import AuthFailed, Forbidden, HostKeyChanged, HostKeyRejected, Misconfigured, SourceError
from calmtui.fleet.node import Node, NodeId, State
from calmtui.providers.ssh.actions import UNIT_ACTIONS
from calmtui.providers.ssh.facts import Facts
from calmtui.providers.ssh.units import Unit
from calmtui.transport.ssh import Settings

_GIB = 1 << 30
_INSTANCE = re.compile(r"i-[0-9a-f]+")

_UNIT_STATES = {
    "active": State.RUNNING,
    "reloading": State.RUNNING,
    "activating": State.PENDING,
    "deactivating": State.STOPPING,
    "inactive": State.STOPPED,
    "failed": State.FAILED,
}

_DOWN: tuple[tuple[type[SourceError], State, str], ...] = (
    (HostKeyChanged, State.FAILED, "HOST KEY CHANGED"),
    (HostKeyRejected, State.FAILED, "host key unknown"),
    (AuthFailed, State.FAILED, "login refused"),
    (Forbidden, State.FAILED, "forbidden"),
    (Misconfigured, State.FAILED, "misconfigured"),
)
"""How a host stands that could not be reached; any other error: nobody knows."""

_HOST_OFFERS = ("logs", "exec", "shell", "describe")


def host_id(source: str, host: str) -> NodeId:
    """The id of a host's node."""
    return f"ssh:{source}/{host}"


def host_nodes(
    source: str, host: str, facts: Facts, settings: Settings, units: Sequence[Unit], *, files: bool
) -> list[Node]:
    """The nodes of a host that answered: itself, and the units to show. `files`: it has log files to follow."""
    failed = [unit.name for unit in units if unit.active == "failed"]
    offers = _HOST_OFFERS if files or facts.systemd else _HOST_OFFERS[1:]
    if files:
        offers = (*offers, "search")
    own = Node(
        id=host_id(source, host),
        kind="host",
        name=host,
        source=source,
        state=State.DEGRADED if failed else State.RUNNING,
        raw_state=facts.systemd or "up",
        reason=_failed(failed),
        labels=_labels(facts),
        addresses=tuple(dict.fromkeys((settings.hostname, *facts.addresses))),
        image=facts.os,
        created=facts.booted,
        actions=("reboot",),
        offers=offers,
        facts=_facts(facts),
        aliases=_aliases(facts),
        observed_at=time.time(),
    )
    return [own, *(unit_node(own, unit) for unit in units)]


def unit_node(host: Node, unit: Unit) -> Node:
    """The node of a unit below its host's."""
    state = _UNIT_STATES.get(unit.active, State.UNKNOWN)
    if unit.sub == "auto-restart":
        state = State.DEGRADED
    return Node(
        id=f"{host.id}/{unit.name}",
        kind="unit",
        name=unit.name,
        source=host.source,
        parent=host.id,
        state=state,
        raw_state=f"{unit.active} ({unit.sub})" if unit.sub else unit.active,
        reason=unit.result if unit.result != "success" and state is not State.RUNNING else "",
        created=unit.since,
        restarts=unit.restarts,
        actions=UNIT_ACTIONS.get(unit.active, ()),
        offers=("logs", "describe"),
        facts={
            name: value
            for name, value in (
                ("description", unit.description),
                ("enabled", unit.enabled),
                ("main pid", str(unit.main_pid or "")),
            )
            if value
        },
        observed_at=host.observed_at,
    )


def down_node(source: str, host: str, error: SourceError, last: Node | None) -> Node:
    """The node of a host that cannot be reached, with what was last known of it in this session."""
    state, raw = next(
        ((state, raw) for kind, state, raw in _DOWN if isinstance(error, kind)), (State.UNKNOWN, "unreachable")
    )
    if last is None:
        last = Node(id=host_id(source, host), kind="host", name=host, source=source, offers=_HOST_OFFERS)
    return msgspec.structs.replace(last, state=state, raw_state=raw, reason=error.what, actions=())


def _failed(units: list[str]) -> str:
    if not units:
        return ""
    more = f" and {len(units) - 3} more" if len(units) > 3 else ""
    return f"failed: {', '.join(units[:3])}{more}"


def _labels(facts: Facts) -> dict[str, str]:
    values = {
        "os": facts.os_id or facts.system.lower(),
        "arch": facts.arch,
        "hostname": facts.hostname,
        "instance": facts.cloud_id,
    }
    return {name: value for name, value in values.items() if value}


def _aliases(facts: Facts) -> tuple[str, ...]:
    """The EC2 instance that it says it is, and the machine's id."""
    found = [f"ec2:{text}" for text in (facts.board_id, facts.cloud_id) if _INSTANCE.fullmatch(text)][:1]
    if facts.machine_id:
        found.append(f"machine:{facts.machine_id}")
    return tuple(found)


def _facts(facts: Facts) -> dict[str, str]:
    values = {
        "os": facts.os,
        "kernel": " ".join(part for part in (facts.system, facts.kernel, facts.arch) if part),
        "cpus": "" if facts.cpus is None else str(facts.cpus),
        "load": " ".join(f"{value:.2f}" for value in facts.load or ()),
        "memory": _share(facts.memory, facts.memory_available),
        "disk /": _share(facts.disk, None if facts.disk is None else facts.disk - (facts.disk_used or 0)),
        "up": "" if facts.booted is None else _duration(time.time() - facts.booted),
        "user": facts.user,
        "machine id": facts.machine_id,
    }
    return {name: value for name, value in values.items() if value}


def _share(total: int | None, free: int | None) -> str:
    if not total or free is None:
        return ""
    used = total - free
    return f"{used / _GIB:.1f} of {total / _GIB:.1f} GiB, {100 * used / total:.0f} %"


def _duration(seconds: float) -> str:
    minutes = max(0, int(seconds)) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min"
