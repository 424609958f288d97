"""Columns: what a row of the tree tells of a node beside name, age and note, chosen for each kind: one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from calmtui.fleet.node import Node


@dataclass(frozen=True)
class Column:
    """One figure of a node."""

    width: int
    """Cells, with the blank behind it."""
    read: Callable[[Node], str]
    """Its text; empty when the source does not say."""


def _fact(name: str, width: int, before: str = "") -> Column:
    return Column(width, lambda node: f"{before}{told}" if (told := node.facts.get(name, "")) else "")


def _share(name: str, width: int, before: str) -> Column:
    """The percentage of a fact such as `3.1 of 7.6 GiB, 41 %`."""

    def read(node: Node) -> str:
        found = re.search(r"(\d+) %", node.facts.get(name, ""))
        return f"{before}{found[1]}%" if found else ""

    return Column(width, read)


def _load(node: Node) -> str:
    return f"load {node.facts['load'].partition(' ')[0]}" if node.facts.get("load") else ""


def _restarts(node: Node) -> str:
    return f"{node.restarts}x" if node.restarts else ""


def _sub_state(node: Node) -> str:
    """`running` of systemd's `active (running)`."""
    return node.raw_state.partition("(")[2].removesuffix(")")


_ADDRESS = Column(16, lambda node: node.addresses[0] if node.addresses else "")
_IMAGE = Column(22, lambda node: node.image.rpartition("/")[2])
_READY, _RESTARTS = _fact("ready", 6), Column(6, _restarts)

BY_KIND: dict[str, tuple[Column, ...]] = {
    "pod": (_READY, _RESTARTS, _fact("node", 18)),
    "deployment": (_fact("replicas", 6), _fact("updated", 12, "updated ")),
    "statefulset": (_fact("replicas", 6),),
    "daemonset": (_READY,),
    "job": (_fact("succeeded", 10, "done "), _fact("failed", 10, "failed ")),
    "node": (_fact("roles", 16), _fact("type", 14)),
    "instance": (_fact("type", 12), _fact("zone", 12), _ADDRESS),
    "region": (_fact("running", 12, "running "),),
    "host": (Column(11, _load), _share("memory", 9, "mem "), _share("disk /", 10, "disk ")),
    "container": (_IMAGE, _fact("status", 18)),
    "unit": (Column(12, _sub_state), _RESTARTS),
}
"""The columns of each kind, the most important first: where it is narrow the last ones go."""


Cells = tuple[tuple[str, int], ...]
"""Text and width of each column of a node."""


def cells(node: Node) -> Cells:
    """What the columns of its kind tell of a node."""
    return tuple([(column.read(node), column.width) for column in BY_KIND.get(node.kind, ())])


def fitting(told: Cells, room: int) -> Cells:
    """As many of them as have room, from the first."""
    found = []
    for text, width in told:
        room -= width
        if room < 0:
            break
        found.append((text, width))
    return tuple(found)
