"""Nothing runs on at the far side: after Ctrl-C, a time limit, or kill -9. And how output, input and sudo go there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from calmtui.errors import AuthFailed, Forbidden, OutcomeUnknown
from calmtui.providers.base import Command, Output, collect
from tests.integration.program import ARGV, run, write_estate
from tests.integration.ssh_live import host, opened
from tests.lab.docker import DockerEngine
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab
HOSTS = ["web-014", "web-015", "web-016"]
PATIENCE = 60


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def estate(tmp_path: Path, ssh_fleet: SshFleet) -> str:
    hosts = f"{{provider: ssh, hosts: 'web-[014-016]', ssh_config: {ssh_fleet.ssh_config}, interval: 3600}}"
    return str(write_estate(tmp_path, f"name: lab\nsources:\n  hosts: {hosts}\n"))


def stubborn(mark: str) -> str:
    """A command that ignores what it can, and starts children that leave its process group and its session."""
    return (
        f"trap '' HUP INT PIPE; setsid sh -c 'sleep 1000; :' {mark}-a & "
        f"timeout 1000 sh -c 'sleep 1000; :' {mark}-b & sh -c 'trap \"\" TERM; while :; do sleep 0.2; done' {mark}-c; :"
    )


def running(mark: str) -> set[str]:
    """Which of the parts of the command run, on any host: what left its parents as well."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            found |= {word.decode() for word in words if word.startswith(mark.encode()) and b" " not in word}
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, "timeout"], ids=["kill -9", "ctrl-c", "timeout"])
def test_nothing_runs_on_where_hosts_are_concerned(estate: str, how: signal.Signals | str) -> None:
    mark = f"m{uuid4().hex}"
    limit = ["--timeout", "3"] if how == "timeout" else []
    argv = [*ARGV, "-i", estate, "exec", *limit, "kind=host", "--", f"echo begun; {stubborn(mark)}"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        if isinstance(how, signal.Signals):
            until(lambda: running(mark) == {f"{mark}-{part}" for part in "abc"})
            program.send_signal(how)
        out, err = program.communicate(timeout=PATIENCE)
    until(lambda: not running(mark))
    assert sorted(out.decode().splitlines()) == [f"{name}: begun" for name in HOSTS]
    if how == "timeout":
        assert err.decode().count("timed out: ended after 3 s") == len(HOSTS)


def test_gathered_output_is_kept_when_it_is_interrupted_and_the_unfinished_are_named(
    estate: str, ssh_fleet: SshFleet
) -> None:
    line = f"[ $(hostname) = web-015 ] && exec sleep 1000.{os.getpid()}; echo same"
    argv = [*ARGV, "-i", estate, "exec", "-b", "kind=host", "--", line]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        until(lambda: any(f"sleep 1000.{os.getpid()}" in one for one in ssh_fleet.processes("web-015")))
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 130
    assert "web-015 (1 node, cancelled)" in out.decode()
    until(lambda: not any("sleep 1000." in one for one in ssh_fleet.processes("web-015")))


@pytest.fixture
def box(docker_engine: DockerEngine) -> Iterator[str]:
    name = "ends-box"
    docker_engine.cli("rm", "-f", name, check=False)
    docker_engine.run(name)
    yield name
    docker_engine.cli("rm", "-f", name)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "ctrl-c"])
def test_nothing_runs_on_in_a_container(
    box: str, docker_engine: DockerEngine, tmp_path: Path, how: signal.Signals
) -> None:
    estate = write_estate(tmp_path, f'name: lab\nsources:\n  e: {{provider: docker, host: "{docker_engine.host}"}}\n')
    line = "setsid sleep 4711 & sleep 4712 & trap '' TERM; while :; do sleep 4713; done"
    argv = [*ARGV, "-i", str(estate), "exec", f"name={box}", "--", line]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        until(lambda: all(f"sleep 471{number}" in docker_engine.cli("top", box) for number in (1, 2, 3)))
        program.send_signal(how)
        program.communicate(timeout=PATIENCE)
    until(lambda: "sleep 471" not in docker_engine.cli("top", box))


