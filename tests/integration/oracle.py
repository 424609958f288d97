"""Comparing a fleet, node by node and field by field, with what another program says of the same backend.

The truth is made in the tests, from that program's JSON, in the most straightforward way; nothing of a
provider is used for it.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health

Truth = dict[str, dict[str, Any]]
"""By node id, the fields that are stated, by name. What is not stated is not compared."""

WITHIN = 10.0
"""Seconds in which a fleet must equal its backend again after a restart."""

_GIVEN = os.environ.get("ORACLE_SEED", "20261121")
SEED = random.SystemRandom().randrange(1_000_000) if _GIVEN == "random" else int(_GIVEN)
"""Of the storms: the same ones every time, unless ORACLE_SEED is another number or `random`."""


def storm_of(name: str) -> random.Random:
    """The dice of one storm; pytest shows the line when the test fails."""
    print(f"{name}: again with ORACLE_SEED={SEED}")
    return random.Random(f"{name} {SEED}")


async def agrees(fleet: Fleet, look: Callable[[], Truth], *sources: str, within: float = WITHIN) -> float:
    """Wait until every source is live and its nodes are what `look` says; the seconds that it took.

    `look` blocks, and gives the truth of all `sources` together. Both sides may still be moving, so the
    truth is asked for again each time.
    """
    began = time.monotonic()
    while True:
        truth = await asyncio.to_thread(look)
        found = [*_unwell(fleet, sources), *differences(fleet, truth, sources)]
        took = time.monotonic() - began
        if not found:
            return took
        if took > within:
            shown = "\n  ".join(found[:40])
            raise AssertionError(f"after {took:.1f} s {len(found)} differences, with ORACLE_SEED={SEED}:\n  {shown}")
        await asyncio.sleep(0.1)


def differences(fleet: Fleet, truth: Truth, sources: Iterable[str]) -> list[str]:
    """What the fleet has too much, too little, or otherwise than the truth; empty when they are equal."""
    known = {node.id: node for node in fleet if node.source in sources}
    found = [f"ghost: {node_id} ({known[node_id].raw_state})" for node_id in sorted(known.keys() - truth.keys())]
    found += [f"missing: {node_id}" for node_id in sorted(truth.keys() - known.keys())]
    for node_id in sorted(known.keys() & truth.keys()):
        found += _different(known[node_id], truth[node_id])
    return found + _astray(fleet, known)


def _different(node: Node, fields: Mapping[str, Any]) -> list[str]:
    return [
        f"{node.id}: {name} is {getattr(node, name)!r}, truly {value!r}"
        for name, value in fields.items()
        if getattr(node, name) != value
    ]


def _astray(fleet: Fleet, known: Mapping[str, Node]) -> list[str]:
    """What is not once, and in one place, in the fleet's own books."""
    children = {(parent, child) for parent, beneath in fleet.children.items() for child in beneath}
    parents = {(node.parent, node.id) for node in fleet if node.parent}
    found = [f"hangs wrongly: {child} under {parent}" for parent, child in children ^ parents]
    found += [f"stale: {node_id}" for node_id, node in known.items() if fleet.is_stale(node)]
    for name in {node.source for node in known.values()}:
        count = sum(node.source == name for node in known.values())
        if fleet.sources[name].nodes != count:
            found.append(f"{name} says it has {fleet.sources[name].nodes} nodes, and has {count}")
    return found


def _unwell(fleet: Fleet, sources: Iterable[str]) -> list[str]:
    statuses = [fleet.sources[name] for name in sources]
    return [f"{status.name} is {status.health}: {status.error}" for status in statuses if status.health != Health.LIVE]
