"""A cluster as a live tree: what kubectl does shows, and what fails is said and mended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from calmtui.fleet.node import State
from calmtui.fleet.source import Health
from calmtui.providers.kubernetes import inventory, watch
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.errors import Expired
from calmtui.providers.kubernetes.kinds import KINDS, NAMESPACE
from calmtui.providers.kubernetes.watch import Collection, list_all, watch_once
from tests.integration.kubernetes_live import (
    delete_namespace,
    job,
    live,
    namespace,
    pod,
    until,
    workload,
)
from tests.lab.kube import Kube
from tests.lab.kube_proxy import kube_proxy

SPACE = "watched"


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    yield kube
    delete_namespace(kube, SPACE)


@pytest.fixture(scope="module")
def forgetful(cluster: Kube) -> Kube:
    """The cluster after its API server has begun anew: it remembers no version from before."""
    cluster.kill_api()
    cluster.start_api()
    return cluster


GUEST = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "guest", "namespace": SPACE},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    "subjects": [{"kind": "User", "name": "guest"}],
}
"""A user who may see one namespace."""


def listed(cluster: Kube, kind: str) -> set[str]:
    """`namespace/name` of every object of a kind, as kubectl has them."""
    items = json.loads(cluster.kubectl("get", kind, "-A", "-o", "json"))["items"]
    return {f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}" for item in items}


async def test_the_tree_is_what_kubectl_lists(cluster: Kube) -> None:
    cluster.apply(
        workload("Deployment", "web", SPACE, {"name": "main"}, {"name": "side"}, replicas=2),
        workload("StatefulSet", "db", SPACE, serviceName="db"),
        workload("DaemonSet", "agent", SPACE, replicas=None),
        job("once", SPACE, "true"),
        pod("bare", SPACE),
    )
    async with live(cluster.kubeconfig) as lab:
        await until(lambda: len(lab.under(f"{SPACE}/deployment/web")) == 2)
        await until(lambda: all(lab.under(f"{SPACE}/{path}") for path in ("statefulset/db", "daemonset/agent")))
        await until(lambda: lab.node(f"{SPACE}/job/once").raw_state == "Complete")

        assert lab.status.health is Health.LIVE
        for kind in ("deployment", "statefulset", "daemonset", "job", "pod"):
            known = {"/".join(node.id.split("/")[1:4:2]) for node in lab.fleet if node.kind == kind}
            assert known == listed(cluster, f"{kind}s"), kind
        await until(  # those of another test may still be going
            lambda: {f"/{node.name}" for node in lab.fleet if node.kind == "namespace"} == listed(cluster, "namespaces")
        )
        assert [node.name for node in lab.fleet if node.kind == "node"] == ["lab-node"]

        assert "bare" in [node.name for node in lab.under(SPACE)]
        for replica in lab.under(f"{SPACE}/deployment/web"):
            containers = lab.under(replica.id.removeprefix("k8s:lab/"), "container")
            assert [node.name for node in containers] == ["main", "side"]
        assert lab.under(f"{SPACE}/job/once")[0].raw_state == "Completed"


async def test_what_happens_in_the_cluster_shows_by_itself(cluster: Kube) -> None:
    async with live(cluster.kubeconfig) as lab:
        cluster.apply(pod("crashes", SPACE, {"command": ["sh", "-c", "exit 3"]}))
        crashing = await until(lambda: lab.find(f"{SPACE}/pod/crashes"))
        await until(lambda: lab.node(f"{SPACE}/pod/crashes").raw_state in ("CrashLoopBackOff", "Error"))
        assert crashing.kind == "pod"

        cluster.apply(pod("no-image", SPACE, {"image": "nowhere:none"}))
        await until(lambda: (seen := lab.find(f"{SPACE}/pod/no-image")) and seen.state is State.FAILED)
        assert lab.node(f"{SPACE}/pod/no-image").raw_state == "ErrImageNeverPull"

        cluster.apply(pod("unplaced", SPACE, nodeSelector={"disk": "golden"}))
        await until(lambda: (seen := lab.find(f"{SPACE}/pod/unplaced")) and "Unschedulable" in seen.reason)

        cluster.kubectl("-n", SPACE, "label", "pod", "crashes", "team=shop")
        await until(lambda: lab.node(f"{SPACE}/pod/crashes").labels.get("team") == "shop")

        cluster.kubectl("-n", SPACE, "delete", "pod", "crashes", "no-image", "unplaced", "--wait=false")
        await until(lambda: not [node for node in lab.fleet if "crashes" in node.id or "unplaced" in node.id])


async def test_only_the_named_namespaces_are_listed(cluster: Kube) -> None:
    cluster.apply(pod("bare", SPACE))
    async with live(cluster.kubeconfig, namespaces=[SPACE, "default"]) as lab:
        assert {node.name for node in lab.fleet if node.kind == "namespace"} == {SPACE, "default"}
        assert lab.find(f"{SPACE}/pod/bare")
        assert lab.status.health is Health.LIVE


async def test_a_named_namespace_that_is_not_there_is_said_until_it_is(cluster: Kube) -> None:
    cluster.kubectl("delete", "namespace", "later", "--ignore-not-found")
    async with live(cluster.kubeconfig, namespaces=["later"]) as lab:
        assert lab.status.scopes == {"namespace/later": "there is no namespace later"}
        cluster.kubectl("create", "namespace", "later")
        await until(lambda: lab.find("later") and lab.status.health is Health.LIVE)
    cluster.kubectl("delete", "namespace", "later", "--wait=false")


async def test_what_a_viewer_may_not_list_is_said_and_the_rest_is_there(cluster: Kube) -> None:
    async with live(cluster.viewer_kubeconfig) as lab:
        assert lab.status.health is Health.PARTIAL
        assert lab.status.scopes == {"node": "user viewer cannot list nodes in the whole cluster"}
        assert lab.find(SPACE)
        assert [node for node in lab.fleet if node.kind == "pod"]


async def test_who_may_see_one_namespace_only_is_told_to_name_it_and_then_sees_it(
    cluster: Kube, tmp_path: Path
) -> None:
    cluster.apply(pod("bare", SPACE), GUEST)
    config = tmp_path / "config"
    async with kube_proxy(cluster, config) as proxy:
        proxy.headers["Impersonate-User"] = "guest"
        async with live(config) as lab:
            assert set(lab.status.scopes) == set(KINDS)
            assert lab.status.scopes["pod"] == (
                "user guest cannot list pods in the whole cluster; "
                "list the namespaces you may see under `namespaces` in the estate"
            )
        async with live(config, namespaces=[SPACE]) as lab:
            assert lab.find(f"{SPACE}/pod/bare")
            assert lab.node(SPACE).reason == "may not be read"
            assert set(lab.status.scopes) == {"node", f"namespace/{SPACE}"}


async def test_a_kind_that_the_cluster_does_not_serve_is_said_on_the_row(cluster: Kube, tmp_path: Path) -> None:
    async with kube_proxy(cluster, tmp_path / "config") as proxy:
        proxy.rewrite = lambda url: url.replace("/batch/v1/", "/batch/v9/")  # the API server's own answer to that

        async with live(tmp_path / "config") as lab:
            assert lab.status.health is Health.PARTIAL
            assert lab.status.scopes == {"job": "this cluster does not serve it"}
            assert lab.find(SPACE)

            proxy.rewrite = lambda url: url
            await until(lambda: lab.status.health is Health.LIVE)
            assert lab.status.error == ""


async def test_a_version_that_is_too_old_is_expired(forgetful: Kube) -> None:
    api = Api("lab", forgetful.kubeconfig, None, connect_timeout=10, request_timeout=10)
    try:
        async with aclosing(watch_once(Collection(api, NAMESPACE), "1")) as batches:
            with pytest.raises(Expired):
                await anext(batches)
    finally:
        await api.close()


async def test_after_an_expired_watch_everything_is_listed_again_without_ghosts(
    forgetful: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "FIRST_PAUSE", 0.2)
    forgetful.apply(pod("ghost", SPACE), pod("stays", SPACE))
    async with kube_proxy(forgetful, tmp_path / "config") as proxy:

        def blind(url: str) -> str:
            """The watch of pods sees nothing, and the server closes it every second."""
            if "/api/v1/pods?watch" not in url:
                return url
            return url.replace("/pods?", "/namespaces/nowhere/pods?").replace(
                "timeoutSeconds=", "timeoutSeconds=1&was="
            )

        def too_old(url: str) -> str:
            """The watch of pods asks for a version of long ago, which the API server has forgotten."""
            return url.replace("resourceVersion=", "resourceVersion=1&was=") if "/api/v1/pods?watch" in url else url

        proxy.rewrite = blind
        async with live(tmp_path / "config") as lab:
            await asyncio.to_thread(forgetful.kubectl, "-n", SPACE, "delete", "pod", "ghost", "--wait")
            watches = proxy.asked("/api/v1/pods?watch")
            await until(lambda: proxy.asked("/api/v1/pods?watch") > watches)
            assert lab.find(f"{SPACE}/pod/ghost"), "its end was not to be seen"

            proxy.rewrite = too_old
            await until(lambda: not lab.find(f"{SPACE}/pod/ghost"))
            assert lab.find(f"{SPACE}/pod/stays")
            assert (lab.status.health, lab.status.reconnects) == (Health.LIVE, 0)


async def test_watches_that_break_go_on_where_they_were(cluster: Kube, tmp_path: Path) -> None:
    cluster.apply(pod("stays", SPACE))
    async with kube_proxy(cluster, tmp_path / "config") as proxy, live(tmp_path / "config") as lab:
        lists, watches = proxy.asked("limit="), proxy.asked("watch=1")
        proxy.cut()
        await until(lambda: proxy.asked("watch=1") >= watches + len(KINDS))
        cluster.kubectl("-n", SPACE, "label", "pod", "stays", "seen=yes", "--overwrite")
        await until(lambda: lab.node(f"{SPACE}/pod/stays").labels.get("seen") == "yes")
        assert (lab.status.health, lab.status.reconnects) == (Health.LIVE, 0)
        assert proxy.asked("limit=") == lists, "nothing had to be listed again"


async def test_a_server_that_falls_silent_is_noticed_and_its_nodes_are_kept_as_stale(
    cluster: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "PULSE_SECONDS", 0.3)
    async with kube_proxy(cluster, tmp_path / "config") as proxy, live(tmp_path / "config", request_timeout=1) as lab:
        assert lab.status.health is Health.LIVE
        proxy.silent = True
        await until(lambda: lab.status.health is Health.STALE)
        assert "did not answer in time" in lab.status.error
        assert lab.find(SPACE)
        assert lab.fleet.is_stale(lab.node(SPACE))
        proxy.silent = False
        await until(lambda: lab.status.health is Health.LIVE)


async def test_a_killed_api_server_leaves_stale_nodes_and_its_return_brings_the_truth(cluster: Kube) -> None:
    cluster.apply(pod("gone-meanwhile", SPACE), pod("still-there", SPACE))
    async with live(cluster.kubeconfig) as lab:
        await until(lambda: lab.find(f"{SPACE}/pod/gone-meanwhile") and lab.find(f"{SPACE}/pod/still-there"))

        cluster.kill_api()
        await until(lambda: lab.status.health is Health.STALE)
        assert "127.0.0.1:16443" in lab.status.error
        known = {node.id for node in lab.fleet}
        assert f"k8s:lab/{SPACE}/pod/gone-meanwhile" in known

        await asyncio.to_thread(cluster.start_api)
        await asyncio.to_thread(cluster.kubectl, "-n", SPACE, "delete", "pod", "gone-meanwhile", "--wait")
        cluster.apply(pod("new-since", SPACE))
        await until(lambda: lab.status.health is Health.LIVE, timeout=40)
        await until(lambda: lab.find(f"{SPACE}/pod/new-since"))
        assert not [node.id for node in lab.fleet if "gone-meanwhile" in node.id]
        assert {node.name for node in lab.fleet if node.kind == "pod"} == {
            name.split("/")[1] for name in listed(cluster, "pods")
        }


async def test_a_listing_in_pages_is_whole(cluster: Kube) -> None:
    cluster.apply(
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"page-{number}"}} for number in range(12))
    )
    api = Api("lab", cluster.kubeconfig, None, connect_timeout=10, request_timeout=10)
    try:
        everything, _ = await list_all(Collection(api, NAMESPACE, page_size=5))
    finally:
        await api.close()
        cluster.kubectl("delete", "namespace", *(f"page-{number}" for number in range(12)), "--wait=false")
    names = [item.metadata.name for item in everything.items]
    assert len(names) == len(set(names))
    assert {f"page-{number}" for number in range(12)} <= set(names)