async def test_a_connection_that_is_cut_is_told_as_unknown_and_the_command_ends(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-014") as source:
        waiting = asyncio.create_task(collect(source, host("web-014"), Command(("echo x; sleep 8181",))))
        async with asyncio.timeout(PATIENCE):
            while not any("sleep 8181" in line for line in ssh_fleet.processes("web-014")):
                await asyncio.sleep(0.05)
        ssh_fleet.cut("web-014")
        with pytest.raises(OutcomeUnknown, match="connection was lost"):
            await waiting


async def test_what_a_command_leaves_behind_with_its_output_open_does_not_hold_us(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-014") as source:
        async with asyncio.timeout(PATIENCE):
            result = await collect(source, host("web-014"), Command(("sleep 9191 & echo $!",)))
    os.kill(int(result.stdout), signal.SIGKILL)
    assert result.exit_status == 0
    assert result.note == "something that it started goes on and holds its output open"


async def test_environment_and_input_from_a_file_arrive(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(os.urandom(700_000))
    command = Command(('printf "%s" "$GREETING"; sha256sum',), tmp_path / "input", {"GREETING": "it's $HOME "})
    async with opened(ssh_fleet, "web-014") as source:
        result = await collect(source, host("web-014"), command)
    expected = subprocess.run(["sha256sum"], input=(tmp_path / "input").read_bytes(), capture_output=True, check=True)
    assert result.stdout == b"it's $HOME " + expected.stdout


# -- sudo: a stand-in that asks as sudo -S does, since the lab's hosts log in as root ------------------------------

SUDO = r"""#!/bin/sh
# sudo -S -p PROMPT -- PROGRAM...: asks on standard error, reads one line of standard input; three tries.
[ "$1" = -S ] && [ "$2" = -p ] && [ "$4" = -- ] || { echo "usage" >&2; exit 1; }
prompt=$3; shift 4
[ -e /root/nobody ] && { echo "ana is not in the sudoers file." >&2; exit 1; }
[ -e /root/nopasswd ] && exec env SUDO_USER=ana "$@"
for try in 1 2 3; do
  printf %s "$prompt" >&2
  IFS= read -r password || exit 1
  [ "$password" = "s3cr3t word" ] && exec env SUDO_USER=ana "$@"
  echo "Sorry, try again." >&2
done
echo "sudo: 3 incorrect password attempts" >&2; exit 1
"""


@pytest.fixture
def with_sudo(ssh_fleet: SshFleet) -> Iterator[Path]:
    """A host whose `sudo` asks; what lies in the folder given changes how it answers."""
    sudo = ssh_fleet.bin_folder("web-016") / "sudo"
    sudo.write_text(SUDO)
    sudo.chmod(0o755)
    root = ssh_fleet.folder / "hosts" / "web-016" / "root"
    yield root
    sudo.unlink()
    for name in ("nobody", "nopasswd"):
        (root / name).unlink(missing_ok=True)


def answering(*answers: str | None) -> tuple[Callable[[str], object], list[str]]:
    asked: list[str] = []

    async def ask(prompt: str) -> str | None:
        asked.append(prompt)
        return answers[len(asked) - 1]

    return ask, asked


async def as_root(ssh_fleet: SshFleet, ask: object, line: str, stdin: bytes = b"") -> tuple[int | None, bytes, bytes]:
    async with opened(ssh_fleet, "web-016") as source, asyncio.timeout(PATIENCE):
        command = Command((line,), stdin, {"TOLD": "yes"}, ask)  # type: ignore[arg-type]
        result = await collect(source, host("web-016"), command)
        return result.exit_status, result.stdout, result.stderr


async def test_sudo_is_given_the_password_when_it_asks_and_the_command_never_sees_it(
    ssh_fleet: SshFleet, with_sudo: Path
) -> None:
    ask, asked = answering("s3cr3t word")
    line = 'echo "$SUDO_USER $TOLD"; cat; ps -ww -A -o args= | grep -c "s3cr3t[ ]word"'
    assert await as_root(ssh_fleet, ask, line, b"input\n") == (1, b"ana yes\ninput\n0\n", b"")
    assert asked == ["password for sudo"]


async def test_where_sudo_wants_no_password_nobody_is_asked(ssh_fleet: SshFleet, with_sudo: Path) -> None:
    (with_sudo / "nopasswd").touch()
    ask, asked = answering()
    assert await as_root(ssh_fleet, ask, "cat; exit 3", b"input") == (3, b"input", b"")
    assert asked == []


async def test_a_wrong_password_is_tried_once_and_told(ssh_fleet: SshFleet, with_sudo: Path) -> None:
    ask, _ = answering("wrong", "s3cr3t word")
    with pytest.raises(AuthFailed, match="does not take the password"):
        await as_root(ssh_fleet, ask, "id")


async def test_no_password_is_a_refusal(ssh_fleet: SshFleet, with_sudo: Path) -> None:
    ask, _ = answering(None)
    with pytest.raises(AuthFailed, match="got none"):
        await as_root(ssh_fleet, ask, "id")


async def test_what_sudo_refuses_is_told_in_its_own_words(ssh_fleet: SshFleet, with_sudo: Path) -> None:
    (with_sudo / "nobody").touch()
    ask, _ = answering("s3cr3t word")
    with pytest.raises(Forbidden, match="ana is not in the sudoers file"):
        await as_root(ssh_fleet, ask, "id")


def test_the_command_line_gathers_shows_differences_and_remembers(estate: str) -> None:
    line = 'printf "a\\nb\\n"; [ "$(hostname)" != web-015 ] || echo "$WORD"'
    ran = run("-i", estate, "exec", "--diff", "--env", "WORD=odd", "kind=host", "--", line)
    assert ran.out.splitlines() == [
        "--- web-[014,016] (2 nodes, exit 0)", "a", "b", "--- web-015 (1 node, exit 0)", "@@ -2 +2,2 @@", " b", "+odd",
    ]  # fmt: skip
    [told] = run("-i", estate, "history", "--json").json["commands"]
    assert (told["command"], told["query"], told["counts"]) == (line, "kind=host", {"ok": 3})


def test_a_batch_with_failures_is_the_last_on_the_command_line_too(estate: str) -> None:
    ran = run("-i", estate, "exec", "-b", "--batches", "1,100%", "kind=host", "--", "exit 4")
    assert (ran.status, ran.out) == (1, "--- web-014 (1 node, exit 4)\n")
    assert "web-[015-016]: not begun: batch 1 of 2 had failures" in ran.err


async def test_output_comes_while_the_command_runs(ssh_fleet: SshFleet) -> None:
    async with opened(ssh_fleet, "web-014") as source, asyncio.timeout(PATIENCE):
        pieces = source.start(host("web-014"), Command(("echo first; read -r line; sleep 1000",)))
        try:
            assert await anext(pieces) is None
            first = await anext(pieces)
            assert isinstance(first, Output)
            assert first.data == b"first\n"
        finally:
            await pieces.aclose()


def test_the_output_of_a_command_is_a_log_of_many_nodes(estate: str) -> None:
    line = 'echo one; echo two >&2; [ "$(hostname)" != web-015 ]'
    ran = run("-i", estate, "logs", "kind=host", "--json", "--command", line)
    found = [json.loads(text) for text in ran.out.splitlines()]
    assert sorted((one["name"], one["text"]) for one in found) == [
        (name, text) for name in HOSTS for text in ("one", "two")
    ]
    assert ran.status == 1
    assert "web-015: the command ended with exit 1" in ran.err
