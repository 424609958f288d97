"""`calmtui exec`, `act` and `shell` as processes, in real containers; checked with docker's own client."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.program import ARGV, OnTerminal, run, write_estate
from tests.lab.docker import DockerEngine
from tests.lab.tmux import Tmux

pytestmark = pytest.mark.lab
NAMES = ("calm-a", "calm-b", "calm-c")


@pytest.fixture(scope="module")
def containers(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    docker_engine.cli("rm", "-f", *NAMES, check=False)
    for name in NAMES:
        docker_engine.run(name)
    yield docker_engine
    docker_engine.cli("rm", "-f", *NAMES, check=False)


@pytest.fixture
def estate(containers: DockerEngine, tmp_path: Path) -> str:
    for name in NAMES:
        containers.cli("start", name)
    return str(
        write_estate(tmp_path, f'name: lab\nsources:\n  engine: {{provider: docker, host: "{containers.host}"}}\n')
    )


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(engine: DockerEngine) -> set[str]:
    return set(engine.cli("ps", "--format", "{{.Names}}", "--filter", "name=calm-").split())


def test_exec_prints_each_line_behind_its_node_and_keeps_the_two_outputs_apart(estate: str) -> None:
    ran = run("-i", estate, "exec", "calm-", "--", "echo out; echo more; echo err >&2")
    assert ran.status == 0
    assert sorted(ran.out.splitlines()) == sorted(f"{name}: {text}" for name in NAMES for text in ("out", "more"))
    assert sorted(ran.err.splitlines()) == [f"{name}: err" for name in NAMES]


def test_exec_passes_several_words_as_they_are(estate: str) -> None:
    ran = run("-i", estate, "exec", "calm-a", "--", "echo", "two  spaces", "$HOME", ";", "*")
    assert ran.out == "calm-a: two  spaces $HOME ; *\n"


def test_exec_tells_who_failed_and_exits_with_1(estate: str) -> None:
    ran = run(
        "-i",
        estate,
        "exec",
        "calm-",
        "--json",
        "--",
        "[ -e /only ] || exit 7; echo there",
    )
    assert ran.status == 1
    assert {outcome["exit_status"] for outcome in ran.json["outcomes"]} == {7}
    plain = run("-i", estate, "exec", "calm-a", "--", "exit 7")
    assert (plain.status, plain.out, plain.err) == (1, "", "calm-a: exit 7\n")


def test_exec_as_json_has_output_and_status_of_every_node(estate: str) -> None:
    ran = run("-i", estate, "exec", "calm-", "--json", "--", "hostname; echo bad >&2")
    assert ran.status == 0
    assert [outcome["name"] for outcome in ran.json["outcomes"]] == list(NAMES)
    for outcome in ran.json["outcomes"]:
        assert (outcome["status"], outcome["exit_status"], outcome["stderr"]) == ("ok", 0, "bad\n")
        assert outcome["stdout"].endswith("\n")
        assert outcome["took_ms"] >= 0


def test_output_of_a_command_cannot_write_to_the_terminal(estate: str) -> None:
    with OnTerminal(
        "-i", estate, "exec", "calm-a", "--", r"printf '\033]0;title\007\033[2Jhello\n'", NO_COLOR="1"
    ) as ran:
        assert ran.end() == 0
    assert b"\x1b" not in ran.seen
    assert "␛]0;title␇␛[2Jhello".encode() in ran.seen


def test_exec_ends_a_command_that_takes_too_long(estate: str) -> None:
    began = time.monotonic()
    ran = run("-i", estate, "exec", "calm-a", "--timeout", "1", "--", "sleep 300")
    assert ran.status == 1
    assert time.monotonic() - began < 20
    assert "calm-a: failed: " in ran.err


def test_ctrl_c_tells_what_is_known_and_what_is_not_and_exits_with_130(estate: str, containers: DockerEngine) -> None:
    containers.cli("exec", "calm-a", "touch", "/quick")
    argv = [*ARGV, "-i", estate, "exec", "calm-", "--", "if [ -e /quick ]; then echo quick; else sleep 300; fi"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == b"calm-a: quick\n"
        until(lambda: all("sleep 300" in containers.cli("top", name) for name in NAMES[1:]))
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=30)
    assert command.returncode == 130
    assert out == b""
    *unknown, last = err.decode().splitlines()
    text = "unknown: cancelled: the command was told to end there"
    assert sorted(unknown) == [f"{name}: {text}" for name in NAMES[1:]]
    assert last == "calmtui: interrupted"
    until(lambda: not any("sleep 300" in containers.cli("top", name) for name in NAMES))


def test_act_stops_what_the_query_selects(estate: str, containers: DockerEngine) -> None:
    ran = run("-i", estate, "act", "kill", "name=calm-a or name=calm-b", "--yes")
    assert ran.status == 0, ran
    assert running(containers) == {"calm-c"}


def test_a_shell_takes_the_terminal_follows_its_size_and_gives_it_back(estate: str) -> None:
    with Tmux(80, 24) as terminal:
        terminal.run([*ARGV, "-i", estate, "shell", "calm-a"])
        terminal.wait("shell on calm-a", "~ #")
        terminal.type("echo $((6 * 7)) $(stty size < /dev/tty)\n")
        terminal.wait("42 24 80")
        terminal.resize(100, 30)
        terminal.type("until stty size < /dev/tty | grep 30.100; do sleep 0.1; done\n")
        terminal.wait("30 100")
        terminal.type("exit 3\n")
        terminal.wait_ended()
        terminal.type("echo back with $? $(stty -a | tr ' ;' '\\n' | grep -c -x -e icanon -e echo)\n")
        terminal.wait("back with 0 2")


def test_a_shell_that_hangs_is_left_with_enter_tilde_dot(estate: str) -> None:
    with Tmux(80, 24) as terminal:
        terminal.run([*ARGV, "-i", estate, "shell", "calm-a"])
        terminal.wait("shell on calm-a", "~ #")
        terminal.type("sleep 300\n")
        terminal.type("~.")
        terminal.wait_ended()
        terminal.type("echo back with $?\n")
        terminal.wait("back with 0")
