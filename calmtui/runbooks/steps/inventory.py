"""The inventory of a playbook: the nodes of a batch as hosts that OpenSSH reaches as calmtui reaches them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from shlex import join
from typing import TYPE_CHECKING, Any

from calmtui.actions.commands import refusal, runs_at
from calmtui.actions.execute import replaced
from calmtui.errors import CalmError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import NodeId
from calmtui.providers.base import OpenSsh

if TYPE_CHECKING:
    from calmtui.runbooks.plan import PlannedNode


class Inventory:
    """Hosts by their names in the inventory. Two nodes that are the same host are one of them."""

    def __init__(self, groups: Iterable[str]) -> None:
        self.nodes: dict[str, list[NodeId]] = {}
        """The nodes that each host is."""
        self._groups = tuple(groups)
        self._hosts: dict[str, dict[str, Any]] = {}
        self._names: dict[NodeId, str] = {}
        """The names of hosts by their own ids."""

    def add(self, live: LiveEstate, planned: PlannedNode) -> str:
        """Take in a node; why it cannot be, or nothing."""
        node = live.fleet.get(planned.id)
        if node is None:
            return "gone"
        if changed := replaced(planned.node, node):
            return changed
        place = runs_at(live, node)
        if place is None:
            return refusal(live, node)
        source = live.source(place)
        if not isinstance(source, OpenSsh):
            return f"ansible reaches hosts over SSH, and this is a {place.kind}"
        if place.id not in self._names:
            taken = place.name in self._hosts
            name = re.sub(r"[^\w.-]", "_", place.id) if taken else place.name
            try:
                way = source.openssh(place)
            except CalmError as error:
                return str(error)
            self._names[place.id] = name
            self._hosts[name] = {"ansible_connection": "ssh", "ansible_host": way.host,
                                 "ansible_ssh_common_args": join(way.options)}  # fmt: skip
            self._hosts[name] |= {"ansible_user": way.user} if way.user else {}
            self._hosts[name] |= {"ansible_port": way.port} if way.port else {}
        self.nodes.setdefault(self._names[place.id], []).append(planned.id)
        return ""

    @property
    def ids(self) -> list[NodeId]:
        """The nodes that are in it."""
        return [node_id for ids in self.nodes.values() for node_id in ids]

    @property
    def declared(self) -> dict[str, Any]:
        """As ansible reads it."""
        members: dict[str, dict[str, str]] = {name: {} for name in self._hosts}
        children = {group: {"hosts": members} for group in self._groups if group != "all"}
        return {"all": {"hosts": self._hosts, "children": children}}
