"""Which nodes serve customers, by the names that environments go by."""

from __future__ import annotations

from calmtui.fleet.node import Node

PRODUCTION = frozenset({"production", "prod", "prd", "live"})
"""Names of environments that serve customers, in lower case."""


def is_production(node: Node) -> bool:
    """Whether it serves customers, by the name of its environment."""
    return node.env.lower() in PRODUCTION
