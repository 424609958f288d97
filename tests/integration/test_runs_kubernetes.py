"""`kubernetes` steps on a real cluster, checked with kubectl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calmtui.actions.outcome import Status
from calmtui.runbooks.journal import Event, Run, Standing
from tests.integration.carrying import Carried, Estate
from tests.integration.kubernetes_live import delete_namespace, namespace, until, workload
from tests.lab.kube import Kube

SPACE = "steps"


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    yield kube
    delete_namespace(kube, SPACE)


@pytest.fixture
async def estate(cluster: Kube, tmp_path: Path) -> Any:
    """With a deployment `web` of one pod."""
    cluster.apply(workload("Deployment", "web", SPACE))
    cluster.kubectl("-n", SPACE, "rollout", "status", "deployment/web", "--timeout=90s")
    sources = f"  lab: {{provider: kubernetes, kubeconfig: {cluster.kubeconfig}, namespaces: [{SPACE}]}}\n"
    async with Estate(tmp_path, sources) as opened:
        await until(lambda: opened.live.fleet.get(f"k8s:lab/{SPACE}/deployment/web"))
        yield opened
    cluster.kubectl("-n", SPACE, "delete", "deployment/web")


def field(cluster: Kube, path: str) -> str:
    return cluster.kubectl("-n", SPACE, "get", "deployment/web", "-o", f"jsonpath={{{path}}}")


def ends(ran: Carried) -> list[tuple[Status, str]]:
    return [(status, detail) for _, status, detail in ran.ends()]


def steps(*bodies: str) -> str:
    lines = "".join(f"  - kubernetes: {body}\n" for body in bodies)
    return f"targets: kind=deployment and name=web\nsteps:\n{lines}"


async def test_a_workload_is_scaled_its_image_set_and_waited_for(cluster: Kube, estate: Estate) -> None:
    container = field(cluster, ".spec.template.spec.containers[0].name")
    image = field(cluster, ".spec.template.spec.containers[0].image")
    wait = "{rollout: status, timeout: 60s}"
    ran = await estate.carry(
        "parameters: {n: {type: integer, default: 2}}\n"
        + steps("{scale: '{{ n }}'}", "{scale: 2}", wait, f"{{set_image: {{{container}: '{image}'}}}}")
    )
    assert ran.sentences[0].startswith("scale to 2 replicas; scale to 2 replicas; wait until it has rolled out, 60s")
    assert ends(ran) == [
        (Status.OK, "scaled from 1 to 2"), (Status.UNCHANGED, "so already"),
        (Status.OK, "2 replicas, all new and available"), (Status.UNCHANGED, "so already"),
    ]  # fmt: skip
    cluster.kubectl("-n", SPACE, "patch", "deployment/web", "-p", '{"spec": {"progressDeadlineSeconds": 5}}')
    ran = await estate.carry(steps(f"{{set_image: {{{container}: 'nowhere.invalid/none:1'}}}}", wait))
    (_, changed), (status, detail) = ends(ran)
    assert changed == f"{container}: {image} → nowhere.invalid/none:1"
    assert status is Status.FAILED
    assert "progress" in detail  # as its controller says, after its deadline
    assert (field(cluster, ".spec.replicas"), ran.run.standing) == ("2", Standing.FAILED)


async def test_what_was_interrupted_is_looked_up_and_a_container_misnamed_is_told(
    cluster: Kube, estate: Estate
) -> None:
    node = f"k8s:lab/{SPACE}/deployment/web"

    def interrupted(run: Run) -> None:
        estate._journal.append(run.id, [Event(node, "1", Status.RUNNING, at=1.0, attempt=1)])

    ran = await estate.carry(steps("{scale: 1}", "{set_image: {wbe: 'x:1'}}"), interrupted)
    assert ends(ran)[0] == (Status.OK, "it was interrupted; looked up: it is so")
    assert "there is no container 'wbe'; its containers: " in ends(ran)[1][1]


async def test_manifests_are_applied_and_fields_of_others_are_theirs(cluster: Kube, estate: Estate) -> None:
    cluster.kubectl("-n", SPACE, "delete", "configmap", "settings", "other", "--ignore-not-found")
    (estate.folder / "config.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {version: '{{ version }}'}\n"
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b}\n"
    )
    text = "parameters: {version: {default: '1'}}\n" + steps("{apply: config.yaml}", "{apply: config.yaml}")
    ran = await estate.carry(text)
    assert ends(ran) == [
        (Status.OK, "ConfigMap settings created, ConfigMap other created"), (Status.UNCHANGED, "so already"),
    ]  # fmt: skip
    ran = await estate.carry(text, version="2")
    assert ends(ran) == [(Status.OK, "ConfigMap settings changed"), (Status.UNCHANGED, "so already")]
    got = json.loads(cluster.kubectl("-n", SPACE, "get", "configmap/settings", "-o", "json"))
    assert got["data"] == {"version": "2"}

    manifest = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web},\\n spec: {replicas: 3}}"
    ours = f'{{apply: "{manifest}"FORCE}}'
    ran = await estate.carry(steps(ours.replace("FORCE", "")))
    assert ran.sentences == ["apply Deployment web"]
    ((status, detail),) = ends(ran)
    assert status is Status.FAILED
    assert "conflict" in detail
    assert "'force: true'" in detail
    ran = await estate.carry(steps(ours.replace("FORCE", ", force: true")))
    assert (ends(ran), field(cluster, ".spec.replicas")) == ([(Status.OK, "Deployment web changed")], "3")
    ran = await estate.carry(steps('{apply: "apiVersion: shop/v1\\nkind: Cart\\nmetadata: {name: a}"}'))
    assert "the cluster has no Cart of shop/v1" in ends(ran)[0][1]
