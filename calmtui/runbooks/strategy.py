"""Strategy: in which order nodes are begun, how many at once, and when no further one may be. Pure.

Imports pydantic, so only what reads or carries out runbooks imports this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from calmtui.actions import batches
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.runbooks.fields import Amount, Batches, Length, Strict

ALL_AT_ONCE = 64
"""How many nodes at once under the strategy `all`: no more connections are opened than that."""

Item = TypeVar("Item")


OnFailure = Literal["stop", "continue", "rollback", "ask"]


class Rolling(Strict):
    """A part of the nodes after the other."""

    batches: Batches = ["100%"]
    """How many nodes go first, how many then: `[1, 25%, 100%]`. The last counts again until none are left."""
    parallel: Annotated[int, Field(ge=1)] = 8
    """How many nodes at once, within a batch."""
    max_failed: Amount | None = None
    """How many nodes of the whole run may fail before `on_failure` holds. Unset: none; with `continue`, all."""
    min_healthy: Amount | None = None
    """How many of all the nodes have to run at any moment; no further node is begun before. A percentage is rounded
    up."""
    pause: Length | None = None
    """How long to wait between batches."""
    order: Literal["name", "reverse", "spread"] = "name"
    """In which order: by name, the other way round, or in turn from each region."""


class Rolled(Strict):
    """A strategy with settings of its own."""

    rolling: Rolling
    """A part of the nodes after the other."""


Strategy = Literal["all", "one at a time"] | Rolled


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
