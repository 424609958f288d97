"""Blueprints in a file, and nodes for them."""

from __future__ import annotations

from pathlib import Path

from calmtui.blueprints.bind import Bound, bind
from calmtui.blueprints.load import load_file
from calmtui.blueprints.members import Members, members
from calmtui.fleet.node import Node, State
from calmtui.fleet.query import compile_query


def bound(folder: Path, text: str, environment: str = "test") -> Bound:
    """A blueprint called x in an environment."""
    (folder / "x.yaml").write_text(f"blueprint: x\nsummary: s\n{text}")
    return bind(load_file(folder / "x.yaml"), environment)


def node(name: str, service: str, env: str = "test", state: State = State.RUNNING, **fields: object) -> Node:
    """A container of a service."""
    return Node(f"docker:e/{name}", "container", name, "e", service=service, env=env, state=state, **fields)  # type: ignore[arg-type]


def who(blueprint: Bound, *nodes: Node) -> Members:
    """Who of the nodes is in which tier."""
    return members(blueprint, nodes, compile_query)
