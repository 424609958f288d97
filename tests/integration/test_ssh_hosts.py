"""SSH hosts as nodes: facts and units, hosts that go and come back, commands that end where they run."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from calmtui.errors import Forbidden, SourceError, Unreachable
from calmtui.fleet.node import Node, State
from tests.integration.commands import run
from tests.integration.ssh_live import Watched, host, opened
from tests.lab.fleet import SshFleet

ALL = "web-[001-024]"


async def test_24_hosts_become_nodes_with_facts_that_their_own_ssh_confirms(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, ALL) as source, Watched(source) as watched:
        assert sorted(node.name for node in watched.fleet) == ssh_fleet.hosts
        assert {node.state for node in watched.fleet} == {State.RUNNING}
        node = watched.node("web-005")
        name, kernel, cpus = ssh_fleet.ssh("web-005", "uname -n; uname -r; nproc").split()
        assert node.labels["hostname"] == name == "web-005"
        assert kernel in node.facts["kernel"]
        assert node.facts["cpus"] == cpus
        assert float(ssh_fleet.ssh("web-005", "grep ^btime /proc/stat").split()[1]) == node.created


@pytest.mark.parametrize(
    "line",
    ["hostname; id -un", 'echo "it\'s $HOME" \'and "that"\' \\$x', "printf 'a\\nb'; exit 3", "seq 20000", "true"],
)
async def test_a_command_prints_and_exits_exactly_as_through_openssh(ssh_fleet: SshFleet, line: str) -> None:
    status = "" if "exit" in line else "; echo $?"
    expected = ssh_fleet.ssh("web-002", f"({line}){status}" if status else f"{line.removesuffix('; exit 3')}")
    async with opened(ssh_fleet, "web-002") as source:
        result = await run(source, host("web-002"), [f"({line}){status}"])
    assert result.stdout.decode() == expected
    assert result.exit_status == (3 if "exit 3" in line else 0)
    assert result.stderr == b""


async def test_arguments_are_never_split_again_and_standard_input_arrives(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-001") as source:
        words = ["a b", "$(id)", "it's", "*", ";"]
        result = await run(source, host("web-001"), ["printf", "%s|", *words])
        assert result.stdout.decode() == "".join(f"{word}|" for word in words)
        echoed = await run(source, host("web-001"), ["sh", "-c", "cat; echo end >&2"], stdin=b"x" * 300_000)
        assert (len(echoed.stdout), echoed.stderr) == (300_000, b"end\n")


async def test_more_commands_than_one_connection_has_channels_all_run(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-001") as source:
        runs = [run(source, host("web-001"), [f"sleep 0.3; echo {number}"]) for number in range(20)]
        results = await asyncio.gather(*runs)
        assert [int(result.stdout) for result in results] == list(range(20))


async def test_a_command_whose_time_is_up_ends_at_the_far_side(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-003") as source:
        with pytest.raises(TimeoutError):
            await run(source, host("web-003"), ["sleep 7171 & sleep 7172; true"], timeout=0.5)
        _await_gone(ssh_fleet, "web-003", "sleep 717")


async def test_a_cancelled_command_ends_at_the_far_side_even_if_it_ignores_term(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-003") as source:
        task = asyncio.create_task(run(source, host("web-003"), ["trap '' TERM; sleep 7181; sleep 7182"]))
        async with asyncio.timeout(45):
            while not any("sleep 7181" in line for line in ssh_fleet.processes("web-003")):
                await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        _await_gone(ssh_fleet, "web-003", "sleep 718")


async def test_a_host_that_goes_down_harms_no_other_and_comes_back_by_itself(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-[006-009]", interval=2) as source, Watched(source) as watched:
        ssh_fleet.stop("web-007")
        try:
            await watched.until(lambda: watched.node("web-007").state is State.UNKNOWN)
            gone = watched.node("web-007")
            assert gone.raw_state == "unreachable"
            assert gone.reason
            assert gone.facts["os"]
            assert "web-007" in watched.fleet.sources["f"].scopes
            assert watched.node("web-008").state is State.RUNNING
            assert (await run(source, host("web-008"), ["hostname"])).stdout == b"web-008\n"
            with pytest.raises(Unreachable, match="web-007"):
                await run(source, host("web-007"), ["hostname"])
        finally:
            ssh_fleet.start("web-007")
        await watched.until(lambda: watched.node("web-007").state is State.RUNNING)
        await watched.until(lambda: not watched.fleet.sources["f"].scopes)


async def test_a_host_that_never_answered_is_a_node_all_the_same(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-001,nowhere.invalid") as source, Watched(source) as watched:
        node = watched.node("nowhere.invalid")
        assert (node.state, node.reason) == (State.UNKNOWN, "the name is not known")
        assert watched.node("web-001").state is State.RUNNING


async def test_a_shell_has_the_size_it_was_given_takes_what_is_typed_and_says_how_it_ended(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-004") as source:
        shell = await source.shell(host("web-004"), term="xterm", columns=91, rows=33)
        shell.write(b"stty size; tty; hostname\r")
        await _until_seen(shell, b"web-004\r\n")
        shell.resize(70, 20)
        shell.write(b"stty size; exit 5\r")
        seen = await _until_seen(shell, b"20 70")
        assert b"20 70" in seen
        while await shell.read():
            pass
        assert await shell.close() == 5


async def test_units_are_listed_and_acted_upon_through_systemctl(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    """The lab's hosts run no systemd: `systemctl` is a stand-in first on the host's PATH, in its documented format."""
    _install(ssh_fleet, "web-010", "systemctl", _SYSTEMCTL.format(state=tmp_path))
    (tmp_path / "app.service").write_text("active running")
    (tmp_path / "bad.service").write_text("failed failed")
    try:
        async with opened(ssh_fleet, "web-010", interval=60) as source, Watched(source) as watched:
            assert watched.node("web-010").state is State.DEGRADED
            assert watched.node("web-010").reason == "failed: bad.service"
            unit = watched.node("web-010/app.service")
            assert (unit.state, unit.parent) == (State.RUNNING, "ssh:f/web-010")
            assert await source.act(unit, "stop", {}) == "inactive (dead)"
            assert (tmp_path / "app.service").read_text() == "inactive dead"
            with pytest.raises(SourceError, match=r"web-010: Job for bad\.service failed"):
                await source.act(watched.node("web-010/bad.service"), "restart", {})
            with pytest.raises(Forbidden, match="sudo"):
                await source.act(_unit("locked.service"), "start", {})
            described = await source.describe(unit)
            assert described["Id"] == "app.service"
            assert described["Environment"] == "TOKEN=••••••"
            await watched.until(
                lambda: "ssh:f/web-010/app.service" not in watched.fleet.nodes
            )  # not failed, not running
    finally:
        _uninstall(ssh_fleet, "web-010", "systemctl")


async def test_a_reboot_is_asked_of_the_host_itself(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    """`reboot` is a stand-in: the lab's hosts share one kernel with the tests."""
    _install(ssh_fleet, "web-011", "reboot", f"#!/bin/sh\nhostname >{tmp_path}/rebooted\n")
    try:
        async with opened(ssh_fleet, "web-011") as source:
            assert await source.act(host("web-011"), "reboot", {}) == "reboot accepted"
        assert (tmp_path / "rebooted").read_text() == "web-011\n"
    finally:
        _uninstall(ssh_fleet, "web-011", "reboot")


