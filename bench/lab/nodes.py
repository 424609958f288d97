"""An estate of any size: clusters with namespaces, five deployments in each, nineteen pods under each of those."""

from __future__ import annotations

import random

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus

CLUSTERS = 12
BEGAN = 1.79e9
"""Seconds since the epoch at which the oldest node was made."""


def cluster(number: int) -> str:
    """The name of a source."""
    return f"prod-{number:02}"


def nodes(count: int) -> list[Node]:
    """The first so many nodes; the same ones at every call."""
    rng = random.Random(7)
    made: list[Node] = []
    number = 0
    while len(made) < count:
        made += _namespace(number, rng)
        number += 1
    return made[:count]


def pod(namespace: int, deployment: int, name: str, state: State = State.RUNNING, restarts: int = 0) -> Node:
    """One pod of that deployment."""
    source, space = cluster(namespace % CLUSTERS), f"team-{namespace:04}"
    return Node(
        id=f"k8s:{source}/{space}/pod/{name}", kind="pod", name=name, source=source,
        parent=f"k8s:{source}/{space}/deployment/web-{deployment}", state=state, restarts=restarts,
        labels={"app": f"web-{deployment}", "tier": "front", "pod-template-hash": "7d9f6c5b4"},
        addresses=(f"10.{namespace >> 8 & 255}.{namespace & 255}.{restarts}",), image=f"shop/web:1.{deployment}",
        env="production" if namespace % 3 else "staging", service=f"svc-{namespace % 200}", region="eu-west-1",
        created=BEGAN + namespace, observed_at=BEGAN,
    )  # fmt: skip


def _namespace(number: int, rng: random.Random) -> list[Node]:
    source, space = cluster(number % CLUSTERS), f"team-{number:04}"
    space_id = f"k8s:{source}/{space}"
    made = [Node(space_id, "namespace", space, source, state=State.RUNNING)]
    for deployment in range(5):
        name = f"web-{deployment}"
        made.append(
            Node(f"{space_id}/deployment/{name}", "deployment", name, source, space_id, State.RUNNING, created=BEGAN)
        )
        for replica in range(19):
            state = rng.choices([State.RUNNING, State.FAILED, State.DEGRADED], [970, 20, 10])[0]
            made.append(pod(number, deployment, f"{name}-7d9f-{replica:02}{rng.randrange(10**4):04}", state, replica))
    return made


def fleet(count: int) -> Fleet:
    """A fleet of so many nodes, every source live."""
    made = Fleet()
    made.restore(nodes(count), [SourceStatus(cluster(number), "kubernetes", Health.LIVE) for number in range(CLUSTERS)])
    return made
