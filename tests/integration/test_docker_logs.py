"""Logs of containers as Docker keeps them: raw, timed, through restarts, removals and the engine's death."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from calmtui.errors import NodeGone, SourceError
from calmtui.fleet.node import Node
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.docker import reading
from calmtui.providers.docker.source import DockerSource
from tests.integration.docker_live import live, opened, until
from tests.lab.docker import DockerEngine

LABEL = "calmtui.test=logs"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    yield docker_engine
    names = docker_engine.cli("ps", "-aq", "--filter", f"label={LABEL}").split()
    if names:
        docker_engine.cli("rm", "-f", *names)


def write(engine: DockerEngine, name: str, script: str, *args: str) -> Node:
    """A container that runs a script; its node."""
    engine.run(name, "--label", LABEL, "--init", *args, command=("sh", "-c", script))
    return Node(id=f"docker:engine/{name}", kind="container", name=name, source="engine", offers=("logs",))


async def read(source: DockerSource, node: Node, **request: object) -> list[bytes]:
    """Every line of a log that is not followed."""
    asked = LogRequest(**{"tail": None, "follow": False} | request)  # type: ignore[arg-type]
    return [text async for chunk in source.logs(node, asked) for _, text in chunk.lines]


class Following:
    """A followed log, collected."""

    def __init__(self) -> None:
        self.chunks: list[LogChunk] = []

    @property
    def lines(self) -> list[bytes]:
        return [text for chunk in self.chunks for _, text in chunk.lines]

    @property
    def notes(self) -> list[str]:
        return [chunk.note for chunk in self.chunks if chunk.note]


@contextlib.asynccontextmanager
async def followed(source: DockerSource, node: Node) -> AsyncIterator[Following]:
    collected = Following()

    async def collect() -> None:
        async for chunk in source.logs(node, LogRequest(tail=None)):
            collected.chunks.append(chunk)

    task = asyncio.create_task(collect())
    try:
        yield collected
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await source.close()


async def test_both_streams_come_in_order_with_their_times(engine: DockerEngine) -> None:
    node = write(engine, "log-both", "echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; sleep 1000")
    await until(lambda: "three" in engine.cli("logs", "log-both"))
    source = opened(Path("/"), host=engine.host)
    asked = LogRequest(tail=None, follow=False)
    lines = [line for chunk in [chunk async for chunk in source.logs(node, asked)] for line in chunk.lines]
    assert [text for _, text in lines] == [b"one", b"two", b"three"]
    times = [at or 0 for at, _ in lines]
    assert times == sorted(times)
    assert all(abs(at / 1e9 - time.time()) < 60 for at in times)
    await source.close()


async def test_tail_and_since_say_where_to_begin(engine: DockerEngine) -> None:
    node = write(engine, "log-tail", "for n in 1 2 3 4; do echo line $n; done; sleep 0.3; echo late; sleep 1000")
    await until(lambda: "late" in engine.cli("logs", "log-tail"))
    source = opened(Path("/"), host=engine.host)
    assert await read(source, node, tail=2) == [b"line 4", b"late"]
    asked = LogRequest(tail=1, follow=False)
    last = [chunk async for chunk in source.logs(node, asked)][-1].lines[-1][0] or 0
    assert await read(source, node, since=last / 1e9 - 0.1) == [b"late"]
    await source.close()


async def test_escape_sequences_and_broken_utf8_arrive_as_they_were_written(engine: DockerEngine) -> None:
    script = r"printf '\033]0;owned\007\033[31mred\033[0m\r\377\t\n'; sleep 1000"
    node = write(engine, "log-raw", script, "--log-driver", "local")  # the default one keeps valid UTF-8 only
    source = opened(Path("/"), host=engine.host)
    async with followed(source, node) as log:
        await until(lambda: log.lines)
        assert log.lines == [b"\x1b]0;owned\x07\x1b[31mred\x1b[0m\r\xff\t"]


async def test_a_terminals_log_has_its_lines_without_frames(engine: DockerEngine) -> None:
    node = write(engine, "log-tty", "echo one; echo two; sleep 1000", "-t")
    source = opened(Path("/"), host=engine.host)
    async with followed(source, node) as log:
        await until(lambda: len(log.lines) == 2)
        assert log.lines == [b"one", b"two"]
        assert all(at is not None for chunk in log.chunks for at, _ in chunk.lines)


async def test_a_line_longer_than_the_engine_keeps_in_one_piece_is_one_line(engine: DockerEngine) -> None:
    node = write(engine, "log-long", "head -c 50000 /dev/zero | tr '\\0' x; echo; echo after; sleep 1000")
    source = opened(Path("/"), host=engine.host)
    async with followed(source, node) as log:
        await until(lambda: b"after" in log.lines)
        assert log.lines == [b"x" * 50000, b"after"]


async def test_many_lines_come_in_few_chunks(engine: DockerEngine) -> None:
    node = write(engine, "log-many", "seq 20000; echo done; sleep 1000")
    await until(lambda: engine.cli("logs", "--tail", "1", "log-many") == "done")
    source = opened(Path("/"), host=engine.host)
    asked = LogRequest(tail=None, follow=False)
    chunks = [chunk async for chunk in source.logs(node, asked)]
    assert [text for chunk in chunks for _, text in chunk.lines] == [b"%d" % n for n in range(1, 20001)] + [b"done"]
    assert len(chunks) < 2000  # as many as the engine sends pieces, not one a line
    await source.close()


async def test_a_restart_is_followed_with_a_note_and_no_line_twice(engine: DockerEngine) -> None:
    node = write(engine, "log-restart", "echo began; sleep 1000")
    source = opened(Path("/"), host=engine.host)
    async with followed(source, node) as log:
        await until(lambda: log.lines)
        await asyncio.to_thread(engine.cli, "restart", "log-restart")
        await until(lambda: len(log.lines) == 2 and "log-restart started" in log.notes)
        assert log.lines == [b"began", b"began"]


async def test_a_container_that_stops_is_waited_for(engine: DockerEngine) -> None:
    node = write(engine, "log-stop", "echo began; sleep 1000")
    source = opened(Path("/"), host=engine.host)
    async with followed(source, node) as log:
        await until(lambda: log.lines)
        await asyncio.to_thread(engine.cli, "stop", "log-stop")
        await until(lambda: log.notes)
        assert log.notes == ["log-stop exited 143; waiting for it to start"]
        await asyncio.to_thread(engine.cli, "start", "log-stop")
        await until(lambda: len(log.lines) == 2)


async def test_a_container_made_anew_under_its_name_is_followed_on(engine: DockerEngine) -> None:
    node = write(engine, "log-anew", "echo old; sleep 1000")
    source = opened(Path("/"), host=engine.host)
    async with followed(source, node) as log:
        await until(lambda: log.lines)
        await asyncio.to_thread(engine.cli, "rm", "-f", "log-anew")
        await until(lambda: log.notes)
        write(engine, "log-anew", "echo new; sleep 1000", "-t")
        await until(lambda: log.lines == [b"old", b"new"])


async def test_the_engines_death_is_a_note_and_nothing_is_lost_or_doubled(engine: DockerEngine) -> None:
    node = write(engine, "log-death", "echo $(date +%s) ; n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done")
    async with live(engine.host) as lab, followed(lab.source, node) as log:
        await until(lambda: len(log.lines) > 20)
        engine.kill()
        await until(lambda: any("connection lost" in note for note in log.notes))
        before = len(log.lines)
        await asyncio.to_thread(engine.start)
        await asyncio.to_thread(engine.cli, "start", "log-death")
        await until(lambda: len(log.lines) > before + 20)
        kept = engine.cli("logs", "log-death").encode().split()
        assert log.lines == kept[: len(log.lines)]


async def test_a_projects_log_is_its_members_together(engine: DockerEngine) -> None:
    for service in ("web", "db"):
        labels = [f"--label=com.docker.compose.service={service}", "--label=com.docker.compose.project=logshop"]
        write(engine, f"logshop-{service}", f"echo from {service}; sleep 1000", *labels)
    async with live(engine.host) as lab, followed(lab.source, lab.node("compose/logshop")) as log:
        await until(lambda: len(log.lines) == 2)
        told = {chunk.stream: chunk.lines[0][1] for chunk in log.chunks}
        assert told == {"logshop-web": b"from web", "logshop-db": b"from db"}


async def test_a_container_that_is_gone_or_keeps_no_log_says_so(engine: DockerEngine) -> None:
    source = opened(Path("/"), host=engine.host)
    missing = Node(id="docker:engine/nobody", kind="container", name="nobody", source="engine")
    with pytest.raises(NodeGone, match="nobody"):
        await read(source, missing)
    with pytest.raises(SourceError, match="does not support reading"):
        await read(source, write(engine, "log-none", "echo unheard; sleep 1000", "--log-driver", "none"))
    await source.close()


async def test_a_rotated_log_is_read_whole_while_it_is_kept_and_what_is_gone_is_a_gap(engine: DockerEngine) -> None:
    """Debian's engine itself skips and repeats lines of a followed log at each rotation."""
    options = ("--log-opt", "max-size=30k", "--log-opt", "max-file=3")
    node = write(engine, "log-rotated", "sleep 1000", *options)
    source = opened(Path("/"), host=engine.host)

    async def count(first: int, last: int) -> list[int]:
        """What has been read once the container has written those numbers."""
        script = f"seq {first} {last} > /proc/1/fd/1"
        await asyncio.to_thread(engine.cli, "exec", "log-rotated", "sh", "-c", script)
        await until(lambda: b"%d" % last in log.lines)
        return [int(line) for line in log.lines]

    async with followed(source, node) as log:
        for last in range(300, 3001, 300):  # 25 kB each
            assert await count(last - 299, last) == list(range(1, last + 1))
        assert log.notes == []
        numbers = await count(3001, 90000)
        assert numbers == sorted(set(numbers))
        jumps = sum(after - before > 1 for before, after in itertools.pairwise(numbers))
        assert jumps == sum(chunk.gap for chunk in log.chunks) > 0
        assert "rotated" in log.notes[0]


