"""`calmtui logs` over pods of a real cluster."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.kubernetes_live import delete_namespace, namespace, pod, workload
from tests.integration.program import ARGV, OnTerminal, run, write_estate
from tests.lab.kube import Kube

SPACE = "logged"
EVIL = r"\033]0;owned\007 \033[2J \033]52;c;b3duZWQ=\007 \2331m \r gone \033[31mred\033[0m"


def counting(count: int) -> dict[str, list[str]]:
    """A container that prints numbered lines as fast as it can, then stays."""
    text = f"i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done; sleep 1000"
    return {"command": ["sh", "-c", text]}


@pytest.fixture(scope="module")
def cluster(kube: Kube) -> Iterator[Kube]:
    namespace(kube, SPACE)
    kube.apply(
        pod("logs-a", SPACE, counting(2000)),
        pod("logs-b", SPACE, {"name": "main", **counting(50)}, {"name": "side", **counting(30)}),
        pod("logs-evil", SPACE, {"command": ["sh", "-c", f"printf '{EVIL}\\n'; sleep 1000"]}),
        pod("logs-live", SPACE),
        workload("Deployment", "logs-web", SPACE, counting(200), replicas=2),
    )
    await_logged(kube, "pod/logs-a", "line 1999")
    await_logged(kube, "pod/logs-b", "line 29", "side")
    await_logged(kube, "pod/logs-b", "line 49")
    await_logged(kube, "pod/logs-evil", "gone")
    kube.kubectl("-n", SPACE, "wait", "deployment/logs-web", "--for=condition=available", "--timeout=60s")
    for name in kube.kubectl("-n", SPACE, "get", "pods", "-l", "app=logs-web", "-o", "name").split():
        await_logged(kube, name, "line 199")
    yield kube
    delete_namespace(kube, SPACE)


@pytest.fixture
def estate(cluster: Kube, tmp_path: Path) -> str:
    source = f"{{provider: kubernetes, kubeconfig: '{cluster.kubeconfig}'}}"
    return str(write_estate(tmp_path, f"name: lab\nsources:\n  cluster: {source}\n"))


def await_logged(cluster: Kube, name: str, text: str, container: str = "main") -> None:
    deadline = time.monotonic() + 60
    while text not in cluster.kubectl("-n", SPACE, "logs", name, "-c", container, "--tail", "5", check=False):
        assert time.monotonic() < deadline, f"{name} never wrote {text!r}"
        time.sleep(0.1)


def test_the_logs_of_several_pods_come_merged_by_time_and_whole(estate: str) -> None:
    done = run("-i", estate, "logs", "kind=pod and name=logs-a,logs-b", "--tail", "100000", "--json")
    assert (done.status, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    times = [line["ts"] for line in lines]
    assert times == sorted(times)
    wholes = {("logs-a", ""): 2000, ("logs-b", "main"): 50, ("logs-b", "side"): 30}
    texts: dict[tuple[str, str], list[str]] = {stream: [] for stream in wholes}
    for line in lines:
        texts[line["name"], line.get("stream", "")].append(line["text"])
    for stream, count in wholes.items():
        assert texts[stream] == [f"line {number}" for number in range(count)], stream


def test_the_logs_of_a_deployment_are_those_of_its_pods(estate: str, cluster: Kube) -> None:
    pods = cluster.kubectl("-n", SPACE, "get", "pods", "-l", "app=logs-web", "-o", "name").split()
    done = run("-i", estate, "logs", "kind=deployment and name=logs-web", "--tail", "3", "--json")
    assert (done.status, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    for name in pods:
        mine = [line["text"] for line in lines if name.removeprefix("pod/") in line["stream"]]
        assert mine == ["line 197", "line 198", "line 199"]
    assert len(lines) == 3 * len(pods)


def test_following_prints_what_comes_until_it_is_interrupted(estate: str, cluster: Kube) -> None:
    argv = [*ARGV, "-i", estate, "logs", "kind=pod and name=logs-live", "-f", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            for text in ("one", "two"):
                cluster.kubectl("-n", SPACE, "exec", "logs-live", "--", "sh", "-c", f"echo {text} > /proc/1/fd/1")
                assert json.loads(following.stdout.readline())["text"] == text
            following.send_signal(signal.SIGINT)
            assert following.wait(20) == 130
        finally:
            following.kill()


def test_nothing_that_a_pod_logs_reaches_the_terminal_raw(estate: str) -> None:
    with OnTerminal("-i", estate, "logs", "kind=pod and name=logs-evil") as program:
        assert program.end() == 0
        text = re.sub(rb"\x1b\[\d+m(logs-evil\S*)\x1b\[0m", rb"\1", program.seen).decode()  # the name's colour
        assert text.count("\n") == 1
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text.removesuffix("\r\n")), text
        assert "␛]0;owned␇ ␛[2J ␛]52;c;b3duZWQ=␇ \N{REPLACEMENT CHARACTER}1m ␍ gone red" in text
