"""The command line and the console's shell on real OpenSSH hosts, checked with OpenSSH's own client."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.program import ARGV, OnTerminal, run, write_estate
from tests.lab.fleet import SshFleet
from tests.lab.tmux import Tmux

pytestmark = pytest.mark.lab


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> str:
    source = f'{{provider: ssh, ssh_config: "{ssh_fleet.ssh_config}", hosts: "web-[001-024]", user: root}}'
    return str(write_estate(tmp_path, f"name: lab\nsources:\n  fleet: {source}\n"))


def test_a_command_runs_on_every_host_and_each_line_stands_behind_its_own(estate: str, ssh_fleet: SshFleet) -> None:
    ran = run("-i", estate, "exec", "kind=host", "--", "hostname; touch /var/log/was-here")
    assert ran.status == 0
    assert sorted(ran.out.splitlines()) == [f"{host}: {host}" for host in ssh_fleet.hosts]
    assert all((ssh_fleet.log_folder(host) / "was-here").exists() for host in ssh_fleet.hosts)


def test_a_host_that_is_down_harms_no_other(estate: str, ssh_fleet: SshFleet) -> None:
    ssh_fleet.stop("web-007")
    try:
        ran = run("-i", estate, "ls", "kind=host", "--json")
        states = {node["name"]: node["state"] for node in ran.json["nodes"]}
        assert len(states) == 24
        assert states.pop("web-007") != "running"
        assert set(states.values()) == {"running"}
        said = run("-i", estate, "exec", "kind=host", "--", "true")
        assert "web-007" in said.err
    finally:
        ssh_fleet.start("web-007")


def test_words_reach_the_remote_shell_as_they_are(estate: str) -> None:
    ran = run("-i", estate, "exec", "web-001", "--", "printf", "%s|", "two  words", "$HOME", "it's", "; rm x")
    assert ran.out == "web-001: two  words|$HOME|it's|; rm x|\n"


def test_a_passphrase_is_asked_for_on_the_terminal_not_echoed_and_never_without_one(
    ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    key = tmp_path / "locked"
    shutil.copy(ssh_fleet.identity, key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "open sesame", "-f", key], check=True)
    config = tmp_path / "ssh_config"
    config.write_text(ssh_fleet.ssh_config.read_text().replace(str(ssh_fleet.identity), str(key)))
    source = f'{{provider: ssh, ssh_config: "{config}", hosts: "web-[001-003]", user: root}}'
    estate = str(write_estate(tmp_path, f"name: lab\nsources:\n  fleet: {source}\n"))

    alone = run("-i", estate, "exec", "kind=host", "--", "hostname")
    assert alone.status == 1
    assert alone.out == ""
    with OnTerminal("-i", estate, "exec", "kind=host", "--", "hostname", NO_COLOR="1") as asked:
        asked.wait(f"Passphrase of {key}: ")
        asked.type("open sesame\n")
        assert asked.end() == 0
    assert sorted(asked.seen.decode().splitlines()[1:]) == [f"{host}: {host}" for host in ssh_fleet.hosts[:3]]
    assert b"sesame" not in asked.seen


def test_the_console_steps_aside_for_a_shell_and_comes_back_intact(estate: str) -> None:
    with Tmux(80, 24) as terminal:
        terminal.run([*ARGV, "-i", estate])
        terminal.wait("web-003", "space mark")
        terminal.keys("/")
        terminal.type("web-003")
        terminal.keys("Enter")
        before = terminal.wait("web-003", "1 of 24", gone=["web-004"])
        terminal.keys("Down", "s")
        terminal.wait("shell on web-003 (ssh:fleet/web-003)", "root@web-003")
        assert not terminal.in_alternate_screen()
        terminal.type("echo I am $(hostname)\n")
        terminal.wait("I am web-003")
        terminal.resize(100, 30)
        terminal.type("until stty size | grep 30.100; do sleep 0.1; done\n")
        terminal.wait("30 100")
        terminal.type("exit 3\n")
        after = terminal.wait("the shell on web-003 has ended with exit 3", "1 of 24")
        assert terminal.in_alternate_screen()
        assert "web-003" in before
        assert "root@web-003" not in after
        terminal.keys("Escape", "Escape")
        terminal.wait("web-004", "space mark")
        terminal.keys("C-q")
        terminal.wait("logout", gone=["web-004"])
        terminal.type("echo left with $?\n")
        terminal.wait("left with 0")


def test_a_read_only_console_opens_no_shell_and_says_why(estate: str) -> None:
    with Tmux(80, 24) as terminal:
        terminal.run([*ARGV, "-i", estate, "--read-only"])
        terminal.wait("web-003", "space mark")
        terminal.keys("Down", "s")
        terminal.wait("read-only")
        assert terminal.in_alternate_screen()
