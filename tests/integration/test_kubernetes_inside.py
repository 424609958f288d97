"""Looking into a cluster's containers: commands, shells, descriptions and events."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from calmtui.fleet.node import State
from calmtui.providers.base import MASK, Misconfigured, ShellChannel
from calmtui.transport.exec import UNWATCHED
from tests.integration.commands import run
from tests.integration.kubernetes_live import TALK, delete_namespace, job, live, namespace, pod, until, workload
from tests.integration.program import ARGV, write_estate
from tests.lab.docker import DockerEngine
from tests.lab.kube import Kube

SPACE = "inside"
SECRET = "hunter2-correct-horse"


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    environment = [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "PORT", "value": "8080"}]
    kube.apply(
        workload("Deployment", "web", SPACE, {"command": ["sh", "-c", TALK]}, replicas=2),
        job("count", SPACE, "echo done"),
        pod("two", SPACE, {"name": "a", "env": environment}, {"name": "b", "command": ["sh", "-c", TALK]}),
        pod("crash", SPACE, {"command": ["sh", "-c", "echo dying; exit 3"]}),
    )
    kube.kubectl("-n", SPACE, "wait", "--for=condition=Ready", "pod/two", "--timeout=30s")
    kube.kubectl("-n", SPACE, "wait", "--for=condition=Available", "deploy/web", "--timeout=30s")
    yield kube
    delete_namespace(kube, SPACE)


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
