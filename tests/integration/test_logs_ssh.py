"""`calmtui logs` and the log screen over the files of 24 real OpenSSH hosts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.integration.program import ARGV, OnTerminal, run, write_estate
from tests.lab.fleet import SshFleet

BEGIN = 1_795_000_000
EVIL = b"\x1b]0;owned\x07 \x1b[2J\x1b[H \x1b]52;c;b3duZWQ=\x07 \x9b1m \xc2\x9b2J \r gone \x1b[8mhidden\x1b[0m \xff\x00"


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    for host in ssh_fleet.hosts:
        (ssh_fleet.log_folder(host) / "calm.log").unlink(missing_ok=True)
    yield write_estate(
        tmp_path,
        "name: lab\nsources:\n"
        f"  fleet: {{provider: ssh, ssh_config: '{ssh_fleet.ssh_config}', hosts: 'web-[001-024]', user: root,"
        " logs: [/var/log/calm.log]}\n",
    )
    for host in ssh_fleet.hosts:
        (ssh_fleet.log_folder(host) / "calm.log").unlink(missing_ok=True)


def stamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(BEGIN + seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def write(fleet: SshFleet, host: str, *lines: str | bytes) -> None:
    raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
    with (fleet.log_folder(host) / "calm.log").open("ab") as file:
        file.write(b"".join(line + b"\n" for line in raw))


def test_the_files_of_all_hosts_come_as_one_in_the_order_of_time_and_whole(estate: Path, ssh_fleet: SshFleet) -> None:
    for number, host in enumerate(ssh_fleet.hosts):
        write(ssh_fleet, host, *(f"{stamp(n + number / 24)} INFO line {n}" for n in range(200)))
    done = run("-i", str(estate), "logs", "web-", "--tail", "1000", "--json")
    assert (done.status, done.err) == (0, "")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["ts"] for line in lines] == sorted(line["ts"] for line in lines)
    assert len(lines) == 24 * 200
    for host in ssh_fleet.hosts:
        mine = [line["text"].split(" ", 1)[1] for line in lines if line["node"] == f"ssh:fleet/{host}"]
        assert mine == [f"INFO line {n}" for n in range(200)]


def test_a_stack_trace_stays_whole_between_the_lines_of_other_hosts(estate: Path, ssh_fleet: SshFleet) -> None:
    write(ssh_fleet, "web-001", f"{stamp(1)} ERROR failed", "Traceback:", "  File x", "Boom", f"{stamp(3)} INFO on")
    write(ssh_fleet, "web-002", f"{stamp(0)} INFO a", f"{stamp(1)} INFO b", f"{stamp(2)} INFO c")
    done = run("-i", str(estate), "logs", "web-001 or web-002")
    shown = [line.split(" ", 1)[1] for line in done.out.splitlines()]
    begin = shown.index("web-001 ERROR failed")
    assert shown[begin : begin + 4] == [
        "web-001 ERROR failed",
        "web-001 Traceback:",
        "web-001   File x",
        "web-001 Boom",
    ]
    assert shown[-1] == "web-001 INFO on"


def test_a_host_that_is_down_is_said_and_takes_no_other_with_it(estate: Path, ssh_fleet: SshFleet) -> None:
    write(ssh_fleet, "web-002", f"{stamp(1)} INFO up")
    ssh_fleet.stop("web-003")
    try:
        done = run("-i", str(estate), "logs", "web-002 or web-003")
    finally:
        ssh_fleet.start("web-003")
    assert "web-002 INFO up" in done.out
    assert "web-003" in done.err
    assert done.status == 1


def test_following_prints_new_lines_of_every_host_and_ends_with_ctrl_c(estate: Path, ssh_fleet: SshFleet) -> None:
    hosts = ssh_fleet.hosts[:4]
    for host in hosts:
        write(ssh_fleet, host, f"{stamp(0)} INFO before")
    argv = [*ARGV, "-i", str(estate), "logs", " or ".join(hosts), "-f", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            before = [json.loads(following.stdout.readline()) for _ in hosts]
            assert {line["name"] for line in before} == set(hosts)
            for host in hosts:
                write(ssh_fleet, host, f"{stamp(100)} INFO now")
            now = [json.loads(following.stdout.readline()) for _ in hosts]
            assert {line["name"] for line in now} == set(hosts)
            assert all(line["text"].endswith("INFO now") for line in now)
            following.send_signal(signal.SIGINT)
            assert following.wait(20) == 130
        finally:
            following.kill()


def test_the_console_follows_marked_hosts_and_nothing_of_their_logs_reaches_the_terminal_raw(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    for host in ("web-001", "web-002"):
        write(ssh_fleet, host, f"{stamp(0)} INFO of {host}", stamp(1).encode() + b" ERROR " + EVIL)
    estate.write_text(estate.read_text().replace("web-[001-024]", "web-[001-002]"))
    with OnTerminal("-i", str(estate)) as console:
        console.wait("web-002")
        console.type("*l")
        console.wait("(?s)of web-001.*of web-002|of web-002.*of web-001")
        write(ssh_fleet, "web-002", f"{stamp(2)} WARN and on it goes")
        console.wait("and on it goes")
        console.type("\x11")
        assert console.end() == 0
    seen = console.seen
    text = seen.decode()  # invalid bytes of the log would fail here
    assert "␛]0;owned␇" in text
    assert "\x1b]0;owned" not in text
    assert "\x1b]52" not in text
    assert not re.search(r"[\x80-\x9f]", text)
    assert "\x1b[8m" not in text
    assert "\x00" not in text
