"""The logs of a cluster's containers, pods and workloads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from calmtui.fleet.node import Node, State
from calmtui.providers.base import Forbidden, LogChunk, LogRequest, NodeGone
from calmtui.providers.kubernetes import lives
from tests.integration.commands import run
from tests.integration.kubernetes_live import TALK, Live, delete_namespace, job, live, namespace, pod, until, workload
from tests.lab.kube import Kube
from tests.lab.kube_proxy import kube_proxy

SPACE = "logs"


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    kube.apply(
        workload("Deployment", "web", SPACE, {"command": ["sh", "-c", TALK]}, replicas=2),
        pod("two", SPACE, {"name": "a"}, {"name": "b", "command": ["sh", "-c", TALK]}),
        pod("crash", SPACE, {"command": ["sh", "-c", "echo dying; exit 3"]}),
        job("count", SPACE, "for i in $(seq 5000); do echo line $i; done"),
        pod("stuck", SPACE, {"image": "nowhere:none"}),
    )
    kube.kubectl("-n", SPACE, "wait", "--for=condition=Ready", "pod/two", "--timeout=30s")
    kube.kubectl("-n", SPACE, "wait", "--for=condition=Available", "deploy/web", "--timeout=30s")
    kube.kubectl("-n", SPACE, "wait", "--for=condition=Complete", "job/count", "--timeout=30s")
    yield kube
    delete_namespace(kube, SPACE)


async def all_of(lab: Live, node: Node, request: LogRequest) -> dict[str, list[bytes]]:
    """Every line of a log that ends, by stream; notes are lines in brackets."""
    found: dict[str, list[bytes]] = {}
    async with aclosing(lab.source.logs(node, request)) as chunks:
        async for chunk in chunks:
            found.setdefault(chunk.stream, []).extend(text for _, text in chunk.lines)
            if chunk.note:
                found[chunk.stream].append(f"[{chunk.note}]".encode())
    return found


class Following:
    """A log being followed in the background."""

    def __init__(self, lab: Live, node: Node, request: LogRequest) -> None:
        self.chunks: list[LogChunk] = []
        self._task = asyncio.create_task(self._read(lab, node, request))

    async def _read(self, lab: Live, node: Node, request: LogRequest) -> None:
        async with aclosing(lab.source.logs(node, request)) as chunks:
            async for chunk in chunks:
                self.chunks.append(chunk)

    @property
    def ended(self) -> bool:
        return self._task.done()

    @property
    def notes(self) -> list[str]:
        return [chunk.note for chunk in self.chunks if chunk.note]

    @property
    def streams(self) -> set[str]:
        return {chunk.stream for chunk in self.chunks if chunk.lines}

    def numbers(self, stream: str) -> list[int]:
        """The numbers of the `line N` lines of a stream."""
        texts = [text for chunk in self.chunks if chunk.stream == stream for _, text in chunk.lines]
        return [int(text.removeprefix(b"line ")) for text in texts]

    async def __aenter__(self) -> Following:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_log_is_what_kubectl_prints_with_times_in_nanoseconds(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        node = lab.under(f"{SPACE}/job/count")[0]
        chunks = [chunk async for chunk in lab.source.logs(node, LogRequest(tail=None, follow=False))]

    lines = [line for chunk in chunks for line in chunk.lines]
    printed = cluster.kubectl("-n", SPACE, "logs", node.name).splitlines()
    assert [text.decode() for _, text in lines] == printed
    assert len(lines) == 5000
    assert len(chunks) < 500, "lines come in large pieces"
    times = [at for at, _ in lines if at is not None]
    assert times == sorted(times)
    assert node.created
    assert all(node.created - 1 < at / 1e9 < node.created + 60 for at in times)
    assert len(set(times)) > 1000, "finer than a second"


async def test_tail_and_since_say_where_a_log_begins(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        node = lab.under(f"{SPACE}/job/count")[0]
        assert await all_of(lab, node, LogRequest(tail=2, follow=False)) == {"": [b"line 4999", b"line 5000"]}

        chunks = [chunk async for chunk in lab.source.logs(node, LogRequest(tail=None, follow=False))]
        lines = [line for chunk in chunks for line in chunk.lines]
        middle = lines[2500][0]
        assert middle is not None
        since = await all_of(lab, node, LogRequest(tail=None, since=middle / 1e9, follow=False))
        assert abs(len(since[""]) - 2500) < 100  # a float of seconds is not exact to the nanosecond


async def test_a_pods_log_is_its_containers_and_a_namespaces_is_its_pods(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        of_pod = await all_of(lab, lab.node(f"{SPACE}/pod/two"), LogRequest(tail=3, follow=False))
        assert set(of_pod) == {"b"}
        assert len(of_pod["b"]) == 3

        of_container = await all_of(lab, lab.node(f"{SPACE}/pod/two/b"), LogRequest(tail=3, follow=False))
        assert set(of_container) == {""}

        of_all = await all_of(lab, lab.node(SPACE), LogRequest(tail=1, follow=False))
        assert {"two/b", "crash", "stuck"} <= set(of_all)
        assert of_all["crash"] == [b"dying"]
        assert of_all["stuck"] == [b"[has not started: ErrImageNeverPull]"]
        assert len([stream for stream in of_all if stream.startswith("web-")]) == 2


async def test_a_followed_deployment_takes_in_new_pods_and_tells_of_those_that_end(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        path = f"{SPACE}/deployment/web"
        async with Following(lab, lab.node(path), LogRequest(tail=1)) as log:
            await until(lambda: len(log.streams) == 2)
            old = lab.under(path)[0]
            cluster.kubectl("-n", SPACE, "delete", "pod", old.name, "--wait=false")

            await until(lambda: len(log.streams) == 3)
            fresh = [stream for stream in log.streams if log.numbers(stream)[0] == 0]
            assert len(fresh) == 1, "a new pod is read from its first line"
            await until(lambda: any("gone" in note or "ended" in note for note in log.notes))


async def test_following_a_pod_that_ends_ends_and_says_how(cluster: Kube) -> None:
    cluster.apply(
        pod("brief", SPACE, {"command": ["sh", "-c", "echo one; sleep 1; echo two; exit 4"]}, restartPolicy="Never")
    )
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        node = await until(lambda: lab.find(f"{SPACE}/pod/brief"))
        async with asyncio.timeout(45):
            assert (await all_of(lab, node, LogRequest()))[""][-3:] == [
                b"one",
                b"two",
                b"[the container ended: exit 4 (Error)]",
            ]


async def test_a_restarted_container_is_followed_into_its_next_life(cluster: Kube) -> None:
    cluster.apply(pod("phoenix", SPACE, {"command": ["sh", "-c", "echo begun; sleep 2; exit 1"]}))
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        node = await until(lambda: lab.find(f"{SPACE}/pod/phoenix"))
        await until(lambda: "logs" in lab.node(f"{SPACE}/pod/phoenix").offers)
        async with Following(lab, node, LogRequest()) as log:
            await until(lambda: sum(len(chunk.lines) for chunk in log.chunks) >= 2, timeout=40)
            lines = [line for chunk in log.chunks for line in chunk.lines]
            assert [text for _, text in lines] == [b"begun"] * len(lines)
            assert len({at for at, _ in lines}) == len(lines), "each life is read once"
    cluster.kubectl("-n", SPACE, "delete", "pod", "phoenix", "--wait=false")


async def test_the_end_of_the_life_before_is_read_first_where_the_tail_has_room(cluster: Kube) -> None:
    """What a crash left is wanted most; it would be gone with the next restart."""
    script = "if [ -e /tmp/x ]; then echo again; sleep 1000; fi; touch /tmp/x; seq 9; echo why; exit 7"
    shared = {"volumeMounts": [{"name": "t", "mountPath": "/tmp"}], "command": ["sh", "-c", script]}
    cluster.apply(pod("crashed", SPACE, shared, volumes=[{"name": "t", "emptyDir": {}}]))
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        node = await until(lambda: lab.find(f"{SPACE}/pod/crashed"))
        await until(lambda: lab.node(f"{SPACE}/pod/crashed").restarts == 1, timeout=60)
        ended = b"[the container ended: exit 7 (Error); restarted]"
        for request in (LogRequest(tail=3, follow=False), LogRequest(tail=3, follow=True)):
            async with Following(lab, node, request) as log:
                await until(lambda log=log: any(b"again" in dict(chunk.lines).values() for chunk in log.chunks))
            texts = [text for chunk in log.chunks for _, text in [*chunk.lines, (None, f"[{chunk.note}]".encode())]]
            assert [text for text in texts if text != b"[]"] == [b"9", b"why", ended, b"again"]
        assert await all_of(lab, node, LogRequest(tail=1, follow=False)) == {"": [b"again"]}


async def test_a_log_that_is_cut_again_and_again_loses_and_doubles_nothing(
    cluster: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lives, "FIRST_PAUSE", 0.1)
    async with (
        kube_proxy(cluster, tmp_path / "config") as proxy,
        live(tmp_path / "config", namespaces=[SPACE]) as lab,
        Following(lab, lab.node(f"{SPACE}/pod/two/b"), LogRequest(tail=1)) as log,
    ):
        for cuts in range(1, 5):
            have = len(log.numbers(""))
            await until(lambda have=have: len(log.numbers("")) > have + 3)
            proxy.cut()
            await until(lambda cuts=cuts: sum("reconnected after" in note for note in log.notes) >= cuts)
        have = len(log.numbers(""))
        await until(lambda: len(log.numbers("")) > have + 3)

        numbers = log.numbers("")
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert not any(chunk.gap for chunk in log.chunks)


async def test_the_log_of_a_pod_that_is_gone_says_so(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        gone = msgspec.structs.replace(lab.node(f"{SPACE}/pod/two"), id=f"k8s:lab/{SPACE}/pod/never", name="never")
        with pytest.raises(NodeGone):
            await all_of(lab, gone, LogRequest(follow=False))
        with pytest.raises(NodeGone):
            await run(lab.source, gone, ["true"])


# -- commands ---------------------------------------------------------------------


async def test_a_viewer_reads_logs_but_opens_no_shell(cluster: Kube) -> None:
    async with live(cluster.viewer_kubeconfig, namespaces=[SPACE]) as lab:
        node = lab.node(f"{SPACE}/pod/two/b")
        assert node.state is State.RUNNING
        assert (await all_of(lab, node, LogRequest(tail=1, follow=False)))[""]
        with pytest.raises(Forbidden, match=r"user viewer cannot \S+ pods/exec in logs"):
            await lab.source.shell(node, term="xterm", columns=80, rows=24)
