"""An API server that dies in the middle of a drain: what is said is what kubectl shows, or that it is not known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from calmtui.actions import execute
from calmtui.actions.execute import Execution, act
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.actions.plan import filled, make
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.fleet.node import State
from tests.integration.kubernetes_live import delete_namespace, namespace, until, workload
from tests.integration.program import write_estate
from tests.integration.test_gate_faults import told
from tests.lab.kube import Kube

SPACE = "drained"
MACHINE = "k8s:lab/node/lab-node"


@pytest.fixture
def cluster(kube: Kube) -> Iterator[Kube]:
    """Three pods that can be evicted, and one that a budget holds: the drain lasts as long as that stands."""
    namespace(kube, SPACE)
    budget = {
        "apiVersion": "policy/v1beta1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "held", "namespace": SPACE},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "held"}}},
    }
    kube.apply(budget, workload("Deployment", "held", SPACE), workload("Deployment", "free", SPACE, replicas=3))
    kube.kubectl("-n", SPACE, "rollout", "status", "deploy/held", "--timeout=60s")
    kube.kubectl("-n", SPACE, "rollout", "status", "deploy/free", "--timeout=60s")
    yield kube
    kube.start_api()
    kube.kubectl("uncordon", "lab-node")
    delete_namespace(kube, SPACE)


@asynccontextmanager
async def draining(cluster: Kube, tmp_path: Path, seconds: int) -> AsyncIterator[asyncio.Task[list[Outcome]]]:
    """A drain that has evicted what it can and waits for the budget; it has so many seconds."""
    source = f"{{provider: kubernetes, kubeconfig: {cluster.kubeconfig}, namespaces: [{SPACE}]}}"
    estate = write_estate(tmp_path, f"name: lab\nledger: {tmp_path}/ledger.db\nsources:\n  lab: {source}\n")
    async with LiveEstate(load_estate(estate)) as live:
        await until(lambda: (node := live.fleet.get(MACHINE)) is not None and node.state is State.RUNNING)
        await until(lambda: on_machine(cluster) == {"free": 3, "held": 1})
        made = make("drain", [live.fleet.nodes[MACHINE]], live.actions(), is_stale=live.fleet.is_stale)
        plan = filled(made, {"timeout": str(seconds), "force": "yes"})
        execution: Execution = await act(Gate(live, read_only=False, through="command"), plan)
        task = asyncio.create_task(execution.run())
        while await asyncio.to_thread(on_machine, cluster) != {"held": 1}:
            assert not task.done(), task.result()
            await asyncio.sleep(0.2)
        yield task


def on_machine(cluster: Kube) -> dict[str, int]:
    """How many pods of each workload run on the machine, as kubectl has it."""
    pods = json.loads(cluster.kubectl("-n", SPACE, "get", "pods", "-o", "json"))["items"]
    found: dict[str, int] = {}
    for pod in pods:
        if pod["spec"].get("nodeName"):
            found[pod["metadata"]["labels"]["app"]] = found.get(pod["metadata"]["labels"]["app"], 0) + 1
    return found


async def test_a_drain_goes_on_when_the_api_server_is_back(cluster: Kube, tmp_path: Path) -> None:
    async with draining(cluster, tmp_path, 300) as task:
        await asyncio.to_thread(cluster.kill_api)
        await asyncio.sleep(3)
        assert not task.done(), task.result()
        await asyncio.to_thread(cluster.start_api)
        await asyncio.to_thread(cluster.kubectl, "-n", SPACE, "delete", "pdb", "held")
        [outcome] = await task
    said = outcome.detail.removesuffix(" evicted").removeprefix("cordoned, ")
    assert (outcome.status, said.split()[1]) == (Status.OK, "pods"), outcome
    assert on_machine(cluster) == {}
    assert cluster.get("node", "lab-node")["spec"]["unschedulable"] is True
    assert told(tmp_path / "ledger.db") == {MACHINE: "ok"}


async def test_a_drain_whose_api_server_stays_away_is_not_said_to_have_failed_or_come_off(
    cluster: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "LOOK_AGAIN", 1.0)
    async with draining(cluster, tmp_path, 20) as task:
        await asyncio.to_thread(cluster.kill_api)
        [outcome] = await task
    assert outcome.status is Status.UNKNOWN
    assert "cordoned, 3 of 4 pods accepted for eviction; what has become of them is not known" in outcome.detail
    await asyncio.to_thread(cluster.start_api)
    assert on_machine(cluster) == {"held": 1}
    assert cluster.get("node", "lab-node")["spec"]["unschedulable"] is True
    assert told(tmp_path / "ledger.db") == {MACHINE: "unknown"}
