"""Links: which nodes of different sources are one machine. Pure; a guess says that it is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from calmtui.fleet.node import Node

_EVERYWHERE = ("127.", "::1", "localhost", "0.0.0.0", "169.254.", "fe80:")  # noqa: S104 -- compared with, not bound to
"""Beginnings of addresses that mean another machine on each machine."""


@dataclass(frozen=True)
class Link:
    """Another node that is the same machine."""

    node: Node
    why: str
    """`same address 10.2.4.7`, or `same name, a guess`."""
    guess: bool


def host_of(instance: Node, nodes: Iterable[Node]) -> Link | None:
    """The SSH host that is a cloud instance: by a shared address, else by the same name.

    None when there is none, or when several would do and nothing tells them apart.
    """
    hosts = [node for node in nodes if node.kind == "host"]
    wanted = _telling(instance)
    sharing = [host for host in hosts if wanted & _telling(host)]
    if len(sharing) > 1:
        sharing = [host for host in sharing if host.name == instance.name]
    if len(sharing) == 1:
        address = min(wanted & _telling(sharing[0]))
        return Link(sharing[0], f"same address {address}", guess=False)
    named = [host for host in hosts if instance.name and host.name == instance.name]
    return Link(named[0], "same name, a guess", guess=True) if len(named) == 1 else None


def _telling(node: Node) -> set[str]:
    """The addresses of a node that mean the same machine wherever they are asked."""
    return {address.lower() for address in node.addresses if not address.lower().startswith(_EVERYWHERE)}
