"""The log screen from the command line, in a real terminal: on hosts, on what is piped in; searched, left."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.program import ARGV, write_estate
from tests.lab.fleet import SshFleet
from tests.lab.tmux import PROMPT, Tmux

PATIENCE = 60.0
HOSTS = ("web-019", "web-020")


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Two hosts with a line each second."""
    for odd, host in enumerate(HOSTS):
        lines = (f"2026-01-02T03:{n // 60:02d}:{n % 60:02d}Z WARN slow {n}\n" for n in range(odd, 600, 2))
        (ssh_fleet.log_folder(host) / "screen.log").write_text("".join(lines))
    yield write_estate(
        tmp_path,
        "name: lab\nsources:\n"
        f"  fleet: {{provider: ssh, ssh_config: '{ssh_fleet.ssh_config}', hosts: 'web-[019-020]', user: root,"
        " logs: [/var/log/screen.log]}\n",
    )
    for host in HOSTS:
        (ssh_fleet.log_folder(host) / "screen.log").unlink()


def test_a_query_opens_it_on_its_nodes_and_what_is_older_is_searched_where_it_is(estate: Path) -> None:
    with Tmux(80, 24) as terminal:
        terminal.run([*ARGV, "-i", str(estate), "logs", "web-", "--screen", "--tail", "3"])
        terminal.wait("2 nodes", "slow 599", "slow 598", seconds=PATIENCE)
        terminal.type(":grep slow 1\\d\\d$ --until 2026-01-02T23:00")
        terminal.keys("Enter")
        terminal.wait("search slow", "100 in 2 of 2 nodes", "done", "slow 199", seconds=PATIENCE)
        terminal.keys("m")
        terminal.wait("2 nodes marked", seconds=PATIENCE)
        terminal.keys("Escape")
        terminal.wait("slow 599", "following", seconds=PATIENCE)
        terminal.keys("q")
        terminal.wait("marked 2", "by source", seconds=PATIENCE)
        terminal.keys("q")
        terminal.wait(PROMPT, gone=["marked 2"], seconds=PATIENCE)


def test_what_is_piped_in_is_shown_as_it_comes_and_keys_come_from_the_terminal(tmp_path: Path) -> None:
    pipe = f"(echo 2026-01-02T03:04:05Z ERROR one; exec sleep 600) | {shlex.join(ARGV)} logs - --screen"
    with Tmux(80, 24) as terminal:
        terminal.run(["sh", "-c", pipe])
        terminal.wait("stdin", "ERROR one", "following", seconds=PATIENCE)
        terminal.keys("Escape")
        terminal.wait("q leaves calmtui", seconds=PATIENCE)
        terminal.keys("Enter")
        terminal.wait("local:-", seconds=PATIENCE)
        terminal.keys("q")
        terminal.wait(gone=["local:-"], seconds=PATIENCE)
        assert not terminal.in_alternate_screen()


def test_files_are_read_whole_and_followed(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    file.write_text("".join(f"2026-01-02T03:04:05Z INFO line {n}\n" for n in range(2000)))
    with Tmux(80, 24) as terminal:
        terminal.run([sys.executable, "-m", "calmtui", "logs", str(file), "--screen"])
        terminal.wait("line 1999", "2,000 lines", seconds=PATIENCE)
        with file.open("a") as added:
            added.write("2026-01-02T03:04:06Z INFO added\n")
        terminal.wait("INFO added", "2,001 lines", seconds=PATIENCE)
