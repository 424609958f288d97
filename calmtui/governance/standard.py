"""Standard changes: what is done so often and so safely that it needs no approval within its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from calmtui.estate.model import StandardChange
from calmtui.fleet.node import Node


def fitting(
    declared: Sequence[StandardChange],
    action: str,
    nodes: Sequence[Node],
    compiled: Callable[[str], Callable[[Node], bool]],
) -> StandardChange | None:
    """The standard change that a plan is: its action, no more nodes than it may be, all of them in its scope."""
    for change in declared:
        if change.action == action and len(nodes) <= change.at_most and all(map(compiled(change.scope), nodes)):
            return change
    return None