async def test_a_followed_log_that_says_nothing_any_more_is_found_out(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "QUIET", 0.3)
    node = write(engine, "log-stalled", "echo one; sleep 1000")
    async with deaf_socket(engine, tmp_path / "s") as deaf:
        source = opened(Path("/"), host=f"unix://{tmp_path / 's'}")
        async with followed(source, node) as log:
            await until(lambda: log.lines == [b"one"])
            deaf.set()
            await asyncio.to_thread(engine.cli, "exec", "log-stalled", "sh", "-c", "echo two > /proc/1/fd/1")
            await until(lambda: log.lines == [b"one", b"two"])
            assert any("stopped sending" in note for note in log.notes)


@contextlib.asynccontextmanager
async def deaf_socket(engine: DockerEngine, path: Path) -> AsyncIterator[asyncio.Event]:
    """The engine's socket at another path. Once the event is set, connections that are open carry nothing back."""
    deaf = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun_deaf = deaf.is_set()
        from_engine, to_engine = await asyncio.open_unix_connection(str(engine.socket))

        async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, back: bool) -> None:
            while piece := await source.read(65536):
                if back and deaf.is_set() and not begun_deaf:
                    continue
                target.write(piece)
            target.close()

        both = [carry(reader, to_engine, back=False), carry(from_engine, writer, back=True)]
        await asyncio.gather(*both, return_exceptions=True)

    server = await asyncio.start_unix_server(serve, str(path))
    yield deaf
    server.close()


async def test_new_members_of_a_followed_project_join_and_removed_ones_are_told_of(engine: DockerEngine) -> None:
    def service(name: str) -> None:
        labels = [f"--label=com.docker.compose.service={name}", "--label=com.docker.compose.project=logjoin"]
        write(engine, f"logjoin-{name}", f"echo from {name}; sleep 1000", *labels)

    service("web")
    async with live(engine.host) as lab, followed(lab.source, lab.node("compose/logjoin")) as log:
        await until(lambda: log.lines == [b"from web"])
        await asyncio.to_thread(service, "late")
        await until(lambda: log.lines == [b"from web", b"from late"])
        assert log.notes == ["logjoin-late joined logjoin"]
        await asyncio.to_thread(engine.cli, "rm", "-f", "logjoin-web")
        await until(lambda: "logjoin-web was removed" in log.notes)
        await asyncio.to_thread(service, "web")
        await until(lambda: log.lines == [b"from web", b"from late", b"from web"])
