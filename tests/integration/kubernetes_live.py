"""A Kubernetes source gathered into a fleet, and objects for it to show."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node
from calmtui.fleet.source import SourceStatus
from calmtui.providers.base import Opening
from calmtui.providers.gather import Gatherer
from calmtui.providers.kubernetes import PROVIDER
from calmtui.providers.kubernetes.source import KubernetesSource
from tests.lab.kube import Kube, pod_spec

Seen = TypeVar("Seen")
Object = dict[str, Any]

TALK = 'i=0; while true; do echo "line $i"; i=$((i+1)); sleep 0.1; done'
"""A container's command that writes ten numbered lines a second."""


class Live:
    """A source named `lab` with its fleet."""

    def __init__(self, source: KubernetesSource, fleet: Fleet) -> None:
        self.source = source
        self.fleet = fleet

    @property
    def status(self) -> SourceStatus:
        return self.fleet.sources["lab"]

    def node(self, path: str) -> Node:
        """The node whose id ends in `NS/KIND/NAME`, `node/NAME` or `NS`."""
        return self.fleet.nodes[f"k8s:lab/{path}"]

    def find(self, path: str) -> Node | None:
        return self.fleet.nodes.get(f"k8s:lab/{path}")

    def under(self, path: str, kind: str = "pod") -> list[Node]:
        """The nodes of a kind right below a node, by name."""
        below = [self.fleet.nodes[node_id] for node_id in self.fleet.children.get(f"k8s:lab/{path}", ())]
        return sorted((node for node in below if node.kind == kind), key=lambda node: node.name)


async def until(look: Callable[[], Seen], timeout: float = 60.0) -> Seen:
    """Wait until a look gives something true, and return it."""
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s; it came to {seen!r}")
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def live(kubeconfig: Path, **options: Any) -> AsyncIterator[Live]:
    """A source, gathered; entered when it has answered or failed."""
    source = PROVIDER.open(Opening("lab", PROVIDER.options()(kubeconfig=kubeconfig, **options), Path("/")))
    assert isinstance(source, KubernetesSource)
    fleet = Fleet()
    async with Gatherer(fleet, [source]) as gatherer:
        assert await gatherer.settled(20)
        yield Live(source, fleet)


def namespace(cluster: Kube, name: str) -> str:
    """An empty namespace of that name, also where an earlier run left one."""
    cluster.kubectl("delete", "namespace", name, "--ignore-not-found")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def pod(name: str, space: str, *containers: Object, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": space, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(*containers, **spec)}


def workload(kind: str, name: str, space: str, *containers: Object, replicas: int | None = 1, **spec: Any) -> Object:
    """A Deployment, StatefulSet, DaemonSet (`replicas` None) of pods labelled `app: NAME`."""
    labels = {"app": name}
    count = {} if replicas is None else {"replicas": replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": space},
        "spec": {
            **count,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec(*containers)},
            **spec,
        },
    }


def job(name: str, space: str, command: str) -> Object:
    template = pod_spec({"command": ["sh", "-c", command]}, restartPolicy="Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": space},
        "spec": {"backoffLimit": 0, "template": {"spec": template}},
    }


def delete_namespace(cluster: Kube, name: str) -> None:
    cluster.kubectl("delete", "namespace", name, "--wait=false")
