"""A unit's journal over SSH, with the real journalctl on real journal files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

import pytest

from calmtui.fleet.node import Node
from calmtui.providers.base import LogChunk, LogRequest
from tests.integration.ssh_live import opened
from tests.lab.fleet import SshFleet
from tests.lab.journal import HostJournal

HOST = "web-018"
UNIT = Node(id=f"ssh:f/{HOST}/app.service", kind="unit", name="app.service", source="f", parent=f"ssh:f/{HOST}")


@pytest.fixture
def journal(ssh_fleet: SshFleet) -> Iterator[HostJournal]:
    with HostJournal(ssh_fleet, HOST) as journal:
        yield journal


class Read:
    """What has come of a journal."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.gaps = 0
        self.position = ""

    async def until(self, chunks: AsyncGenerator[LogChunk, None], holds: Callable[[], bool]) -> None:
        """Read on until something holds of it."""
        async with asyncio.timeout(45):
            while not holds():
                chunk = await anext(chunks)
                self.lines += [line.decode(errors="replace") for _, line in chunk.lines]
                self.notes += [chunk.note] if chunk.note else []
                self.gaps += chunk.gap
                self.position = chunk.position or self.position


async def test_entries_come_once_and_in_order_through_broken_connections_and_rotation(
    ssh_fleet: SshFleet, journal: HostJournal
) -> None:
    for number in range(5):
        journal.write(b"%d" % number)
    read = Read()
    async with opened(ssh_fleet, HOST) as source, aclosing(source.logs(UNIT, LogRequest(tail=2))) as chunks:
        await read.until(chunks, lambda: len(read.lines) == 2)
        for number in range(5, 45):
            journal.write(b"%d" % number)
            if number % 10 == 9:
                await read.until(chunks, lambda wanted=number: read.lines[-1:] == [f"app[42]: {wanted}"])
                ssh_fleet.cut(HOST)
            if number == 24:
                journal.rotate()
        await read.until(chunks, lambda: read.lines[-1:] == ["app[42]: 44"])
    assert read.lines == [f"app[42]: {number}" for number in range(3, 45)]
    assert sum("connection lost" in note for note in read.notes) >= 3
    assert read.gaps == 0
    positions = {"": read.position}
    journal.write(b"45")
    again = Read()
    request = LogRequest(tail=0, positions=positions)
    async with opened(ssh_fleet, HOST) as source, aclosing(source.logs(UNIT, request)) as chunks:
        await again.until(chunks, lambda: bool(again.lines))
    assert again.lines == ["app[42]: 45"]


async def test_entries_that_were_vacuumed_meanwhile_are_a_gap(ssh_fleet: SshFleet, journal: HostJournal) -> None:
    journal.write(b"before")
    read = Read()
    async with opened(ssh_fleet, HOST) as source, aclosing(source.logs(UNIT, LogRequest())) as chunks:
        await read.until(chunks, lambda: bool(read.lines))
        ssh_fleet.stop(HOST)
        journal.write(b"nobody ever sees this")
        journal.rotate()
        journal.vacuum()
        journal.write(b"after")
        ssh_fleet.start(HOST)
        await read.until(chunks, lambda: len(read.lines) == 2)
    assert read.lines == ["app[42]: before", "app[42]: after"]
    assert (read.gaps, sum("no longer has the entry last read" in note for note in read.notes)) == (1, 1)


async def test_levels_lines_and_bytes_of_a_message_come_as_they_are(ssh_fleet: SshFleet, journal: HostJournal) -> None:
    journal.write(b"it failed\n  at one\n  at two", priority=3)
    journal.write(b"\xff\x1b[31mred")
    request = LogRequest(tail=None, follow=False)
    async with opened(ssh_fleet, HOST) as source, aclosing(source.logs(UNIT, request)) as chunks:
        raw = [line async for chunk in chunks for _, line in chunk.lines]
    head = b"app[42]: error: "
    assert raw == [head + b"it failed", head + b"  at one", head + b"  at two", b"app[42]: \xff\x1b[31mred"]
