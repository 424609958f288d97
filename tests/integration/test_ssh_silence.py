"""What a log reader does when the other side is gone without a word, on both sides; and when it is faster than us."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import pytest

from calmtui.providers.base import LogRequest
from calmtui.providers.ssh import session, stream
from tests.integration.program import ARGV, write_estate
from tests.integration.ssh_live import host, opened
from tests.integration.test_ssh_logs import _fresh, _lines, _note, _nothing_runs
from tests.lab.fleet import SshFleet


class Wire:
    """A way to a host that can go dead without a word, as a cut network does, and be whole again."""

    def __init__(self) -> None:
        self.whole = asyncio.Event()
        self.whole.set()
        self.passed = 0
        """Bytes from the host to us."""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        """Bytes of one direction; those that come while the wire is dead wait."""
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await self.whole.wait()
                self.passed += len(data) * back
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def wired(fleet: SshFleet, name: str, tmp_path: Path) -> AsyncIterator[tuple[Wire, Path]]:
    """A wire to a host, and the ssh_config that leads over it."""
    wire = Wire()
    tasks: list[asyncio.Task[None]] = []

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", fleet.port(name))
        both = wire.carry(reader, back, back=False), wire.carry(there, writer, back=True)
        tasks.extend(asyncio.create_task(one) for one in both)

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    public = " ".join((fleet.folder / "hostkey.pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {public}\n")
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n  User root\n  IdentityFile {fleet.identity}\n"
        f"  UserKnownHostsFile {known}\n"
    )
    try:
        yield wire, config
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_nothing_is_left_on_the_host_when_the_program_is_killed(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    folder = _fresh(ssh_fleet, "web-018")
    (folder / "app.log").write_text("line\n")
    estate = write_estate(
        tmp_path,
        f"name: lab\nsources:\n  fleet: {{provider: ssh, ssh_config: '{ssh_fleet.ssh_config}', hosts: web-018,"
        " logs: [/var/log/fresh/app.log]}\n",
    )
    argv = [*ARGV, "-i", str(estate), "logs", "web-018", "-f", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        try:
            assert b"line" in await asyncio.to_thread(program.stdout.readline)
            assert any("calmtui-logs" in line for line in ssh_fleet.processes("web-018"))
        finally:
            program.kill()
    await _nothing_runs(ssh_fleet, "web-018")


async def test_a_cut_network_ends_the_reader_on_the_host_and_reading_goes_on_when_it_is_back(
    ssh_fleet: SshFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.5)
    monkeypatch.setattr(stream, "LEFT", 3)
    monkeypatch.setattr(stream, "OPENING", 3.0)
    monkeypatch.setattr(session, "SILENCE", 12.0)
    folder = _fresh(ssh_fleet, "web-019")
    (folder / "app.log").write_text("one\n")
    async with (
        wired(ssh_fleet, "web-019", tmp_path) as (wire, config),
        opened(ssh_fleet, "web-019", logs=["/var/log/fresh/app.log"], ssh_config=config) as source,
        aclosing(source.logs(host("web-019"), LogRequest())) as chunks,
    ):
        assert await _lines(chunks, 1) == ["one"]
        wire.whole.clear()
        lost = asyncio.create_task(_note(chunks))
        await _nothing_runs(ssh_fleet, "web-019")
        with (folder / "app.log").open("a") as file:
            file.write("two\n")
        assert "nothing was heard" in await lost
        wire.whole.set()
        assert await _lines(chunks, 1) == ["two"]


async def test_a_host_that_sends_as_fast_as_it_can_waits_for_a_slow_reader(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    folder = _fresh(ssh_fleet, "web-020")
    count, size = 400_000, 100
    with (folder / "big.log").open("w") as file:
        file.writelines(f"{number:0{size - 1}d}\n" for number in range(count))
    async with (
        wired(ssh_fleet, "web-020", tmp_path) as (wire, config),
        opened(ssh_fleet, "web-020", logs=["/var/log/fresh/big.log"], ssh_config=config) as source,
        aclosing(source.logs(host("web-020"), LogRequest(tail=None, follow=False))) as chunks,
    ):
        first = await anext(chunks)
        while not first.lines:
            first = await anext(chunks)
        assert first.behind  # it can be seen that more is waiting
        before = -1
        while wire.passed != before:  # until nothing more comes, though nobody reads
            before = wire.passed
            await asyncio.sleep(1)
        assert wire.passed < 3_000_000 < count * size
        seen = len(first.lines)
        async for chunk in chunks:
            for _, line in chunk.lines:
                assert int(line) == seen
                seen += 1
        assert seen == count
