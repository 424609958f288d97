"""After any storm the fleet equals what kubectl says, through deaths and a pause of the API server, 410 and silence.

Two sources look at the same cluster: one directly, one through a proxy on which things go wrong.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.source import Health
from calmtui.providers.kubernetes.options import KubernetesOptions
from tests.integration.kubernetes_live import delete_namespace, job, namespace, until, workload
from tests.integration.kubernetes_storm import SPACES, Storm
from tests.integration.kubernetes_truth import truth
from tests.integration.oracle import Truth, agrees, storm_of
from tests.lab.kube import Kube
from tests.lab.kube_proxy import KubeProxy, kube_proxy, kubeconfig_authority

OPERATIONS = 510
LASTING = ("node/lab-node", *SPACES, f"{SPACES[0]}/deployment/real")
"""What no storm takes away."""


@pytest.fixture
def cluster(kube: Kube, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kube]:
    """With some real pods, which the kubelet serves."""
    monkeypatch.setattr("calmtui.providers.kubernetes.inventory.PULSE_SECONDS", 0.5)
    clear(kube)
    for space in SPACES:
        namespace(kube, space)
    kube.apply(
        workload("Deployment", "real", SPACES[0], replicas=2),
        workload("StatefulSet", "real-db", SPACES[0], serviceName="db"),
        workload("DaemonSet", "real-agent", SPACES[1], replicas=None),
        job("real-once", SPACES[1], "exit 3"),
    )
    yield kube
    clear(kube)


def clear(cluster: Kube) -> None:
    """Take away what a storm has left. Pods of machines without a kubelet never end by themselves."""
    machines = cluster.kubectl("get", "nodes", "-o", "name").split()
    cluster.kubectl("delete", "--wait=false", *(set(machines) - {"node/lab-node"}), check=len(machines) > 1)
    spaces = cluster.kubectl("get", "namespaces", "-o", "name").split()
    for space in (name.removeprefix("namespace/") for name in spaces if "oracle" in name):
        delete_namespace(cluster, space)
        cluster.kubectl("-n", space, "delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false")


@pytest.fixture
async def storm(cluster: Kube) -> AsyncIterator[Storm]:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=kubeconfig_authority(cluster)))
    async with aiohttp.ClientSession("https://127.0.0.1:16443", connector=connector) as api:
        yield Storm(api, storm_of("kubernetes"))


async def test_after_a_storm_with_two_deaths_410_silence_and_a_pause_the_fleet_is_what_kubectl_says(
    cluster: Kube, storm: Storm, tmp_path: Path
) -> None:
    def look() -> Truth:
        return truth(cluster, "direct", "proxied")

    def source(name: str, kubeconfig: Path) -> SourceSpec:
        return SourceSpec(name, "kubernetes", KubernetesOptions(kubeconfig=kubeconfig, request_timeout=1.5))

    config = tmp_path / "config"
    estate = Estate("oracle", (source("direct", cluster.kubeconfig), source("proxied", config)))
    async with kube_proxy(cluster, config) as proxy, LiveEstate(estate) as live:

        async def agree() -> None:
            await agrees(live.fleet, look, "direct", "proxied")

        await agree()
        await storm.blow(OPERATIONS // 5)
        await agree()
        await died_and_came_back(cluster, live.fleet)
        await agree()
        await storm.blow(OPERATIONS // 5)
        await with_versions_that_are_gone(proxy, storm)
        await agree()
        await with_a_hiccup(proxy, storm)
        await agree()
        await with_silence(proxy, storm, live.fleet)
        await agree()
        await storm.blow(OPERATIONS // 10)
        await died_and_came_back(cluster, live.fleet)
        await agree()
        await storm.blow(OPERATIONS // 5)
        await stopped_and_went_on(cluster, live.fleet)
        await agree()
    print(f"done: {dict(storm.done)}, refused: {dict(storm.refused)}")
    assert sum(storm.done.values()) >= 500


async def died_and_came_back(cluster: Kube, fleet: Fleet) -> None:
    """Killed; all that was known is kept, as stale, until it answers again."""
    cluster.kill_api()
    try:
        await until(lambda: all(map(fleet.is_stale, fleet)))
        assert {status.health for status in fleet.sources.values()} <= {Health.STALE, Health.PARTIAL}
        assert {f"k8s:{name}/{path}" for name in ("direct", "proxied") for path in LASTING} <= fleet.nodes.keys()
    finally:
        await asyncio.to_thread(cluster.start_api)


async def with_versions_that_are_gone(proxy: KubeProxy, storm: Storm) -> None:
    """Every watch breaks in the storm, and is told 410 when it would go on: everything is listed anew."""
    lists = proxy.asked("limit=")
    proxy.rewrite = lambda url: url.replace("resourceVersion=", "resourceVersion=1&was=")
    proxy.cut()
    await storm.blow(OPERATIONS // 10)
    await until(lambda: proxy.asked("limit=") > lists)
    proxy.rewrite = lambda url: url


async def with_a_hiccup(proxy: KubeProxy, storm: Storm) -> None:
    """Too short for anyone to notice: what happened meanwhile comes in one piece."""
    over = time.monotonic() + 0.8
    proxy.silent = True
    try:
        while time.monotonic() < over:
            await storm.blow(1)
    finally:
        proxy.silent = False


async def with_silence(proxy: KubeProxy, storm: Storm, fleet: Fleet) -> None:
    """As a network that swallows everything: no connection ends. The other source sees the storm go on."""
    proxy.silent = True
    try:
        await storm.blow(OPERATIONS // 10)
        await until(lambda: fleet.sources["proxied"].health is Health.STALE)
        assert all(fleet.is_stale(node) for node in fleet if node.source == "proxied")
        assert fleet.sources["direct"].health is Health.LIVE
    finally:
        proxy.silent = False


async def stopped_and_went_on(cluster: Kube, fleet: Fleet) -> None:
    """SIGSTOP, as of a machine that hangs."""
    cluster.signal_api(signal.SIGSTOP)
    try:
        await until(lambda: all(status.health is not Health.LIVE for status in fleet.sources.values()))
        assert all(fleet.is_stale(node) for node in fleet)
    finally:
        cluster.signal_api(signal.SIGCONT)
