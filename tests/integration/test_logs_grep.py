"""`calmtui logs --grep` over the files of real OpenSSH hosts, and over containers, which are read and searched here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.program import ARGV, run, write_estate
from tests.lab.docker import DockerEngine
from tests.lab.fleet import SshFleet

BEGIN = 1_795_000_000
HOSTS = ("web-021", "web-022", "web-023")


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Three hosts with a line each second; every tenth is an error of one host."""
    for number, host in enumerate(HOSTS):
        lines = [
            f"{stamp(n + number / 10)} {'ERROR [x] failed' if n % 10 == 0 else 'INFO fine'} {n} of {host}\n"
            for n in range(1000)
        ]
        path = ssh_fleet.log_folder(host) / "grep.log"
        path.write_text("".join(lines[500:]))
        os.utime(path, (BEGIN + 1000, BEGIN + 1000))
        path.with_name("grep.log.1").write_text("".join(lines[:500]))
        os.utime(path.with_name("grep.log.1"), (BEGIN + 500, BEGIN + 500))
    yield write_estate(
        tmp_path,
        "name: lab\nsources:\n"
        f"  fleet: {{provider: ssh, ssh_config: '{ssh_fleet.ssh_config}', hosts: 'web-[021-023]', user: root,"
        " logs: [/var/log/grep.log]}\n",
    )
    for host in HOSTS:
        for name in ("grep.log", "grep.log.1"):
            (ssh_fleet.log_folder(host) / name).unlink()


def stamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(BEGIN + seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_matches_of_all_hosts_come_in_the_order_of_time_and_a_summary_apart(estate: Path) -> None:
    done = run(
        "-i", str(estate), "logs", "web-", "--grep", r"failed \d+0 ", "--since", stamp(985), "--until", stamp(995)
    )
    assert done.status == 0
    assert done.out.splitlines() == [
        f"{stamp(990 + number / 10)} {host}:grep.log ERROR [x] failed 990 of {host}"
        for number, host in enumerate(HOSTS)
    ]
    assert "3 matches in 3 of 3 nodes" in done.err


def test_lines_beside_a_match_stand_with_it(estate: Path) -> None:
    done = run("-i", str(estate), "logs", "web-", "--grep", "[X] FAILED 50", "-C", "1", "--fixed", "-i")
    pieces = [piece.splitlines() for piece in done.out.split("--\n")]
    assert [[line.split(" ", 1)[1] for line in piece] for piece in pieces] == [
        [
            f"{host}:grep.log.1- INFO fine {n - 1} of {host}",
            f"{host}:grep.log.1 ERROR [x] failed {n} of {host}",
            f"{host}:grep.log.1- INFO fine {n + 1} of {host}",
        ]
        for n in (50,)
        for host in HOSTS
    ] + [
        [
            f"{host}:grep.log ERROR [x] failed 500 of {host}",
            f"{host}:grep.log- INFO fine 501 of {host}",
        ]
        for host in HOSTS
    ]


def test_counts_are_first_then_lines_then_the_end(estate: Path) -> None:
    done = run("-i", str(estate), "logs", "web-", "--grep", "ERROR", "--json", "--max", "60")
    told = objects(done.out)
    kinds = [each["type"] for each in told]
    assert kinds == ["count"] * 6 + ["line"] * 180 + ["end"]
    assert [each["ts"] for each in told[6:-1]] == sorted(each["ts"] for each in told[6:-1])
    assert {(each["matches"], each["total"] > 0) for each in told[:6]} == {(50, True)}
    assert told[-1]["matches"] == sum(told[-1]["histogram"].values()) == 300
    assert sum(each["cut"] is not None for each in told[:6]) == 3
    counted = run("-i", str(estate), "logs", "web-", "--grep", "ERROR", "--count")
    assert [line.split()[:3] for line in counted.out.splitlines()[1:]] == [
        ["50", f"ssh:fleet/{host}", f"/var/log/{name}"] for host in HOSTS for name in ("grep.log", "grep.log.1")
    ]


def test_a_host_that_is_down_takes_no_other_with_it(estate: Path, ssh_fleet: SshFleet) -> None:
    ssh_fleet.stop("web-022")
    try:
        done = run("-i", str(estate), "logs", "web-", "--grep", "failed 0 ")
    finally:
        ssh_fleet.start("web-022")
    assert len(done.out.splitlines()) == 2
    assert "web-022" in done.err
    assert done.status == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--grep", "(?<=x)"], "not a regular expression"),
        (["--grep", "x", "-f"], "leave one out"),
        (["--count"], "--count goes with --grep"),
        (["--grep", "x", "--until", "soon"], "not a time"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_connected_to(
    estate: Path, options: list[str], said: str
) -> None:
    done = run("-i", str(estate), "logs", "web-", *options)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_however_calmtui_ends_nothing_is_left_running(estate: Path, ssh_fleet: SshFleet, end: signal.Signals) -> None:
    shims = [ssh_fleet.bin_folder(host) / "nice" for host in HOSTS]
    for shim in shims:
        shim.write_text('#!/bin/sh\n[ "$3" = true ] || [ "$4" = true ] || exec sleep 778\n')
        shim.chmod(0o755)
    try:
        argv = [*ARGV, "-i", str(estate), "logs", "web-", "--grep", "ERROR"]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as searching:
            try:
                until(lambda: all(runs(ssh_fleet, host, "sleep 778") for host in HOSTS), ssh_fleet)
                searching.send_signal(end)
                assert searching.wait(30) == (130 if end is signal.SIGINT else -signal.SIGKILL)
            finally:
                searching.kill()
        until(lambda: not any(runs(ssh_fleet, host, "s") for host in HOSTS), ssh_fleet)
    finally:
        for shim in shims:
            shim.unlink()


def runs(fleet: SshFleet, host: str, words: str) -> bool:
    return any(words in line for line in fleet.processes(host))


def until(holds: Any, fleet: SshFleet) -> None:
    deadline = time.monotonic() + 45
    while not holds():
        assert time.monotonic() < deadline, [fleet.processes(host) for host in HOSTS]
        time.sleep(0.1)


def test_containers_are_read_and_searched_here_after_a_warning(docker_engine: DockerEngine, tmp_path: Path) -> None:
    estate = write_estate(
        tmp_path, f"name: lab\nsources:\n  engine: {{provider: docker, host: '{docker_engine.host}'}}\n"
    )
    script = "for i in $(seq 300); do echo line $i; echo problem $i >&2; done; echo done; sleep 1000"
    docker_engine.run("grep-a", command=("sh", "-c", script))
    try:
        deadline = time.monotonic() + 45
        while "done" not in docker_engine.cli("logs", "grep-a").splitlines():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        done = run("-i", str(estate), "logs", "grep-a", "--grep", "^line .*99$", "--json", "-C", "1")
        told = objects(done.out)
        assert [each["text"] for each in told if each.get("match")] == ["line 99", "line 199", "line 299"]
        assert sum(each["type"] == "line" for each in told) == 9
        assert told[-1]["matches"] == 3
        assert "read over the network" in done.err
        none = run("-i", str(estate), "logs", "grep-a", "--grep", "line", "--until", "2026-01-01T00:00Z", "--json")
        assert objects(none.out)[-1]["matches"] == 0
    finally:
        docker_engine.cli("rm", "-f", "grep-a")
