"""The torture of the log reader: 48 OpenSSH hosts, rotations, connections that break, daemons that restart.

CALMTUI_TORTURE multiplies lines and disconnects: 10 takes about ten minutes.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from calmtui.providers.base import LogRequest
from calmtui.providers.ssh.source import SshSource
from tests.integration.ssh_live import host, opened
from tests.lab.fleet import FIRST_PORT, SshFleet
from tests.lab.place import LAB

TIMES = int(os.environ.get("CALMTUI_TORTURE", "1"))
HOSTS = 48
LINES = 600 * TIMES
ROTATIONS = 6 * TIMES
DISCONNECTS = 100 * TIMES
RESTARTS = 6 * TIMES


@pytest.fixture(scope="module")
def fleet(worker_id: str) -> Iterator[SshFleet]:
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    fleet = SshFleet(HOSTS, "t", folder=LAB / f"torture-{worker_id}", first_port=FIRST_PORT + 40 + 100 * number)
    try:
        yield fleet.up()
    finally:
        fleet.down()


class Writer:
    """One host's log: numbered lines, and a rotation every so many of them, in the way that is the host's."""

    def __init__(self, folder: Path, way: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.way = way
        self.path = folder / "app.log"
        self.file = self.path.open("ab", buffering=0)
        self.written = 0
        self._rotations = 0

    def write(self, until: int) -> None:
        """The lines up to that number; a rotation's number begins another file."""
        while self.written < until:
            self.file.write(f"{self.written:07d} {self.path.parent.parent.name}\n".encode())
            self.written += 1
            if self.written % (LINES // ROTATIONS) == 0 and self.written < LINES:
                getattr(self, f"_{self.way}")()
                time.sleep(0.01)  # the kernel's clock stamps files every few milliseconds

    def _aside(self) -> Path:
        self._rotations += 1
        return self.path.with_name(f"app.log.{self._rotations:04d}")

    def _rename(self) -> None:
        """As daemons do on SIGHUP: the name is taken away, the old file written to for a while, then a new one made."""
        self.path.rename(self._aside())
        for _ in range(5):
            self.file.write(f"{self.written:07d} late\n".encode())
            self.written += 1
        self.file.close()
        self.file = self.path.open("ab", buffering=0)

    def _copytruncate(self) -> None:
        """Nothing is written between the copy and the cut: what would be is lost to everybody."""
        shutil.copyfile(self.path, self._aside())
        os.truncate(self.path, 0)

    def _gzip(self) -> None:
        """Renamed, then compressed at once in its place."""
        aside = self._aside()
        self.path.rename(aside)
        self.file.close()
        self.file = self.path.open("ab", buffering=0)
        packed = aside.with_name(f"{aside.name}.gz")
        packed.write_bytes(gzip.compress(aside.read_bytes()))
        times = aside.stat()
        os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
        aside.unlink()

    def _shift(self) -> None:
        """As logrotate does: .1 becomes .2.gz, the file becomes .1."""
        for number in range(9 * ROTATIONS, 1, -1):
            older = self.path.with_name(f"app.log.{number - 1}.gz")
            if older.exists():
                older.rename(self.path.with_name(f"app.log.{number}.gz"))
        first = self.path.with_name("app.log.1")
        if first.exists():
            packed = self.path.with_name("app.log.2.gz")
            packed.write_bytes(gzip.compress(first.read_bytes()))
            times = first.stat()
            os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))
            first.unlink()
        self.path.rename(first)
        self.file.close()
        self.file = self.path.open("ab", buffering=0)


class Seen:
    """What came of one host."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.lost = 0
        self.up = False
        """It has been heard since it was last cut off."""
        self.gaps: list[str] = []

    async def read(self, source: SshSource, name: str) -> None:
        """Until the last line has come."""
        async with aclosing(source.logs(host(name), LogRequest(tail=None))) as chunks:
            async for chunk in chunks:
                self.numbers += [int(line[:7]) for _, line in chunk.lines]
                self.lost += "connection lost" in chunk.note
                self.up = "connection lost" not in chunk.note
                self.gaps += [chunk.note] if chunk.gap else []
                if self.numbers and self.numbers[-1] == LINES - 1:
                    return


@pytest.mark.timeout(300 * TIMES)
async def test_every_line_of_48_hosts_comes_once_and_in_order_through_rotations_and_disconnects(
    fleet: SshFleet,
) -> None:
    ways = ["rename", "copytruncate", "gzip", "shift"]
    writers = {
        name: Writer(fleet.log_folder(name) / "t", ways[number % len(ways)]) for number, name in enumerate(fleet.hosts)
    }
    seen = {name: Seen() for name in fleet.hosts}
    chance = random.Random(7)
    async with opened(fleet, f"t-[001-{HOSTS:03d}]", logs=["/var/log/t/*.log"]) as source:
        readers = {name: asyncio.create_task(seen[name].read(source, name)) for name in fleet.hosts}
        try:
            async with asyncio.timeout(240 * TIMES):
                await _torment(fleet, writers, seen, chance)
                await asyncio.gather(*readers.values())
        finally:
            for task in readers.values():
                task.cancel()
            await asyncio.gather(*readers.values(), return_exceptions=True)
        wrong = {(name, writers[name].way): (one.gaps, _breaks(one.numbers)) for name, one in seen.items()}
        assert {name: what for name, what in wrong.items() if what != ([], [])} == {}
        assert sum(one.lost for one in seen.values()) >= 100
        await _nothing_is_left(fleet)


def _breaks(numbers: list[int]) -> list[tuple[int, int]]:
    """Where numbers that should count up from 0 to the last one do not: (what should come, what came)."""
    expected = 0
    wrong = []
    for number in [*numbers, LINES]:
        if number != expected:
            wrong.append((expected, number))
        expected = number + 1
    return wrong


async def _torment(fleet: SshFleet, writers: dict[str, Writer], seen: dict[str, Seen], chance: random.Random) -> None:
    """Write it all, while connections break and daemons restart."""
    while any(not one.numbers for one in seen.values()):  # every log is being read
        for writer in writers.values():
            writer.write(3)
        await asyncio.sleep(0.05)
    restarts = 0
    while (lost := sum(one.lost for one in seen.values())) < DISCONNECTS or restarts < RESTARTS:
        for writer in writers.values():
            writer.write(min(writer.written + chance.randrange(2 * LINES // 60), LINES - 50))
        up = [name for name in fleet.hosts if seen[name].up]
        for name in chance.sample(up, min(4, len(up))):
            seen[name].up = False
            fleet.cut(name)
        if restarts * DISCONNECTS < lost * RESTARTS:
            restarts += 1
            down = chance.choice(fleet.hosts)
            fleet.stop(down)
            writers[down].write(min(writers[down].written + LINES // ROTATIONS, LINES - 50))
            fleet.start(down, wait=False)
        await asyncio.sleep(0.1)
    for writer in writers.values():
        writer.write(LINES)


async def _nothing_is_left(fleet: SshFleet) -> None:
    async with asyncio.timeout(60):
        for name in fleet.hosts:
            while any("calmtui" in line or "sleep" in line for line in fleet.processes(name)):
                await asyncio.sleep(0.1)
