"""The containers of one engine as they were last listed, and the nodes that they make.

Listings and inspections go in; what the fleet has to be told comes out. It talks to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.update import Delta, Snapshot
from calmtui.providers.docker import nodes, projects
from calmtui.providers.docker.nodes import Detail, Entry

SCOPE = "containers"
"""The one scope of an engine."""


class Table:
    """What is known of an engine's containers, all by container id."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._entries: dict[str, Entry] = {}
        self._details: dict[str, Detail] = {}
        self.engine: Node | None = None
        """The engine's own node, without counts of its containers; None: there is none to tell of."""
        self._containers: dict[str, Node] = {}
        self._projects: dict[str, Node] = {}
        """By the project's name."""
        self._stale: set[str] = set()
        """Ids of containers whose node is to be made anew."""
        self._stale_projects: set[str] = set()
        self._told: dict[NodeId, Node] = {}
        """Every node that the fleet knows from here."""

    def list_all(self, entries: Iterable[Entry]) -> None:
        """Take in a complete listing."""
        self.list_some(set(self._entries), entries)

    def list_some(self, ids: Iterable[str], entries: Iterable[Entry]) -> None:
        """Take in a listing of some containers; those of `ids` that are not among the entries are gone."""
        found = {entry.id: entry for entry in entries}
        for key in {*ids, *found}:
            self._touch(key)
            if key in found:
                self._entries[key] = found[key]
                self._touch(key)
            else:
                self._entries.pop(key, None)
                self._details.pop(key, None)

    def learn(self, details: Mapping[str, Detail]) -> None:
        """Take in what inspections told; of one that told nothing, what was known before stays."""
        for key, detail in details.items():
            if key in self._entries and (detail.state or key not in self._details):
                self._details[key] = detail
                self._touch(key)

    def puzzling(self) -> set[str]:
        """Ids of the containers whose state is not understood without an inspection, and that had none."""
        return {
            key for key, entry in self._entries.items() if key not in self._details and nodes.worth_inspecting(entry)
        }

    def unsettled(self) -> set[str]:
        """Ids of the containers that are on their way from one state to another."""
        return {key for key, entry in self._entries.items() if entry.state in {"restarting", "removing"}}

    def inspected(self) -> set[str]:
        """Ids of the containers of which an inspection has told."""
        return set(self._details)

    def outdated(self) -> set[str]:
        """Ids of the containers whose listing and inspection contradict each other: to be listed again."""
        return {
            key for key, detail in self._details.items() if detail.state and detail.state != self._entries[key].state
        }

    def snapshot(self, now: float) -> Snapshot:
        """Everything."""
        self._told = self._make(now)
        return Snapshot(SCOPE, list(self._told.values()))

    def delta(self, now: float) -> Delta:
        """What differs from what was told last."""
        before, self._told = self._told, self._make(now)
        return Delta(
            SCOPE,
            [node for node_id, node in self._told.items() if _differs(before.get(node_id), node)],
            [node_id for node_id in before if node_id not in self._told],
        )

    def _touch(self, key: str) -> None:
        self._stale.add(key)
        if key in self._entries:
            self._stale_projects.add(self._entries[key].project)

    def _make(self, now: float) -> dict[NodeId, Node]:
        for key in self._stale:
            self._containers.pop(key, None)
            if key in self._entries:
                self._containers[key] = nodes.container(self.source, self._entries[key], self._details.get(key), now)
        members: dict[str, list[Node]] = {name: [] for name in self._stale_projects if name}
        for key, entry in self._entries.items():
            if entry.project in members:
                members[entry.project].append(self._containers[key])
        for name, parts in members.items():
            self._projects.pop(name, None)
            if parts:
                self._projects[name] = projects.project(self.source, name, parts, now)
        self._stale.clear()
        self._stale_projects.clear()
        made = {node.id: node for nodes_of in (self._projects, self._containers) for node in nodes_of.values()}
        if self.engine is not None:
            made[self.engine.id] = self._counted(self.engine, now)
        return made

    def _counted(self, engine: Node, now: float) -> Node:
        running = sum(entry.state == "running" for entry in self._entries.values())
        facts = {"containers": f"{len(self._entries)}, {running} running", **engine.facts}
        return msgspec.structs.replace(engine, facts=facts, observed_at=now)


def _differs(old: Node | None, new: Node) -> bool:
    """Whether more than the time of the observation differs."""
    return old is None or (old is not new and msgspec.structs.replace(old, observed_at=new.observed_at) != new)
