"""Outcome: what became of one node of a plan. Failure of one among many is a value, never an exception."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from calmtui.fleet.node import Node, NodeId


class Status(StrEnum):
    """Where one node of a plan stands."""

    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    UNCHANGED = "unchanged"
    """It was so already: nothing was sent to it."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Nothing was sent to it; the detail says why."""
    DENIED = "denied"
    """Policy forbids it for this node."""
    UNKNOWN = "unknown"
    """It may or may not have happened: the connection died, or it was interrupted."""

    @property
    def final(self) -> bool:
        """Whether nothing more will come."""
        return self not in (Status.QUEUED, Status.RUNNING)


REASONED = frozenset({Status.FAILED, Status.SKIPPED, Status.DENIED, Status.UNKNOWN})
"""Statuses that are never told without a reason."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One node, at one moment of an execution."""

    node: Node
    """As it was when the plan was made."""
    status: Status = Status.QUEUED
    detail: str = ""
    """What came of it, or why not; always given for what is skipped, failed or unknown. Safe for a terminal."""
    started: float | None = None
    """Seconds since the epoch; None when it never began."""
    took: float | None = None
    """Seconds; None until it has ended."""

    def __post_init__(self) -> None:
        if self.status in REASONED and not self.detail:
            raise ValueError(f"an outcome that is {self.status} needs a reason")


def tally(outcomes: list[Outcome]) -> dict[Status, int]:
    """How many stand where, in the order of `Status`; only what there is."""
    counts = {status: sum(outcome.status is status for outcome in outcomes) for status in Status}
    return {status: count for status, count in counts.items() if count}


def names(nodes: Iterable[Node]) -> Mapping[NodeId, str]:
    """What to call each node where all of them are listed: its name, or its id where two have the same name."""
    nodes = list(nodes)
    count = Counter(node.name for node in nodes)
    return {node.id: node.name if count[node.name] == 1 else node.id for node in nodes}
