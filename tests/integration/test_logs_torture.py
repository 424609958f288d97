"""Numbered lines through the death of containers, engines and API servers: once each, in order, gaps only where true.

What is written is numbered by a counter that outlives each life of the container, so that a line that is missing
or comes twice cannot hide. Nothing here depends on how long something takes.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from calmtui.fleet.node import Node
from calmtui.providers.base import LogChunk, LogRequest, Logs
from calmtui.providers.docker import logs as docker_logs
from calmtui.providers.docker.frames import split_time
from calmtui.providers.kubernetes import lives
from tests.integration import docker_live, kubernetes_live
from tests.lab.docker import DockerEngine
from tests.lab.kube import Kube

pytestmark = pytest.mark.timeout(400)

PATIENCE = 120.0
WRITER = """
n=$(cat /count/n 2>/dev/null || echo 0)
while :; do
  if [ -e /count/halt ]; then sleep 2147483647; fi
  if [ -e /count/stop ]; then rm /count/stop; exit 3; fi
  i=0
  while [ $i -lt 20 ]; do n=$((n+1)); i=$((i+1)); if [ $((n % 2)) = 0 ]; then echo $n; else echo $n >&2; fi; done
  echo $n > /count/next; mv /count/next /count/n
  sleep 0.05
done
"""
"""Counts on both streams; what it counted to is kept in /count/n, twenty at a time. Ends, or says nothing more, when
it is told to."""


class Numbers:
    """A followed log of numbers."""

    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []

    def of(self, stream: str = "") -> list[int]:
        return [int(text) for chunk in self.chunks if chunk.stream == stream for _, text in chunk.lines]

    @property
    def notes(self) -> list[str]:
        return [chunk.note for chunk in self.chunks if chunk.note]

    @property
    def gaps(self) -> list[str]:
        return [chunk.note for chunk in self.chunks if chunk.gap]

    async def more(self, count: int = 40, stream: str = "") -> None:
        """Wait until so many more have come."""
        have = len(self.of(stream))
        await until(lambda: len(self.of(stream)) >= have + count)


async def until(look: Callable[[], object]) -> None:
    await docker_live.until(look, timeout=PATIENCE)


@asynccontextmanager
async def followed(source: Logs, node: Node) -> AsyncIterator[Numbers]:
    numbers = Numbers()

    async def collect() -> None:
        async with aclosing(source.logs(node, LogRequest(tail=None))) as chunks:
            async for chunk in chunks:
                numbers.chunks.append(chunk)

    task = asyncio.create_task(collect())
    try:
        yield numbers
    except AssertionError as error:
        error.add_note(f"{len(numbers.of())} numbers had come; notes: {numbers.notes}")
        raise
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def assert_once_each(numbers: list[int]) -> None:
    """None twice and none missing; the two pipes of a container race, so neighbours may have changed places."""
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    for parity in (0, 1):
        one_stream = [number for number in numbers if number % 2 == parity]
        assert one_stream == sorted(one_stream)


def kept(engine: DockerEngine, name: str) -> list[tuple[int | None, bytes]]:
    """What the engine has kept of both streams, in its order."""
    argv = ["docker", "-H", engine.host, "logs", "-t", name]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True, timeout=60)
    return [split_time(line) for line in done.stdout.splitlines()]


async def test_containers_and_the_engine_die_again_and_again(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_logs, "FIRST_WAIT", 0.2)
    engine, name = docker_engine, "torture"
    count = tmp_path / "count"
    count.mkdir()

    def container(*args: str) -> None:
        engine.run(name, "-v", f"{count}:/count", *args, command=("sh", "-c", WRITER))

    def engine_dies() -> None:
        engine.kill()
        engine.start()
        engine.cli("start", name)

    await asyncio.to_thread(container)
    node = Node(id=f"docker:engine/{name}", kind="container", name=name, source="engine", offers=("logs",))
    source = docker_live.opened(Path("/"), host=engine.host)
    try:
        async with followed(source, node) as log:
            await log.more()
            for _ in range(2):
                (count / "stop").touch()  # the container writes its last words and ends
                await until(lambda: not (count / "stop").exists())
                await asyncio.to_thread(engine.cli, "start", name)
                await log.more()
                await asyncio.to_thread(engine_dies)
                await log.more()
            (count / "stop").touch()
            await until(lambda: "exited 3" in "".join(log.notes[-1:]))
            assert [line for chunk in log.chunks for line in chunk.lines] == kept(engine, name)
            assert log.gaps == []
    finally:
        await source.close()
        await asyncio.to_thread(engine.cli, "rm", "-f", name)


@pytest.fixture
def space(kube: Kube) -> Iterator[str]:
    """A namespace; the API server is up again after each test, however it ended."""
    yield kubernetes_live.namespace(kube, "torture")
    kube.start_api()
    kubernetes_live.delete_namespace(kube, "torture")


def counting_pod(name: str, space: str, count: Path) -> dict[str, object]:
    main = {"command": ["sh", "-c", WRITER], "volumeMounts": [{"name": "count", "mountPath": "/count"}]}
    return kubernetes_live.pod(name, space, main, volumes=[{"name": "count", "hostPath": {"path": str(count)}}])


async def test_pods_and_the_api_server_die_again_and_again(
    kube: Kube, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lives, "FIRST_PAUSE", 0.2)
    count = tmp_path / "count"
    count.mkdir()
    kube.apply(counting_pod("counter", space, count))
    kube.kubectl("-n", space, "wait", "--for=condition=Ready", "pod/counter", "--timeout=60s")
    async with (
        kubernetes_live.live(kube.kubeconfig, namespaces=[space]) as lab,
        followed(lab.source, lab.node(f"{space}/pod/counter")) as log,
    ):
        await log.more()
        for _ in range(2):
            await asyncio.to_thread(kube.kill_api)
            await asyncio.to_thread(kube.start_api)
            await log.more()
        (count / "stop").touch()
        await until(lambda: any("ended: exit 3" in note for note in log.notes))
        await log.more()
        await asyncio.to_thread(kube.kill_api)
        (count / "stop").touch()  # nobody sees it end: what it said last is in the log of the life before
        await until(lambda: not (count / "stop").exists())
        ended_at = int((count / "n").read_text())
        await until(lambda: int((count / "n").read_text()) > ended_at)  # the kubelet has restarted it by itself
        await asyncio.to_thread(kube.start_api)
        await until(lambda: sum("ended" in note for note in log.notes) == 2)
        await log.more()
        (count / "halt").touch()
        await until(lambda: len(log.of()) == int((count / "n").read_text()))
        assert_once_each(log.of())
        assert log.gaps == []


async def test_a_log_that_was_cut_off_while_it_could_not_be_read_has_a_gap(
    kube: Kube, docker_engine: DockerEngine, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lives, "FIRST_PAUSE", 0.2)
    count = tmp_path / "count"
    count.mkdir()
    kube.apply(counting_pod("rotated", space, count))
    kube.kubectl("-n", space, "wait", "--for=condition=Ready", "pod/rotated", "--timeout=60s")
    status = kube.get("-n", space, "pod", "rotated")["status"]["containerStatuses"][0]
    container = status["containerID"].removeprefix("docker://")
    path = Path(docker_engine.cli("inspect", "-f", "{{.LogPath}}", container))
    async with (
        kubernetes_live.live(kube.kubeconfig, namespaces=[space]) as lab,
        followed(lab.source, lab.node(f"{space}/pod/rotated")) as log,
    ):
        await log.more()
        await asyncio.to_thread(kube.kill_api)
        await until(lambda: int((count / "n").read_text()) > len(log.of()) + 100)
        path.write_bytes(b"")  # as a rotation leaves it
        await asyncio.to_thread(kube.start_api)
        await until(lambda: log.gaps)
        await log.more()
        numbers = log.of()
        assert len(set(numbers)) == len(numbers)
        assert any(after - before > 50 for before, after in itertools.pairwise(numbers))
        assert len(log.gaps) == 1
        assert "may be missing" in log.gaps[0]
