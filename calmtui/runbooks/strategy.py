"""Course: what a strategy comes to for the nodes of a run, worked out once for its plan. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TypeVar

import msgspec

from calmtui.actions import batches
from calmtui.errors import UsageError
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.strategies import BlueGreen, Canaried, Canary, OnFailure, Paced, Rolled, Rolling, Strategy

ALL_AT_ONCE = 64
"""How many nodes at once under the strategy `all`: no more connections are opened than that."""
ZONES = ("zone", "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
"""The labels that name the zone of a node."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Course:
    """A strategy, worked out for the nodes of a run."""

    stages: tuple[tuple[Node, ...], ...]
    """The batches."""
    parallel: int
    max_failed: int | None
    """How many nodes may fail before `on_failure` holds; None: all."""
    min_healthy: int = 0
    """How many nodes have to run while others are under way."""
    pause: float = 0.0
    """Seconds between two batches."""
    phases: tuple[Phase, ...] = ()
    """What is done one after the other, where it is not all steps on one batch after the other."""


def course(strategy: Strategy, nodes: Iterable[Node], on_failure: OnFailure) -> Course:
    """What a strategy other than blue and green comes to for these nodes."""
    if strategy == "one at a time":
        paced: Paced = Rolling(batches=["1"], parallel=1)
    elif isinstance(strategy, Rolled):
        paced = strategy.rolling
    elif isinstance(strategy, Canaried):
        paced = strategy.canary
    else:
        paced = Rolling(parallel=ALL_AT_ONCE)
    ordered = _ordered(nodes, paced.order)
    total = len(ordered)
    max_failed = batches.budget(paced.max_failed or ("" if on_failure == "continue" else "0"), total)
    parts = paced.stages if isinstance(paced, Canary) else paced.batches if isinstance(paced, Rolling) else []
    stages = tuple(cut(ordered, batches.sizes(parts, total)))
    pause = seconds(paced.pause) if isinstance(paced, Rolling) and paced.pause else None
    phases = _canary(paced, len(stages)) if isinstance(paced, Canary) else ()
    healthy = batches.least(paced.min_healthy or "", total)
    return Course(stages, paced.parallel, max_failed, healthy, pause or 0.0, phases)


def _canary(canary: Canary, count: int) -> tuple[Phase, ...]:
    """All steps on a batch, then the gates on all batches so far."""
    hold = seconds(canary.hold) or 0.0
    gated = [Phase(f"batch {index + 1}", (index,), None, tuple(range(index + 1)), hold) for index in range(count - 1)]
    return (*gated, Phase(f"batch {count}", (count - 1,)))


def sides(
    declared: BlueGreen, nodes: Iterable[Node], blue: Callable[[Node], bool], green: Callable[[Node], bool]
) -> Course:
    """What blue and green come to for these nodes; the keys of steps are `up-1`, `switch-1`, `retire-1`.

    Raises UsageError when a node is on both sides, or none on one of them.
    """
    ordered = _ordered(nodes, "name")
    on_green, on_blue = [node for node in ordered if green(node)], [node for node in ordered if blue(node)]
    if both := [node.name for node in on_green if node in on_blue]:
        raise UsageError(f"{both[0]} is both blue and green", next_step="no node may be selected by both queries")
    if not on_green or not on_blue:
        side, query = ("blue", declared.blue) if on_green else ("green", declared.green)
        raise UsageError(f"none of the {len(ordered)} targets is {side}: {query}")
    others = [node for node in ordered if node not in on_green and node not in on_blue]
    named = [(name, side) for name, side in (("green", on_green), ("the others", others), ("blue", on_blue)) if side]
    gated = (0,) if declared.gates else ()
    written = {"up": declared.up, "switch": declared.switch, "retire": declared.retire}
    keys = {name: tuple(f"{name}-{number}" for number in range(1, len(steps) + 1)) for name, steps in written.items()}
    switches = [Phase(f"switch {name}", (index,), keys["switch"]) for index, (name, _) in enumerate(named)]
    switches[-1] = msgspec.structs.replace(switches[-1], gated=gated, hold=seconds(declared.hold) or 0.0)
    retire = [Phase("retire", (len(named) - 1,), keys["retire"], last=True)] if declared.retire else []
    return Course(
        tuple(tuple(side) for _, side in named), declared.parallel,
        batches.budget(declared.max_failed or "0", len(ordered)),
        phases=(Phase("up", (0,), keys["up"], gated), *switches, *retire),
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
        zones: dict[str, list[Node]] = {}
        for node in named:
            zones.setdefault(_zone(node), []).append(node)
        turns = zip_longest(*(zones[name] for name in sorted(zones)))
        return [node for node in chain.from_iterable(turns) if node is not None]
    return named


def _zone(node: Node) -> str:
    """What fails together with a node."""
    return next((node.labels[key] for key in ZONES if node.labels.get(key)), node.region)
