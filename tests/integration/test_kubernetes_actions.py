"""What can be done to a cluster, each act checked with kubectl."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.fleet.node import State
from calmtui.providers.base import Forbidden, NodeGone, OutcomeUnknown, SourceError
from tests.integration.commands import run
from tests.integration.kubernetes_live import delete_namespace, job, live, namespace, pod, until, workload
from tests.lab.kube import Kube

SPACE = "acts"


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    yield kube
    delete_namespace(kube, SPACE)


def field(cluster: Kube, path: str, *what: str) -> str:
    return cluster.kubectl("-n", SPACE, "get", *what, "-o", f"jsonpath={{{path}}}")


async def test_a_rollout_restart_replaces_the_pods_of_every_kind_of_workload(cluster: Kube) -> None:
    cluster.apply(
        workload("Deployment", "web", SPACE),
        workload("StatefulSet", "db", SPACE, serviceName="db"),
        workload("DaemonSet", "agent", SPACE, replicas=None),
    )
    kinds = {"deployment": "web", "statefulset": "db", "daemonset": "agent"}
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        for kind, name in kinds.items():
            await until(lambda path=f"{SPACE}/{kind}/{name}": lab.node(path).state is State.RUNNING)
        before = {node.id: node.created for node in lab.fleet if node.kind == "pod"}

        for kind, name in kinds.items():
            assert "begun" in await lab.source.act(lab.node(f"{SPACE}/{kind}/{name}"), "rollout-restart", {})

        for kind, name in kinds.items():
            cluster.kubectl("-n", SPACE, "rollout", "status", kind, name, "--timeout=30s")
        stamps = field(cluster, ".items[*].spec.template.metadata.annotations", "deploy,sts,ds")
        assert stamps.count("restartedAt") == len(kinds)

        def replaced() -> bool:
            now = {node.id: node.created for node in lab.fleet if node.kind == "pod"}
            return len(now) == len(kinds) and not set(now.items()) & set(before.items())

        await until(replaced)


async def test_a_paused_rollout_is_not_restarted_in_silence(cluster: Kube) -> None:
    cluster.apply(workload("Deployment", "paused", SPACE, replicas=0, paused=True))
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        with pytest.raises(SourceError, match="paused"):
            await lab.source.act(lab.node(f"{SPACE}/deployment/paused"), "rollout-restart", {})

    assert "restartedAt" not in field(cluster, ".spec.template.metadata", "deploy/paused")


async def test_a_scaled_deployment_has_as_many_pods_and_can_be_scaled_back(cluster: Kube) -> None:
    cluster.apply(workload("Deployment", "elastic", SPACE))
    path = f"{SPACE}/deployment/elastic"
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        assert await lab.source.act(lab.node(path), "scale", {"replicas": "3"}) == "scaled from 1 to 3"
        await until(lambda: len(lab.under(path)) == 3 and lab.node(path).state is State.RUNNING)
        assert field(cluster, ".spec.replicas", "deploy/elastic") == "3"

        assert await lab.source.act(lab.node(path), "scale", {"replicas": "3"}) == "has 3 replicas already"
        assert await lab.source.act(lab.node(path), "scale", {"replicas": "0"}) == "scaled from 3 to 0"
        await until(lambda: not lab.under(path) and lab.node(path).state is State.STOPPED)
        assert field(cluster, ".spec.replicas", "deploy/elastic") == "0"


async def test_a_deleted_pod_is_gone_with_its_containers_and_its_deployment_makes_another(cluster: Kube) -> None:
    cluster.apply(workload("Deployment", "phoenix", SPACE))
    path = f"{SPACE}/deployment/phoenix"
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        await until(lambda: lab.node(path).state is State.RUNNING)
        old = lab.under(path)[0]

        await lab.source.act(old, "delete", {})

        await until(lambda: old.id not in lab.fleet.nodes and lab.node(path).state is State.RUNNING)
        assert not [node for node in lab.fleet if node.parent == old.id]
        names = field(cluster, ".items[*].metadata.name", "pods", "-l", "app=phoenix").split()
        assert names == [lab.under(path)[0].name] != [old.name]
        with pytest.raises(NodeGone, match=old.name):
            await lab.source.act(old, "delete", {})


async def test_a_deleted_job_or_workload_takes_its_pods_along(cluster: Kube) -> None:
    cluster.apply(job("once", SPACE, "true"), workload("Deployment", "doomed", SPACE))
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        await until(lambda: lab.node(f"{SPACE}/job/once").raw_state == "Complete")
        await until(lambda: lab.node(f"{SPACE}/deployment/doomed").state is State.RUNNING)

        await lab.source.act(lab.node(f"{SPACE}/job/once"), "delete", {})
        await lab.source.act(lab.node(f"{SPACE}/deployment/doomed"), "delete-workload", {})

        await until(lambda: not [node for node in lab.fleet if node.name.startswith(("once", "doomed"))])
        left = field(cluster, ".items[*].metadata.name", "jobs,deploy,pods").split()
        assert not [name for name in left if name.startswith(("once", "doomed"))]


async def test_a_machine_is_cordoned_and_uncordoned(cluster: Kube) -> None:
    async with live(cluster.kubeconfig) as lab:
        await lab.source.act(lab.node("node/lab-node"), "cordon", {})
        assert cluster.kubectl("get", "node", "lab-node", "-o", "jsonpath={.spec.unschedulable}") == "true"
        await until(lambda: "cordoned" in lab.node("node/lab-node").reason)

        assert "uncordon" in lab.node("node/lab-node").actions
        await lab.source.act(lab.node("node/lab-node"), "uncordon", {})
        assert cluster.kubectl("get", "node", "lab-node", "-o", "jsonpath={.spec.unschedulable}") == ""
        await until(lambda: lab.node("node/lab-node").reason == "")


async def test_a_drain_keeps_budgets_and_daemon_sets_and_says_what_remained(cluster: Kube) -> None:
    budget = {
        "apiVersion": "policy/v1beta1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "guarded", "namespace": SPACE},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}},
    }
    cluster.kubectl("-n", SPACE, "delete", "deploy,sts,ds,jobs,pods", "--all", "--wait")
    cluster.apply(
        budget,
        workload("Deployment", "guarded", SPACE),
        workload("Deployment", "free", SPACE),
        workload("DaemonSet", "stays", SPACE, replicas=None),
        pod("bare", SPACE),
    )
    running = ("deployment/guarded", "deployment/free", "daemonset/stays", "pod/bare")
    async with live(cluster.kubeconfig) as lab:
        await until(lambda: all(lab.find(f"{SPACE}/{path}") for path in running))
        await until(lambda: all(lab.node(f"{SPACE}/{path}").state is State.RUNNING for path in running))
        await until(lambda: field(cluster, ".status.currentHealthy", "pdb/guarded") == "1")
        machine = lab.node("node/lab-node")
        try:
            with pytest.raises(SourceError, match=r"nothing evicted: nothing would recreate .*acts/bare"):
                await lab.source.act(machine, "drain", {"timeout": "20"})
            assert lab.find(f"{SPACE}/pod/bare")

            with pytest.raises(SourceError, match=r"not evicted: acts/guarded-\S+ \(.*disruption budget") as caught:
                await lab.source.act(machine, "drain", {"timeout": "8", "force": "true"})
            assert "free" not in str(caught.value)

            left = json.loads(cluster.kubectl("-n", SPACE, "get", "pods", "-o", "json"))["items"]
            on_machine = {item["metadata"]["labels"]["app"] for item in left if item["spec"].get("nodeName")}
            assert on_machine == {"guarded", "stays"}

            cluster.kubectl("-n", SPACE, "delete", "pdb", "guarded")
            drained = await lab.source.act(machine, "drain", {"timeout": "60", "force": "true"})
            assert drained == "cordoned, 1 pod evicted"
            assert await lab.source.act(machine, "drain", {}) == "cordoned, no pods to evict"
        finally:
            cluster.kubectl("uncordon", "lab-node")
            cluster.kubectl("-n", SPACE, "delete", "deploy,ds", "--all", "--wait=false")


async def test_a_viewer_is_told_what_may_not_be_done_and_nothing_happens(cluster: Kube) -> None:
    cluster.apply(pod("precious", SPACE), workload("Deployment", "kept", SPACE))
    async with live(cluster.viewer_kubeconfig, namespaces=[SPACE]) as lab:
        await until(lambda: lab.find(f"{SPACE}/pod/precious") and lab.find(f"{SPACE}/deployment/kept"))
        refused = {
            ("pod/precious", "delete"): "user viewer cannot delete pods in acts",
            ("deployment/kept", "delete-workload"): "user viewer cannot delete deployments in acts",
            ("deployment/kept", "rollout-restart"): "user viewer cannot patch deployments in acts",
        }
        for (path, action), said in refused.items():
            with pytest.raises(Forbidden) as caught:
                await lab.source.act(lab.node(f"{SPACE}/{path}"), action, {})
            assert caught.value.what == said
        with pytest.raises(Forbidden, match="user viewer cannot patch deployments/scale in acts"):
            await lab.source.act(lab.node(f"{SPACE}/deployment/kept"), "scale", {"replicas": "5"})

        await until(lambda: lab.node(f"{SPACE}/pod/precious").state is State.RUNNING)
        with pytest.raises(Forbidden, match=r"user viewer cannot (get|create) pods/exec in acts"):
            await run(lab.source, lab.node(f"{SPACE}/pod/precious"), ["true"])

    assert field(cluster, ".status.phase", "pod/precious") == "Running"
    assert field(cluster, ".spec.replicas", "deploy/kept") == "1"


async def test_an_act_that_gets_no_answer_is_unknown_rather_than_failed(cluster: Kube, tmp_path: Path) -> None:
    """A server that takes the request and dies: nobody can say whether it was carried out."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    cluster.apply(pod("limbo", SPACE))
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        await until(lambda: lab.find(f"{SPACE}/pod/limbo"))
        limbo = lab.node(f"{SPACE}/pod/limbo")
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        config = tmp_path / "config"
        config.write_text(cluster.kubeconfig.read_text().replace("https://127.0.0.1:16443", f"http://127.0.0.1:{port}"))
        async with live(config, namespaces=[SPACE]) as lab:
            with pytest.raises(OutcomeUnknown):
                await lab.source.act(limbo, "delete", {})
