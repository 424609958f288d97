"""Strategy: in which order nodes are begun, how many at once, and when no further one may be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TypeVar

from calmtui.actions import batches
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.runbooks.declared import OnFailure, Rolled, Rolling, Strategy

ALL_AT_ONCE = 64
"""How many nodes at once under the strategy `all`: no more connections are opened than that."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Course:
    """A strategy, worked out for the nodes of a run."""

    stages: tuple[tuple[Node, ...], ...]
    """The batches."""
    parallel: int
    max_failed: int | None
    """How many nodes may fail before `on_failure` holds; None: all."""
    min_healthy: int
    """How many nodes have to run while others are under way."""
    pause: float
    """Seconds between two batches."""


def course(strategy: Strategy, nodes: Iterable[Node], on_failure: OnFailure) -> Course:
    """What a strategy comes to for these nodes."""
    if strategy == "one at a time":
        rolling = Rolling(batches=["1"], parallel=1)
    elif isinstance(strategy, Rolled):
        rolling = strategy.rolling
    else:
        rolling = Rolling(parallel=ALL_AT_ONCE)
    ordered = _ordered(nodes, rolling.order)
    total = len(ordered)
    max_failed = batches.budget(rolling.max_failed or ("" if on_failure == "continue" else "0"), total)
    pause = seconds(rolling.pause) if rolling.pause else None
    return Course(
        tuple(cut(ordered, batches.sizes(rolling.batches, total))), rolling.parallel, max_failed,
        batches.least(rolling.min_healthy or "", total), pause or 0.0,
    )  # fmt: skip


def cut(items: Sequence[Item], sizes: Iterable[int]) -> Iterable[tuple[Item, ...]]:
    """The items in pieces of those sizes."""
    begin = 0
    for size in sizes:
        yield tuple(items[begin : begin + size])
        begin += size


def _ordered(nodes: Iterable[Node], order: str) -> list[Node]:
    named = sorted(nodes, key=lambda node: (node.name, node.id))
    if order == "reverse":
        return named[::-1]
    if order == "spread":
        regions: dict[str, list[Node]] = {}
        for node in named:
            regions.setdefault(node.region, []).append(node)
        turns = zip_longest(*(regions[name] for name in sorted(regions)))
        return [node for node in chain.from_iterable(turns) if node is not None]
    return named
