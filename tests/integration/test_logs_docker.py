"""`calmtui logs` and the log screen over containers of a real engine."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.program import ARGV, OnTerminal, run, write_estate
from tests.lab.docker import DockerEngine

EVIL = r"\033]0;owned\007 \033[2J \033]52;c;b3duZWQ=\007 \2331m \r gone \033[31mred\033[0m"


@pytest.fixture
def estate(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Path]:
    yield write_estate(tmp_path, f"name: lab\nsources:\n  engine: {{provider: docker, host: '{docker_engine.host}'}}\n")
    names = docker_engine.cli("ps", "-aq", "--filter", "name=^logs-").split()
    if names:
        docker_engine.cli("rm", "-f", *names)


def counting(engine: DockerEngine, name: str, count: int) -> None:
    """A container that prints numbered lines as fast as it can, then stays."""
    engine.run(
        name, command=("sh", "-c", f"i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done; sleep 1000")
    )


def await_logged(engine: DockerEngine, name: str, text: str) -> None:
    deadline = time.monotonic() + 30
    while text not in engine.cli("logs", "--tail", "5", name):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_logs_of_several_containers_come_merged_by_time_and_whole(
    estate: Path, docker_engine: DockerEngine
) -> None:
    for name in ("logs-a", "logs-b", "logs-c"):
        counting(docker_engine, name, 2000)
    for name in ("logs-a", "logs-b", "logs-c"):
        await_logged(docker_engine, name, "line 1999")
    done = run("-i", str(estate), "logs", "logs-", "--tail", "100000", "--json")
    assert (done.status, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    times = [line["ts"] for line in lines]
    assert times == sorted(times)
    assert len({line["node"] for line in lines}) == 3
    for name in ("logs-a", "logs-b", "logs-c"):
        mine = [line for line in lines if line["name"] == name]
        assert [line["text"] for line in mine] == [f"line {number}" for number in range(2000)]
        assert {line["source"] for line in mine} == {"engine"}


def test_the_tail_is_of_each_container_and_text_is_for_people(estate: Path, docker_engine: DockerEngine) -> None:
    counting(docker_engine, "logs-a", 50)
    counting(docker_engine, "logs-b", 50)
    await_logged(docker_engine, "logs-a", "line 49")
    await_logged(docker_engine, "logs-b", "line 49")
    done = run("-i", str(estate), "logs", "logs-", "--tail", "2")
    assert sorted(line.split(" ", 1)[1] for line in done.out.splitlines()) == [
        "logs-a line 48", "logs-a line 49", "logs-b line 48", "logs-b line 49",
    ]  # fmt: skip
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line) for line in done.out.splitlines())


def test_following_prints_what_comes_until_it_is_interrupted(estate: Path, docker_engine: DockerEngine) -> None:
    docker_engine.run("logs-live")
    argv = [*ARGV, "-i", str(estate), "logs", "logs-live", "-f", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            for text in ("one", "two"):
                docker_engine.cli("exec", "logs-live", "sh", "-c", f"echo {text} > /proc/1/fd/1")
                assert json.loads(following.stdout.readline())["text"] == text
            following.send_signal(signal.SIGINT)
            assert following.wait(20) == 130
        finally:
            following.kill()


def test_a_container_that_begins_to_fit_the_query_joins(estate: Path, docker_engine: DockerEngine) -> None:
    counting(docker_engine, "logs-first", 1)
    argv = [*ARGV, "-i", str(estate), "logs", "logs-", "-f", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            assert json.loads(following.stdout.readline())["name"] == "logs-first"
            counting(docker_engine, "logs-second", 3)
            lines = [json.loads(following.stdout.readline()) for _ in range(3)]
            assert [(line["name"], line["text"]) for line in lines] == [
                ("logs-second", f"line {number}") for number in range(3)
            ]
            following.send_signal(signal.SIGINT)
            assert "logs-second joined" in following.communicate(timeout=60)[1]
        finally:
            following.kill()


def test_nothing_that_a_container_logs_reaches_the_terminal_raw(estate: Path, docker_engine: DockerEngine) -> None:
    docker_engine.run("logs-evil", command=("sh", "-c", f"printf '{EVIL}\\n'; sleep 1000"))
    await_logged(docker_engine, "logs-evil", "gone")
    with OnTerminal("-i", str(estate), "logs", "logs-evil") as program:
        assert program.end() == 0
        ours = re.sub(rb"\x1b\[\d+m(logs-evil)\x1b\[0m", rb"\1", program.seen)  # the name's colour
        text = ours.decode()
        assert text.count("\n") == 1
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text.removesuffix("\r\n")), text
        assert "␛]0;owned␇ ␛[2J ␛]52;c;b3duZWQ=␇ \N{REPLACEMENT CHARACTER}1m ␍ gone red" in text


def test_a_query_that_nothing_with_logs_matches_is_said(estate: Path, docker_engine: DockerEngine) -> None:
    done = run("-i", str(estate), "logs", "logs-nobody")
    assert (done.status, done.out) == (1, "")
    assert "no node matches 'logs-nobody'" in done.err


def test_a_moment_that_is_none_is_wrong_use(estate: Path) -> None:
    done = run("-i", str(estate), "logs", "logs-a", "--since", "yesterday")
    assert done.status == 2
    assert "'yesterday'" in done.err
    assert "10m" in done.err