async def test_describe_says_how_a_host_is_connected_to(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-001") as source:
        said = await source.describe(host("web-001"))
    assert said["connection"]["port"] == ssh_fleet.port("web-001")
    assert said["connection"]["server"].startswith("SSH-2.0-OpenSSH")
    assert said["facts"]["hostname"] == "web-001"


_SYSTEMCTL = """#!/bin/sh
show_one() {{ read -r active sub <"{state}/$1"; printf 'Id=%s\\nDescription=A unit\\nLoadState=loaded\\n' "$1"
  printf 'ActiveState=%s\\nSubState=%s\\nResult=%s\\nNRestarts=0\\nMainPID=0\\n' $active $sub \
    "$([ $active = failed ] && echo exit-code || echo success)"
  printf 'Environment=TOKEN=hunter2\\n\\n'; }}
for last; do :; done
case $* in
  is-system-running) echo degraded; exit 1 ;;
  *' stop -- '*) echo 'inactive dead' >"{state}/$last"; printf 'inactive dead' >"{state}/$last" ;;
  *' -- locked.service') echo 'Failed to start locked.service: Access denied' >&2; exit 4 ;;
  *' restart -- '*) echo "Job for $last failed because the control process exited with error code." >&2; exit 1 ;;
  show*--value*) tr ' ' '\\n' <"{state}/$last"; echo ;;
  show*'*.service') for file in {state}/*.service; do show_one "${{file##*/}}"; done ;;
  show*) show_one "$last" ;;
esac
"""


def _unit(name: str) -> Node:
    return Node(id=f"ssh:f/web-010/{name}", kind="unit", name=name, source="f", parent="ssh:f/web-010")


def _install(fleet: SshFleet, name: str, command: str, text: str) -> None:
    path = fleet.bin_folder(name) / command
    path.write_text(text)
    path.chmod(0o755)


def _uninstall(fleet: SshFleet, name: str, command: str) -> None:
    (fleet.bin_folder(name) / command).unlink()


def _await_gone(fleet: SshFleet, name: str, command: str) -> None:
    deadline = time.monotonic() + 10
    while left := [line for line in fleet.processes(name) if command in line]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


async def _until_seen(shell: object, wanted: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(45):
        while wanted not in seen:
            piece = await shell.read()  # type: ignore[attr-defined]
            assert piece, f"the shell ended: {seen!r}"
            seen += piece
    return seen
