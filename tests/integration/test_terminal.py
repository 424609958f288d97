"""The console in a real terminal: started, filtered, marked, acted with, logs followed, left; and ended in bad ways."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from tests.integration.program import ARGV, write_estate
from tests.lab.tmux import PROMPT, Tmux

if TYPE_CHECKING:
    from tests.conftest import Moto
    from tests.lab.fleet import SshFleet

SIZES = [(80, 24), (200, 50)]
FAULTY = Path(__file__).parents[1] / "lab" / "faulty_console.py"


@pytest.fixture
def instances(moto: Moto) -> list[str]:
    """Two instances of one service, running."""
    ec2 = boto3.client("ec2", endpoint_url=moto.url, region_name="us-east-1")
    tags = [{"Key": "Name", "Value": "shop"}, {"Key": "env", "Value": "staging"}]
    made = ec2.run_instances(
        ImageId="ami-12c6146b", MinCount=2, MaxCount=2, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
    )
    return [instance["InstanceId"] for instance in made["Instances"]]


@pytest.fixture
def estate(moto: Moto, instances: list[str], ssh_fleet: SshFleet, tmp_path: Path) -> Path:
    """An account and three hosts, each with a log."""
    for host in ssh_fleet.hosts[:3]:
        (ssh_fleet.log_folder(host) / "app.log").write_text(f"2026-11-21T02:29:14Z ERROR {host} refuses to start\n")
    return write_estate(
        tmp_path,
        f"""
name: lab
sources:
  cloud: {{provider: aws, regions: [us-east-1], endpoint_url: "{moto.url}", poll_seconds: 5}}
  fleet: {{provider: ssh, ssh_config: "{ssh_fleet.ssh_config}", hosts: "web-[001-003]", logs: [/var/log/app.log]}}
""",
    )


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def terminal(request: pytest.FixtureRequest, estate: Path) -> Iterator[Tmux]:
    """A terminal; it takes over the environment that the estate was made in."""
    with Tmux(*request.param) as tmux:
        yield tmux


def start(terminal: Tmux, estate: Path, *program: str) -> None:
    terminal.run([*(program or ARGV), "-i", str(estate)])
    terminal.wait("lab ·", "web-003", "us-east-1")


def restored(terminal: Tmux) -> str:
    """The terminal as the shell has it again: its own screen, its echo, a cursor that is seen."""
    terminal.type("stty -a | tr ' ' '\\n' | grep -x -e -echo -e echo; echo back-$((40 + 2))")
    terminal.keys("Enter")
    screen = terminal.wait("back-42")
    assert not terminal.in_alternate_screen()
    assert re.search(r"^(# )?echo$", screen, re.MULTILINE)
    return screen


def test_an_operator_filters_marks_acts_follows_logs_and_leaves(
    terminal: Tmux, estate: Path, instances: list[str], moto: Moto
) -> None:
    start(terminal, estate)
    terminal.keys("/")
    terminal.type("kind=instance")
    terminal.keys("Enter")
    terminal.wait("shop", gone=["web-001"])
    terminal.type("*")
    terminal.wait("marked 2")
    terminal.type("a")
    terminal.wait("stop")
    assert "2" in terminal.screen()
    terminal.keys(_digit_of(terminal.screen(), "stop"))
    terminal.wait(instances[0], instances[1])
    terminal.type("y")
    terminal.wait("2 ok")
    ec2 = boto3.client("ec2", endpoint_url=moto.url, region_name="us-east-1")
    states = ec2.describe_instances(InstanceIds=instances)["Reservations"][0]["Instances"]
    assert {state["State"]["Name"] for state in states} <= {"stopping", "stopped"}
    terminal.keys("Escape")
    terminal.wait("stopped", gone=["2 ok"])

    terminal.type("-")
    terminal.wait("lab ·", gone=["marked 2"])
    terminal.type(":filter kind=host")
    terminal.keys("Enter")
    terminal.wait("web-003", gone=["shop"])
    terminal.type("*")
    terminal.wait("marked 3")
    terminal.type("l")
    terminal.wait("web-001 refuses", "web-002 refuses", "web-003 refuses", "3 nodes")
    terminal.type("q")
    terminal.wait("marked 3", gone=["refuses"])
    terminal.type("q")
    terminal.wait(PROMPT, gone=["lab ·"])
    restored(terminal)


def _digit_of(screen: str, action: str) -> str:
    found = re.search(rf"(\d)\s+{action}\b", screen)
    assert found, screen
    return found[1]


def test_what_is_typed_in_one_burst_does_what_it_does_when_typed_slowly(estate: Path) -> None:
    with Tmux(80, 24) as terminal:
        start(terminal, estate)
        terminal.type("/kind=host name=web-00[1-2]\r*")
        terminal.wait("marked 2")
        terminal.type("-:filter restarts\r")
        terminal.wait("filter: restarts", gone=["marked"])
        terminal.type("\x1b")
        terminal.wait("web-003", gone=["filter:"])
        terminal.type("q")
        terminal.wait(PROMPT, gone=["lab ·"])


def test_a_terminal_that_changes_its_size_is_followed(estate: Path) -> None:
    with Tmux(200, 50) as terminal:
        start(terminal, estate)
        terminal.resize(80, 24)
        screen = terminal.wait("web-003", "? help")
        assert max(map(len, screen.splitlines())) <= 80
        terminal.resize(200, 50)
        terminal.wait("web-003", "? help")
        terminal.type("q")
        terminal.wait(PROMPT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_after_a_signal(estate: Path, number: signal.Signals) -> None:
    with Tmux(80, 24) as terminal:
        start(terminal, estate)
        os.kill(_console(terminal), number)
        terminal.wait(PROMPT, gone=["lab ·"])
        restored(terminal)


def test_nothing_is_left_when_the_terminal_closes(estate: Path) -> None:
    with Tmux(80, 24) as terminal:
        start(terminal, estate)
        console = _console(terminal)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{console}/exe").exists():
        assert time.monotonic() < deadline, f"process {console} is still there"
        time.sleep(0.05)


def _console(terminal: Tmux) -> int:
    for pid in terminal.pids():
        if b"calmtui" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError(terminal.screen())


def test_a_fault_of_ours_is_one_line_and_gives_the_terminal_back(estate: Path) -> None:
    with Tmux(80, 24) as terminal:
        start(terminal, estate, sys.executable, str(FAULTY))
        terminal.keys("Space")
        screen = terminal.wait("internal error", gone=["lab ·"])
        assert "ZeroDivisionError" in screen
        assert "Traceback" not in screen
        assert "calmtui.log" in screen.replace("\n", "")
        restored(terminal)


def test_the_last_known_tree_is_there_before_any_source_answers(estate: Path, moto: Moto) -> None:
    with Tmux(120, 30) as terminal:
        start(terminal, estate)
        terminal.wait("cloud ●", "fleet ●")
        terminal.type("q")
        terminal.wait(PROMPT, gone=["lab ·"])
        broken = estate.read_text().replace(moto.url, "http://127.0.0.1:9")
        estate.write_text(broken)
        start(terminal, estate)
        screen = terminal.wait("shop" if "shop" in terminal.screen() else "us-east-1", "fleet ●")
        assert "us-east-1" in screen
        assert "cloud ●" not in screen
        terminal.type("q")
        terminal.wait(PROMPT, gone=["lab ·"])
