"""Compose projects: the level above their containers, and the order in which their services depend. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from calmtui.fleet.node import TROUBLE, Node, State
from calmtui.providers.docker.actions import OF_PROJECT
from calmtui.providers.docker.nodes import DEPENDS_LABEL, ONE_OFF_LABEL, SERVICE_LABEL, Entry, project_id

CONFIG_LABEL = "com.docker.compose.project.config_files"
FOLDER_LABEL = "com.docker.compose.project.working_dir"


def project(source: str, name: str, members: Sequence[Node], now: float) -> Node:
    """The node of a project, its state that of its members together. `members` must not be empty."""
    parts = [node for node in members if node.labels.get(ONE_OFF_LABEL) != "True"] or list(members)
    parts.sort(key=lambda node: node.name)  # what is said of them must not hang on who was listed first
    state = _state([node.state for node in parts])
    counts = Counter(node.raw_state for node in parts)
    labels = parts[0].labels
    facts = {"compose file": labels.get(CONFIG_LABEL, ""), "folder": labels.get(FOLDER_LABEL, "")}
    return Node(
        id=project_id(source, name),
        kind="project",
        name=name,
        source=source,
        state=state,
        raw_state=", ".join(f"{word}({count})" for word, count in sorted(counts.items())),
        reason=_reason(parts),
        created=min((node.created for node in parts if node.created), default=None),
        actions=tuple(action for action in OF_PROJECT if any(action in node.actions for node in parts)),
        offers=("logs", "describe", "events"),
        facts={key: value for key, value in facts.items() if value},
        observed_at=now,
    )


def _state(states: Sequence[State]) -> State:
    """Of all alike that state; with trouble in a part of it degraded; else the most lively."""
    first = states[0]
    if all(state is first for state in states):
        return first
    if any(state in TROUBLE for state in states):
        return State.DEGRADED
    for state in (State.PENDING, State.STOPPING, State.RUNNING):
        if state in states:
            return state
    return State.STOPPED


def _reason(members: Sequence[Node]) -> str:
    troubled = [node for node in members if node.state in TROUBLE]
    running = sum(node.state is State.RUNNING for node in members)
    if troubled:
        more = f" and {len(troubled) - 1} more" if len(troubled) > 1 else ""
        return f"{troubled[0].name}: {troubled[0].reason}{more}"
    return "" if running in {0, len(members)} else f"{running} of {len(members)} running"


def waves(members: Iterable[Entry]) -> list[list[Entry]]:
    """The members in the order to start them: each wave needs only those before it. Stop them in reverse.

    What `docker compose run` left is no part of it. Services that wait for each other make one wave.
    """
    services: dict[str, list[Entry]] = {}
    needs: dict[str, set[str]] = {}
    for entry in members:
        labels = entry.labels or {}
        if labels.get(ONE_OFF_LABEL) == "True":
            continue
        service = labels.get(SERVICE_LABEL, entry.name)
        services.setdefault(service, []).append(entry)
        depends = labels.get(DEPENDS_LABEL, "").split(",")
        needs.setdefault(service, set()).update(item.partition(":")[0] for item in depends if item)
    sorter = TopologicalSorter({service: wanted & services.keys() for service, wanted in needs.items()})
    try:
        sorter.prepare()
    except CycleError:
        return [[entry for entries in services.values() for entry in entries]]
    order = []
    while sorter.is_active():
        ready = sorter.get_ready()
        order.append([entry for service in sorted(ready) for entry in services[service]])
        sorter.done(*ready)
    return order
