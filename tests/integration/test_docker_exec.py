"""Commands, shells, descriptions and events of real containers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from calmtui.errors import SourceError
from calmtui.fleet.node import Node
from calmtui.providers.base import MASK
from calmtui.providers.docker.source import DockerSource
from tests.integration.commands import run
from tests.integration.docker_live import live, opened, until
from tests.lab.docker import DockerEngine

LABEL = "calmtui.test=exec"
BOX = Node(id="docker:engine/exec-box", kind="container", name="exec-box", source="engine")


@pytest.fixture(scope="module")
def box(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    """An engine with a container `exec-box`."""
    docker_engine.run("exec-box", "--label", LABEL, "--init", "-e", "DB_PASSWORD=hunter2 and more", "-e", "PORT=80")
    yield docker_engine
    docker_engine.cli("rm", "-f", *docker_engine.cli("ps", "-aq", "--filter", f"label={LABEL}").split())


@pytest.fixture
async def source(box: DockerEngine) -> AsyncIterator[DockerSource]:
    source = opened(Path("/"), host=box.host)
    yield source
    await source.close()


async def test_a_command_gives_its_output_apart_and_its_status(source: DockerSource) -> None:
    result = await run(source, BOX, ["echo out; echo err >&2; exit 3"])
    assert (result.exit_status, result.stdout, result.stderr, result.note) == (3, b"out\n", b"err\n", "")


async def test_arguments_are_never_split_or_expanded(source: DockerSource) -> None:
    result = await run(source, BOX, ["printf", "[%s]", "a b", "$HOME", "; false", "'"])
    assert result.stdout == b"[a b][$HOME][; false][']"


async def test_output_that_comes_at_once_is_whole(source: DockerSource) -> None:
    """What arrives in one packet with the answer's head is easily lost: ten times, as it is a matter of chance."""
    results = await asyncio.gather(*(run(source, BOX, ["echo first; seq 2000"]) for _ in range(10)))
    assert {result.stdout for result in results} == {b"first\n" + b"".join(b"%d\n" % n for n in range(1, 2001))}


async def test_stdin_reaches_the_command_and_ends(source: DockerSource) -> None:
    sent = bytes(range(256)) * 4096
    result = await run(source, BOX, ["cat"], stdin=sent)
    assert (result.exit_status, result.stdout) == (0, sent)


async def test_stdin_that_nobody_reads_does_not_hang(source: DockerSource) -> None:
    result = await run(source, BOX, ["exit 4"], stdin=b"x" * 1_000_000, timeout=10)
    assert result.exit_status == 4


async def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(
    box: DockerEngine, source: DockerSource
) -> None:
    with pytest.raises(TimeoutError):
        await run(source, BOX, ["sleep 4321 & sleep 4322"], timeout=0.5)
    assert "432" not in box.cli("top", "exec-box")


async def test_a_command_that_ignores_term_is_killed(box: DockerEngine, source: DockerSource) -> None:
    with pytest.raises(TimeoutError):
        await run(source, BOX, ["trap '' TERM; while :; do sleep 0.1; done"], timeout=0.3)
    assert "while" not in box.cli("top", "exec-box")


async def test_a_command_that_is_not_there_says_so(source: DockerSource) -> None:
    result = await run(source, BOX, ["no-such-command", "-x"])
    assert result.exit_status in {126, 127}
    assert b"no-such-command" in result.stdout + result.stderr


async def test_a_stopped_container_runs_nothing_and_says_why(box: DockerEngine, source: DockerSource) -> None:
    box.cli("create", "--name", "exec-off", "--network", "none", "--label", LABEL, "lab:latest")
    off = Node(id="docker:engine/exec-off", kind="container", name="exec-off", source="engine")
    with pytest.raises(SourceError, match="is not running"):
        await run(source, off, ["true"])


async def test_a_shell_has_a_terminal_of_the_right_kind_and_size(box: DockerEngine, source: DockerSource) -> None:
    shell = await source.shell(BOX, term="xterm-lab", columns=97, rows=31)
    output = bytearray()

    async def read() -> None:
        while data := await shell.read():
            output.extend(data)

    reading = asyncio.create_task(read())
    await until(lambda: b"# " in output)
    await until(lambda: shell._resizing is not None and shell._resizing.done())
    shell.write(b"stty size; echo term=$TERM\n")
    await until(lambda: b"31 97" in output and b"term=xterm-lab" in output)
    shell.resize(60, 20)
    await until(lambda: shell._resizing is not None and shell._resizing.done())
    shell.write(b"stty size\n")
    await until(lambda: b"20 60" in output)
    shell.write(b"exit 5\n")
    await asyncio.wait_for(reading, 10)
    assert await shell.close() == 5


async def test_a_shell_that_is_closed_leaves_nothing_behind(box: DockerEngine, source: DockerSource) -> None:
    shell = await source.shell(BOX, term="dumb", columns=80, rows=24)
    shell.write(b"sleep 5432\n")
    await until(lambda: "5432" in box.cli("top", "exec-box"))
    assert await shell.close() is None
    await until(lambda: "5432" not in box.cli("top", "exec-box"))


async def test_a_description_is_the_inspection_with_secrets_masked(box: DockerEngine, source: DockerSource) -> None:
    described = await source.describe(BOX)
    inspected = json.loads(box.cli("inspect", "exec-box"))[0]
    assert list(described) == list(inspected)
    assert described["Config"]["Image"] == "lab:latest"
    assert f"DB_PASSWORD={MASK}" in described["Config"]["Env"]
    assert "PORT=80" in described["Config"]["Env"]
    assert "hunter2" not in json.dumps(described)


async def test_the_events_of_a_container_are_its_own_and_in_order(box: DockerEngine) -> None:
    box.run("exec-ev", "--label", LABEL, "--init")
    box.cli("stop", "exec-ev")
    box.cli("restart", "exec-box")
    async with live(box.host) as lab:
        events = await lab.source.events(lab.node("exec-ev"))
    assert [event.reason for event in events] == ["create", "start", "kill", "die", "stop"]
    assert events[3].text == "exec-ev exited 143"
    assert not any(event.trouble for event in events)
    assert [event.at for event in events] == sorted(event.at for event in events)
