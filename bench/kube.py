"""5,000 pods of a real API server into a fleet, beside `kubectl get pods -A`; each in a process of its own.

Both times are of whole processes, from their start to the end of the listing: calmtui's includes its
imports, the login and the six other kinds that it lists beside the pods. Needs the lab (`tests/lab`).
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.report import report

PODS = 5000
NAMESPACES = 10
ROUNDS = 5
AT_ONCE = 32
"""Requests under way together while the pods are made."""

CHILD = """
import asyncio, sys
from pathlib import Path
from calmtui import providers
from calmtui.fleet.fleet import Fleet
from calmtui.providers.base import Opening
from calmtui.providers.gather import Gatherer

async def main():
    provider = providers.load("kubernetes")
    options = provider.options()(kubeconfig=sys.argv[1])
    fleet = Fleet()
    async with Gatherer(fleet, [provider.open(Opening("bench", options, Path("/")))]) as gatherer:
        assert await gatherer.settled(60)
        status = fleet.sources["bench"]
        assert not status.error, status.error
        print(sum(node.kind == "pod" for node in fleet), status.took_ms, flush=True)

asyncio.run(main())
"""


def main(argv: list[str]) -> None:
    """`python -m bench kube [KUBECONFIG]`: on that cluster, else on the lab's API server, which is started."""
    kubeconfig = Path(argv[0]) if argv else _lab()
    asyncio.run(_make_pods(kubeconfig))
    ours, theirs, connected = [], [], []
    for _ in range(ROUNDS):
        theirs.append(_kubectl(kubeconfig))
        seconds, took_ms = _calmtui(kubeconfig)
        ours.append(seconds)
        connected.append(took_ms / 1000)
    peer = statistics.median(theirs)
    report(
        "kube", f"process start to {PODS} pods in the fleet", statistics.median(ours), "s", "kubectl get pods -A", peer
    )
    report(
        "kube",
        f"connection to {PODS} pods in the fleet",
        statistics.median(connected),
        "s",
        "kubectl get pods -A",
        peer,
    )


def _lab() -> Path:
    from tests.lab.place import LAB, script

    script("kube-up", "api")
    return LAB / "kube" / "config"


def _kubectl(kubeconfig: Path) -> float:
    begun = time.perf_counter()
    argv = ["kubectl", "--kubeconfig", str(kubeconfig), "get", "pods", "-A", "--no-headers"]
    listed = subprocess.run(argv, check=True, capture_output=True)
    seconds = time.perf_counter() - begun
    assert listed.stdout.count(b"\n") >= PODS
    return seconds


def _calmtui(kubeconfig: Path) -> tuple[float, int]:
    begun = time.perf_counter()
    listed = subprocess.run([sys.executable, "-c", CHILD, str(kubeconfig)], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    pods, took_ms = map(int, listed.stdout.split())
    assert pods >= PODS
    return seconds, took_ms


async def _make_pods(kubeconfig: Path) -> None:
    """Create what is missing. No scheduler or kubelet ever sees the pods; their status is written for them."""
    from calmtui.providers.kubernetes.connect import Api
    from calmtui.providers.kubernetes.errors import Conflict

    api = Api("bench", kubeconfig, None, connect_timeout=10, request_timeout=60)
    turn = asyncio.Semaphore(AT_ONCE)

    async def create(path: str, body: dict[str, Any]) -> bool:
        try:
            async with turn:
                await api.change("POST", path, body)
        except Conflict:
            return False
        return True

    async def pod(number: int) -> None:
        path = f"/api/v1/namespaces/bench-{number % NAMESPACES}/pods"
        name = f"web-7d9f8c6b54-{number:05}"
        if await create(path, _pod(name, number)):
            async with turn:
                await api.change("PATCH", f"{path}/{name}/status", {"status": _status(number)}, patch="merge")

    try:
        for number in range(NAMESPACES):
            await create("/api/v1/namespaces", {"metadata": {"name": f"bench-{number}"}})
        await asyncio.gather(*map(pod, range(PODS)))
    finally:
        await api.close()


def _pod(name: str, number: int) -> dict[str, Any]:
    labels = {"app": f"app-{number % 50}", "env": "prod", "pod-template-hash": "7d9f8c6b54"}
    variables = [{"name": f"SETTING_{index}", "value": "some value"} for index in range(8)]
    container = {"name": "main", "image": "registry.example/shop/web:1.2.3", "env": variables}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {"example.com/note": "x" * 200}},
        "spec": {"schedulerName": "nobody", "automountServiceAccountToken": False, "containers": [container]},
    }


def _status(number: int) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    container = {
        "name": "main",
        "ready": True,
        "started": True,
        "restartCount": number % 3,
        "image": "web:1.2.3",
        "imageID": "sha256:0",
        "state": {"running": {"startedAt": now}},
    }
    return {
        "phase": "Running",
        "podIP": f"10.1.{number // 250}.{number % 250}",
        "conditions": conditions,
        "containerStatuses": [container],
    }
