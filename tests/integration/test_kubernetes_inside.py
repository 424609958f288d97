"""Looking into a cluster's containers: their logs, commands, shells, descriptions and events."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import msgspec
import pytest

from calmtui.fleet.node import Node, State
from calmtui.providers.base import (
    MASK,
    Forbidden,
    LogChunk,
    LogRequest,
    Misconfigured,
    NodeGone,
    ShellChannel,
)
from calmtui.providers.kubernetes import lives
from calmtui.transport.exec import UNWATCHED
from tests.integration.commands import run
from tests.integration.kubernetes_live import TALK, Live, delete_namespace, job, live, namespace, pod, until, workload
from tests.integration.program import ARGV, write_estate
from tests.lab.docker import DockerEngine
from tests.lab.kube import Kube
from tests.lab.kube_proxy import kube_proxy

SPACE = "inside"
SECRET = "hunter2-correct-horse"


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    environment = [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "PORT", "value": "8080"}]
    kube.apply(
        workload("Deployment", "web", SPACE, {"command": ["sh", "-c", TALK]}, replicas=2),
        pod("two", SPACE, {"name": "a", "env": environment}, {"name": "b", "command": ["sh", "-c", TALK]}),
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


async def test_a_command_gives_its_output_and_exit_status(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        two = lab.node(f"{SPACE}/pod/two")
        done = await run(lab.source, two, ["echo out; echo err >&2; exit 7"])
        assert (done.exit_status, done.stdout, done.stderr) == (7, b"out\n", b"err\n")
        assert 0 < done.took < 10

        arguments = ["printf", "%s|", "a b", "$HOME", "*", "'", ""]
        assert (await run(lab.source, two, arguments)).stdout == b"a b|$HOME|*|'||"

        in_b = await run(lab.source, lab.node(f"{SPACE}/pod/two/b"), ["ps | grep -c '[e]cho \"line'"])
        assert in_b.stdout.strip() != b"0"


async def test_a_command_is_given_its_input_to_the_last_byte(cluster: Kube) -> None:
    data = bytes(range(256)) * 4096  # 1 MiB, several frames
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        two = lab.node(f"{SPACE}/pod/two")
        echoed = await run(lab.source, two, ["cat"], stdin=data)
        assert (echoed.exit_status, echoed.stdout == data) == (0, True)
        assert (await run(lab.source, two, ["wc", "-c"], stdin=b"")).stdout.strip() == b"0"
        assert (await run(lab.source, two, ["exit 3"], stdin=b"unread")).exit_status == 3


async def test_a_command_that_takes_too_long_is_ended_in_the_container_too(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        two = lab.node(f"{SPACE}/pod/two")
        for command in (["sleep 4711"], ["sleep", "4711"]):
            with pytest.raises(TimeoutError):
                await run(lab.source, two, command, timeout=1)

        left = "0"
        for _ in range(50):
            left = (await run(lab.source, two, ["ps | grep -c '[s]leep 4711'"])).stdout.decode().strip()
            if left == "0":
                break
            await asyncio.sleep(0.1)
        assert left == "0"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "ctrl-c"])
def test_nothing_runs_on_in_a_pod(cluster: Kube, tmp_path: Path, how: signal.Signals) -> None:
    source = f"{{provider: kubernetes, kubeconfig: {cluster.kubeconfig}, namespaces: [{SPACE}]}}"
    estate = write_estate(tmp_path, f"name: lab\nsources:\n  prod: {source}\n")
    line = "setsid sleep 5711 & sleep 5712 & trap '' TERM; while :; do sleep 5713; done"

    def seen() -> str:
        return cluster.kubectl("-n", SPACE, "exec", "two", "-c", "a", "--", "ps")

    argv = [*ARGV, "-i", str(estate), "exec", "name=two and kind=pod", "--", line]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        awaited(lambda: all(f"sleep 571{number}" in seen() for number in (1, 2, 3)))
        program.send_signal(how)
        program.communicate(timeout=60)
    awaited(lambda: "sleep 571" not in seen())


def awaited(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


async def test_a_program_runs_in_an_image_without_a_shell(
    cluster: Kube, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    busybox = shutil.which("busybox")
    assert busybox
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        for name in ("sleep", "echo"):
            archive.add(busybox, f"bin/{name}")
    docker_engine.cli("import", str(tmp_path / "image.tar"), "shell-less:latest")
    cluster.apply(pod("shell-less", SPACE, {"image": "shell-less:latest", "command": ["/bin/sleep", "1000"]}))
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        await until(lambda: (seen := lab.find(f"{SPACE}/pod/shell-less")) and seen.state is State.RUNNING)
        node = lab.node(f"{SPACE}/pod/shell-less")
        done = await run(lab.source, node, ["/bin/echo", "a", "b"])
        assert (done.exit_status, done.stdout, done.note) == (0, b"a b\n", UNWATCHED)
        with pytest.raises(Misconfigured, match="no shell"):
            await run(lab.source, node, ["echo a"])


async def test_a_command_that_the_image_does_not_hold_fails_with_its_name(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        two = lab.node(f"{SPACE}/pod/two")
        assert (await run(lab.source, two, ["no-such-command"])).exit_status == 127
        try:
            done = await run(lab.source, two, ["no-such-command", "x"])
        except Misconfigured as error:  # as containerd has it
            assert "no-such-command" in str(error)
        else:  # as Docker has it
            assert done.exit_status in (126, 127)
            assert b"no-such-command" in done.stdout + done.stderr


async def output_until(shell: ShellChannel, wanted: bytes) -> bytes:
    """What a shell writes up to something that it should."""
    seen = b""
    async with asyncio.timeout(45):
        while wanted not in seen:
            piece = await shell.read()
            assert piece, f"it ended after {seen!r}"
            seen += piece
    return seen


async def test_a_shell_has_a_terminal_that_can_be_resized_and_an_exit_status(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        shell = await lab.source.shell(lab.node(f"{SPACE}/pod/two"), term="xterm-256color", columns=100, rows=30)
        # The kubelet sets the size just after it has started the shell.
        shell.write(b"sleep 1; stty size; echo =$TERM=\n")
        assert b"30 100" in await output_until(shell, b"=xterm-256color=")

        shell.resize(132, 50)
        shell.write(b"sleep 0.3; stty size; echo done$((1+1))\n")
        assert b"50 132" in await output_until(shell, b"done2")

        shell.write(b"exit 42\n")
        while await shell.read():
            pass
        assert await shell.close() == 42


async def test_a_shell_that_is_closed_leaves_nothing_behind(cluster: Kube) -> None:
    tasks = asyncio.all_tasks()
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        shell = await lab.source.shell(lab.node(f"{SPACE}/pod/two/a"), term="xterm", columns=80, rows=24)
        await output_until(shell, b"# ")
        assert await shell.close() is None
    assert asyncio.all_tasks() == tasks


# -- looking closer -----------------------------------------------------------------


async def test_a_description_is_the_object_with_its_secrets_masked(cluster: Kube) -> None:
    async with live(cluster.kubeconfig, namespaces=[SPACE]) as lab:
        for path in ("pod/two", "pod/two/a", "deployment/web", "job/count"):
            described = await lab.source.describe(lab.node(f"{SPACE}/{path}"))
            assert SECRET not in json.dumps(described)
            assert "managedFields" not in json.dumps(described)
        two = await lab.source.describe(lab.node(f"{SPACE}/pod/two"))
        assert two["spec"]["containers"][0]["env"] == [
            {"name": "DB_PASSWORD", "value": MASK},
            {"name": "PORT", "value": "8080"},
        ]
        part = await lab.source.describe(lab.node(f"{SPACE}/pod/two/b"))
        assert (part["spec"]["name"], part["status"]["ready"]) == ("b", True)
        assert (await lab.source.describe(lab.node(SPACE)))["metadata"]["name"] == SPACE


async def test_events_tell_what_happened_to_a_node_oldest_first(cluster: Kube) -> None:
    async with live(cluster.kubeconfig) as lab:
        await until(lambda: lab.node(f"{SPACE}/pod/crash").raw_state == "CrashLoopBackOff", timeout=30)
        crash = await lab.source.events(lab.node(f"{SPACE}/pod/crash"))
        assert {"Scheduled", "Started", "BackOff"} <= {event.reason for event in crash}
        assert [event.at for event in crash] == sorted(event.at for event in crash)
        assert {event.reason for event in crash if event.trouble} >= {"BackOff"}

        inside = await lab.source.events(lab.node(f"{SPACE}/pod/two/b"))
        assert {event.reason for event in inside} >= {"Created", "Started"}
        assert len(inside) < len(await lab.source.events(lab.node(f"{SPACE}/pod/two")))
        # The kubelet may register as ready at once, without an event for it; it always tells that it starts.
        assert "Starting" in {event.reason for event in await lab.source.events(lab.node("node/lab-node"))}
        assert len(await lab.source.events(lab.node(SPACE))) > len(crash)


async def test_a_viewer_reads_logs_but_opens_no_shell(cluster: Kube) -> None:
    async with live(cluster.viewer_kubeconfig, namespaces=[SPACE]) as lab:
        node = lab.node(f"{SPACE}/pod/two/b")
        assert node.state is State.RUNNING
        assert (await all_of(lab, node, LogRequest(tail=1, follow=False)))[""]
        with pytest.raises(Forbidden, match=r"user viewer cannot \S+ pods/exec in inside"):
            await lab.source.shell(node, term="xterm", columns=80, rows=24)
