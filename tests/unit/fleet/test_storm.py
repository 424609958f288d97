"""A storm of changes leaves nothing behind: memory depends on what is there, not on what happened."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.grouping import grouping
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.outline import Outline
from calmtui.fleet.source import SourceStatus
from calmtui.fleet.update import Change, Delta, Ready, Snapshot

PODS = 800
BATCHES = 20
"""In a second; each replaces five pods by others and alters fifteen, with their containers: fifty changes."""


def made(number: int, state: State = State.RUNNING) -> list[Node]:
    """A pod of a namespace, a container in it; every tenth number begins another namespace and label."""
    space = f"k8s:lab/space-{number // 10:07}"
    pod = f"{space}/pod/web-{number:07}"
    labels = {"run": f"{number // 10:07}"}
    return [
        Node(pod, "pod", f"web-{number:07}", "lab", space, state, labels=labels),
        Node(f"{pod}/main", "container", "main", "lab", pod, state, labels=labels),
    ]


@pytest.mark.parametrize("by", ["source", "label.run"])
def test_seconds_of_a_thousand_changes_leave_memory_as_it_was(by: str) -> None:
    dice, fleet = random.Random(7), Fleet()
    fleet.set_source(SourceStatus("lab", "kubernetes"))
    fleet.apply("lab", [Snapshot("pod", [node for number in range(PODS) for node in made(number)]), Ready()])
    outline = Outline(fleet, grouping(by))
    changed: set[NodeId] = set()

    def note(changes: list[Change]) -> None:
        changed.update(change.node.id for change in changes)

    fleet.subscribe(note)
    oldest, newest = 0, PODS

    def second() -> None:
        nonlocal oldest, newest
        for _ in range(BATCHES):
            gone = [node.id for number in range(oldest, oldest + 5) for node in made(number)]
            put = [node for number in range(newest, newest + 5) for node in made(number)]
            oldest, newest = oldest + 5, newest + 5
            altered = dice.sample(range(oldest, newest), 15)
            put += [node for number in altered for node in made(number, dice.choice(list(State)))]
            fleet.apply("lab", [Delta("pod", put, gone)])
            outline.refresh(changed)
            changed.clear()

    tracemalloc.start()
    try:
        for _ in range(20):  # every pod there was at the beginning has been replaced, every dictionary has its size
            second()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(8):
            second()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(fleet) == 2 * PODS
    assert after - before < 0.03 * before
    assert outline.census == Outline(fleet, grouping(by)).census
