"""The logs of a host's files: rotation, cutting and broken connections lose, double and leave behind nothing."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from calmtui.errors import SourceError
from calmtui.fleet.node import Node
from calmtui.logs.search import clock
from calmtui.providers.base import LogChunk, LogRequest
from tests.integration.ssh_live import host, opened
from tests.lab.fleet import SshFleet


async def test_the_last_lines_come_first_then_what_is_added_from_every_file(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-013")
    (folder / "a.log").write_text("".join(f"a{number}\n" for number in range(50)))
    (folder / "b.log").write_text("b0\nhalf")
    async with reading(ssh_fleet, "web-013", "*.log", LogRequest(tail=3)) as chunks:
        assert sorted(await _lines(chunks, 4)) == ["a47", "a48", "a49", "b0"]
        with (folder / "b.log").open("a") as file:
            file.write(" line\n")
        assert await _lines(chunks, 1) == ["half line"]


async def test_without_following_all_lines_come_and_the_stream_ends(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-013")
    wanted = [f"{number} \x1b[31m\xff" for number in range(30_000)]
    (folder / "big.log").write_bytes("\n".join(wanted).encode("latin-1") + b"\n")
    async with opened(ssh_fleet, "web-013", logs=["/var/log/fresh/big.log"]) as source:
        chunks = [chunk async for chunk in source.logs(host("web-013"), LogRequest(tail=None, follow=False))]
    assert [line.decode("latin-1") for chunk in chunks for _, line in chunk.lines] == wanted
    assert len(chunks) < 100


async def test_rotations_and_broken_connections_lose_and_double_nothing(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-014")
    writer = _Writer(folder / "app.log", lines=6000, rotate_every=1500)
    (folder / "app.log").touch()
    seen: list[str] = []
    notes: list[str] = []
    async with reading(ssh_fleet, "web-014", "app.log", LogRequest(tail=None)) as chunks, asyncio.timeout(60):
        writer.start()
        cuts = 0
        while not seen or seen[-1] != str(writer.lines - 1):
            chunk = await anext(chunks)
            seen += [line.decode() for _, line in chunk.lines]
            notes += [chunk.note] if chunk.note else []
            if len(seen) > (cuts + 1) * 1700 and cuts < 3:
                cuts += 1
                ssh_fleet.cut("web-014")
    writer.join()
    assert seen == [str(number) for number in range(writer.lines)]
    lost = sum("connection lost" in note for note in notes)
    assert sum("resumed where it broke off" in note for note in notes) == lost
    assert lost >= 2  # the third cut may fall into the reconnect after the second
    assert sum("rotated" in note for note in notes) >= 2
    assert not any("gap" in note for note in notes)


async def test_a_file_that_is_cut_or_gone_after_a_loss_is_said(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-015")
    path = folder / "app.log"
    path.write_text("one\n")
    async with reading(ssh_fleet, "web-015", "app.log", LogRequest()) as chunks:
        assert await _lines(chunks, 1) == ["one"]
        os.truncate(path, 0)
        assert "cut" in await _note(chunks)
        path.write_text("two\n")
        assert await _lines(chunks, 1) == ["two"]
        path.rename(folder / "elsewhere")
        path.write_text("three\n")
        assert "gap" in await _note(chunks)
        assert await _lines(chunks, 1) == ["three"]


async def test_a_big_file_is_read_from_where_the_lines_since_a_time_begin(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-013")
    now = int(time.time())
    times = [datetime.fromtimestamp(now - 20_000 + second, UTC) for second in range(20_001)]
    stamped = [f"{at:%Y-%m-%dT%H:%M:%SZ} {number:05d} {'x' * 60}" for number, at in enumerate(times)]
    elsewhere = [line.replace("Z", "") for line in stamped[:12_000]]  # as of a zone that nothing tells
    for name, lines in (("app.log.1", stamped[:12_000]), ("app.log", stamped[12_000:]), ("local.log", elsewhere)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    os.utime(folder / "app.log.1", (now - 8_001, now - 8_001))
    async with opened(ssh_fleet, "web-013", logs=["/var/log/fresh/*.log"]) as source:
        for since, wanted in ((now - 9_000, stamped[11_000:]), (now - 100, stamped[19_900:])):
            request = LogRequest(tail=None, since=since, follow=False, clock=clock)
            chunks = [chunk async for chunk in source.logs(host("web-013"), request)]
            came = {path: [line for c in chunks if c.stream == path for _, line in c.lines] for path in _paths(chunks)}
            assert came["/var/log/fresh/app.log"] == [line.encode() for line in wanted]
            assert len(came["/var/log/fresh/local.log"]) == 12_000  # nothing is left out for a time that is misread


async def test_no_reader_is_left_on_the_host_when_a_log_is_closed(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-016")
    (folder / "app.log").write_text("x\n")
    async with opened(ssh_fleet, "web-016", logs=["/var/log/fresh/app.log"]) as source:
        async with aclosing(source.logs(host("web-016"), LogRequest())) as chunks:
            await _lines(chunks, 1)
            assert any("calmtui-logs" in line for line in ssh_fleet.processes("web-016"))
        await _nothing_runs(ssh_fleet, "web-016")


async def test_patterns_that_match_no_file_are_named_and_waited_for_or_an_error(ssh_fleet: SshFleet) -> None:
    folder = _fresh(ssh_fleet, "web-013")
    async with opened(ssh_fleet, "web-013", logs=["/var/log/fresh/*.none"]) as source:
        with pytest.raises(SourceError, match=r"/var/log/fresh/\*\.none"):
            await anext(source.logs(host("web-013"), LogRequest(follow=False)))
        async with aclosing(source.logs(host("web-013"), LogRequest())) as chunks:
            assert "/var/log/fresh/*.none" in await _note(chunks)
            (folder / "new.none").write_text("first\n")
            assert await _lines(chunks, 1) == ["first"]


@asynccontextmanager
async def reading(
    fleet: SshFleet, name: str, pattern: str, request: LogRequest
) -> AsyncIterator[AsyncGenerator[LogChunk, None]]:
    """The log of one host, from files of its `/var/log/fresh`."""
    async with (
        opened(fleet, name, logs=[f"/var/log/fresh/{pattern}"]) as source,
        aclosing(source.logs(host(name), request)) as chunks,
    ):
        yield chunks


@asynccontextmanager
async def journal(fleet: SshFleet, name: str) -> AsyncIterator[AsyncGenerator[LogChunk, None]]:
    """A unit's journal. The lab's hosts keep none: `journalctl` is a stand-in that serves entries in its format."""
    command = fleet.bin_folder(name) / "journalctl"
    command.write_text(_JOURNALCTL)
    command.chmod(0o755)
    unit = Node(id=f"ssh:f/{name}/app.service", kind="unit", name="app.service", source="f", parent=f"ssh:f/{name}")
    try:
        async with opened(fleet, name) as source, aclosing(source.logs(unit, LogRequest(tail=2))) as chunks:
            yield chunks
    finally:
        command.unlink()


async def test_a_units_journal_goes_on_after_its_cursor_when_the_connection_breaks(ssh_fleet: SshFleet) -> None:
    async with journal(ssh_fleet, "web-017") as chunks:
        assert await _lines(chunks, 2) == ["app.service: entry 0", "app.service: entry 1"]
        ssh_fleet.cut("web-017")
        assert "connection lost" in await _note(chunks)
        assert await _lines(chunks, 2) == ["app.service: entry 2", "app.service: entry 3"]
    await _nothing_runs(ssh_fleet, "web-017")


async def test_entries_that_left_the_journal_while_the_connection_was_lost_are_a_gap(ssh_fleet: SshFleet) -> None:
    vacuumed = ssh_fleet.log_folder("web-017") / "vacuumed"
    try:
        async with journal(ssh_fleet, "web-017") as chunks:
            assert len(await _lines(chunks, 2)) == 2
            vacuumed.touch()
            ssh_fleet.cut("web-017")
            note = ""
            while "gap" not in note:
                note = await _note(chunks)
            assert "the whole host wrote 5 entries in between" in note
            assert await _lines(chunks, 3) == [f"app.service: entry {number}" for number in (7, 8, 9)]
    finally:
        vacuumed.unlink(missing_ok=True)


_JOURNALCTL = """#!/bin/sh
first=0 last=1
for word; do case $word in --cursor=*) first=${word#*=} last=$((first + 2)) ;; --unit=*) unit=${word#*=} ;; esac; done
[ ! -e /var/log/vacuumed ] || { first=7 last=9; }
while [ $first -le $last ]; do
  printf '{"__CURSOR":"%s","__REALTIME_TIMESTAMP":"1763690000000000","__SEQNUM":"%s","__SEQNUM_ID":"a",' $first $first
  printf '"SYSLOG_IDENTIFIER":"%s","MESSAGE":"entry %s"}\\n' "$unit" $first
  first=$((first + 1))
done
exec sleep 60
"""


class _Writer(threading.Thread):
    """Writes numbered lines, renaming the file now and then and writing on into it for a moment, as daemons do."""

    def __init__(self, path: Path, lines: int, rotate_every: int) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.lines = lines
        self.rotate_every = rotate_every

    def run(self) -> None:
        file = self.path.open("a")
        for number in range(self.lines):
            if number and number % self.rotate_every == 0:
                self.path.rename(self.path.with_name(f"{self.path.name}.{number:06d}"))
            if number % self.rotate_every == 20 and number > self.rotate_every:
                file.close()
                file = self.path.open("a")
            file.write(f"{number}\n")
            if number % 20 == 19:
                file.flush()
                time.sleep(0.01)
        file.close()


def _paths(chunks: list[LogChunk]) -> set[str]:
    return {chunk.stream for chunk in chunks}


def _fresh(fleet: SshFleet, name: str) -> Path:
    folder = fleet.log_folder(name) / "fresh"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder


async def _nothing_runs(fleet: SshFleet, name: str) -> None:
    """Wait until no reader is left on the host."""
    async with asyncio.timeout(60):
        while any("calmtui-" in line or "sleep" in line for line in fleet.processes(name)):
            await asyncio.sleep(0.05)


async def _lines(chunks: AsyncGenerator[LogChunk, None], count: int) -> list[str]:
    seen: list[str] = []
    async with asyncio.timeout(45):
        while len(seen) < count:
            seen += [line.decode() for _, line in (await anext(chunks)).lines]
    return seen


async def _note(chunks: AsyncGenerator[LogChunk, None]) -> str:
    async with asyncio.timeout(45):
        while not (note := (await anext(chunks)).note):
            pass
    return note
