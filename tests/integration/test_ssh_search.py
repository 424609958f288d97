"""Logs searched on real OpenSSH hosts, with whatever programs a host has: the same lines that RE2 finds here."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from calmtui.errors import SourceError
from calmtui.logs.search import Expression, clock
from calmtui.providers.base import Counted, Found, FoundLine, LogRequest, Remark, SearchRequest
from calmtui.providers.ssh.source import SshSource
from tests.integration.ssh_live import host, opened
from tests.lab.fleet import SshFleet

BEGIN = 1_795_000_000
HOSTS = {"grep": "web-018", "rg": "web-019", "busybox": "web-020"}
NAMES = {"grep", "rg", "awk", "dd", "head", "tail", "stat", "nice", "gzip", "xz", "bzip2", "sleep", "ionice", "cat"}


@pytest.fixture(params=HOSTS)
def engine(request: pytest.FixtureRequest, ssh_fleet: SshFleet) -> Iterator[str]:
    """What the host searches with; its `/var/log` is empty."""
    program: str = request.param
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    folder = ssh_fleet.bin_folder(HOSTS[program])
    hidden = {"grep": {"rg"}, "rg": set[str](), "busybox": {"rg"} | _applets()}[program]
    for name in hidden:
        shim = folder / name
        shim.write_text("#!/bin/sh\nexit 127\n" if name == "rg" else f'#!/bin/sh\nexec busybox {name} "$@"\n')
        shim.chmod(0o755)
    _empty(ssh_fleet.log_folder(HOSTS[program]))
    yield program
    for name in hidden:
        (folder / name).unlink()


@pytest.fixture
def logs(ssh_fleet: SshFleet) -> Path:
    """The empty `/var/log` of web-018, with the programs of this machine."""
    folder = ssh_fleet.log_folder("web-018")
    _empty(folder)
    return folder


def _applets() -> set[str]:
    """Those of busybox that a search uses."""
    if shutil.which("busybox") is None:
        return set()
    return NAMES & set(subprocess.run(["busybox", "--list"], check=True, capture_output=True, text=True).stdout.split())


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def wanted(expression: str, *, plain: bool = False, ignore_case: bool = False, **limits: Any) -> SearchRequest:
    looked_for = Expression(expression, plain=plain, ignore_case=ignore_case)
    return SearchRequest(
        expression, looked_for.matches, clock, plain=plain, ignore_case=ignore_case, **{"seconds": 50.0, **limits}
    )


class Came:
    """All that a search came to."""

    def __init__(self) -> None:
        self.counted: dict[str, Counted] = {}
        self.lines: dict[str, list[FoundLine]] = {}
        self.remarks: list[str] = []

    @property
    def texts(self) -> list[str]:
        """What matched, in the order in which it came."""
        return [line.text.decode() for lines in self.lines.values() for line in lines if line.match]

    @property
    def matches(self) -> int:
        return sum(counted.matches for counted in self.counted.values())

    @property
    def cuts(self) -> str:
        return " ".join(counted.cut for counted in self.counted.values())


async def search(source: SshSource, name: str, request: SearchRequest) -> Came:
    came = Came()
    async with aclosing(source.search(host(name), request)) as findings:
        async for finding in findings:
            match finding:
                case Counted():
                    came.counted[finding.stream] = finding
                case Found():
                    assert finding.stream in came.counted, "lines came before their count"
                    came.lines.setdefault(finding.stream, []).extend(finding.lines)
                case Remark():
                    came.remarks.append(finding.text)
    return came


def stamp(seconds: float) -> str:
    return f"{datetime.fromtimestamp(BEGIN + seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def write(path: Path, data: bytes, modified: float) -> None:
    path.write_bytes(data)
    os.utime(path, (BEGIN + modified, BEGIN + modified))


def numbered(begin: int, end: int) -> bytes:
    """A line a second."""
    return b"".join(f"{stamp(n)} INFO request {n}\n".encode() for n in range(begin, end))


async def test_rotated_and_packed_files_are_searched_the_oldest_first(engine: str, ssh_fleet: SshFleet) -> None:
    folder = ssh_fleet.log_folder(HOSTS[engine])
    write(folder / "app.log.4.gz", gzip.compress(numbered(0, 100)), 100)
    write(folder / "app.log.3.xz", lzma.compress(numbered(100, 200)), 200)
    write(folder / "app.log.2.bz2", bz2.compress(numbered(200, 300)), 300)
    write(folder / "app.log.1", numbered(300, 400), 400)
    write(folder / "app.log", numbered(400, 500), 500)
    write(folder / "app.log.sh", numbered(0, 500), 500)
    async with opened(ssh_fleet, HOSTS[engine], logs=["/var/log/app.log"]) as source:
        came = await search(source, HOSTS[engine], wanted("request [0-9]*7$"))
        assert came.texts == [f"{stamp(n)} INFO request {n}" for n in range(7, 500, 10)]
        assert [len(lines) for lines in came.lines.values()] == [10] * 5
        assert sum(sum(counted.histogram.values()) for counted in came.counted.values()) == came.matches == 50
        assert all(counted.scanned == counted.total > 0 for counted in came.counted.values())
        late = await search(source, HOSTS[engine], wanted("request [0-9]*7$", since=BEGIN + 250.0, until=BEGIN + 350.0))
        assert late.texts == [f"{stamp(n)} INFO request {n}" for n in range(257, 350, 10)]
        assert "/var/log/app.log.4.gz" not in late.counted


async def test_a_slice_of_time_is_exact_at_its_edges_and_little_is_read(engine: str, ssh_fleet: SshFleet) -> None:
    folder = ssh_fleet.log_folder(HOSTS[engine])
    write(folder / "app.log", numbered(0, 30_000), 30_000)
    async with opened(ssh_fleet, HOSTS[engine], logs=["/var/log/app.log"]) as source:
        request = wanted("request", since=BEGIN + 12_000.0, until=BEGIN + 12_010.0, context=2)
        came = await search(source, HOSTS[engine], request)
    assert came.texts == [f"{stamp(n)} INFO request {n}" for n in range(12_000, 12_010)]
    (lines,) = came.lines.values()
    (counted,) = came.counted.values()
    assert [line.text.decode()[-5:] for line in lines] == [str(n) for n in range(11_998, 12_012)]
    assert counted.scanned < 2000 < 1_000_000 < counted.total
    if engine != "busybox":
        data = numbered(0, 30_000)
        for line in lines:
            assert line.position is not None
            assert data[line.position :].startswith(line.text + b"\n")


async def test_what_matches_is_what_re2_says_whatever_is_in_the_files(engine: str, ssh_fleet: SshFleet) -> None:
    """NULs, invalid UTF-8, DOS line ends, no last line end, long lines; expressions grep knows and does not know."""
    chance = random.Random(4)
    parts = [b"error", b"Error", b"a.b", b"'", b'"', b"$(id)", b"`id`", b"\\", b";", b"-e", b"[x]", b"\xff\xfe",
             b"\xc3", "é€😀".encode(), b"\t", b" ", b"7", b"42", b"\r", b"\x1b[31m", b"x" * 3000]  # fmt: skip
    parts += [] if engine == "busybox" else [b"\0"]  # busybox reads a line up to its first NUL
    expressions = [r"\berror\b", "(?i)ERROR", "^.error$", "[^a-z]{3}", "é|€", r"\d+\s", "x{300}", "'", r"\$\(id\)",
                   "`id`", r"\\", "-e", ";", "^$", "", r"\x1b\[", "[[:punct:]]+$", ".*7.*42"]  # fmt: skip
    folder, name = ssh_fleet.log_folder(HOSTS[engine]), HOSTS[engine]
    lines = [b"".join(chance.choices(parts, k=chance.randrange(6))) for _ in range(400)] + [b"no end"]
    write(folder / "0.log", b"".join(line + b"\n" for line in lines[:200]), 0)
    write(folder / "1.log", b"\n".join(lines[200:]), 1)
    async with opened(ssh_fleet, name, logs=["/var/log/*.log"]) as source:
        for number, expression in enumerate(expressions):
            looked_for = Expression(expression, ignore_case=number % 3 == 0)
            came = await search(source, name, wanted(expression, ignore_case=looked_for.ignore_case))
            mine = [line for line in lines if looked_for.matches(line.removesuffix(b"\r"))]
            assert [line.text for found in came.lines.values() for line in found if line.match] == mine, expression
            assert came.matches == len(mine)
        for text in ("a.b", "$(id)", "\\", "[x]", "--"):
            came = await search(source, name, wanted(text, plain=True))
            assert came.matches == sum(text.encode() in line for line in lines), text


async def test_beyond_the_limits_all_is_counted_and_the_first_lines_are_shown(engine: str, ssh_fleet: SshFleet) -> None:
    folder, name = ssh_fleet.log_folder(HOSTS[engine]), HOSTS[engine]
    write(folder / "app.log.1", numbered(0, 3000), 3000)
    write(folder / "app.log", numbered(3000, 6000), 6000)
    async with opened(ssh_fleet, name, logs=["/var/log/app.log"]) as source:
        came = await search(source, name, wanted("request .*[05]$", max_lines=40, context=1))
        assert came.matches == 1200
        assert came.texts == [f"{stamp(n)} INFO request {n}" for n in range(0, 200, 5)]
        assert sum(sum(counted.histogram.values()) for counted in came.counted.values()) == 1200
        assert "40 of a node" in came.cuts
        counts = await search(source, name, wanted("request .*[05]$", max_lines=0))
        assert (counts.matches, counts.lines) == (1200, {})
        few = await search(source, name, wanted("request .*[05]$", max_bytes=1000))
        assert few.matches == 1200
        assert 0 < sum(len(text) for text in few.texts) <= 1000
        if engine != "busybox":  # what grep cannot say is looked at here, batch after batch
            weak = await search(source, name, wanted(r"\b.*[05]\b$", max_lines=3))
            assert (weak.matches, len(weak.texts), weak.remarks) == (1200, 3, [])
            every = await search(source, name, wanted(r"\B", max_lines=3))
            assert every.remarks


async def test_a_line_of_a_stack_trace_has_the_time_of_its_first_line(logs: Path, ssh_fleet: SshFleet) -> None:
    trace = f"{stamp(5)} ERROR failed\nTraceback:\n{'  at x' * 900}\n  at end\n"
    write(logs / "app.log", numbered(0, 5) + trace.encode() + numbered(6, 900), 900)
    async with opened(ssh_fleet, "web-018", logs=["/var/log/app.log"]) as source:
        came = await search(source, "web-018", wanted("at end", since=BEGIN + 4.0, until=BEGIN + 6.0))
        (line,) = came.lines["/var/log/app.log"]
        assert line.at == (BEGIN + 5) * 10**9
        assert (await search(source, "web-018", wanted("at end", since=BEGIN + 6.0))).matches == 0


async def test_names_of_files_are_taken_as_they_are(logs: Path, ssh_fleet: SshFleet) -> None:
    names = ["-rf.log", "a b.log", "new\nline.log", "$(touch x).log", "quo'te\".log", "*.log", "é.log", "a b.log.1"]
    for number, name in enumerate(names):
        write(logs / name, f"{stamp(number)} found {number}\n".encode(), number)
    async with opened(ssh_fleet, "web-018", logs=["/var/log/*.log", "/var/log/*.none"]) as source:
        came = await search(source, "web-018", wanted("found"))
        assert [text[-1] for text in came.texts] == [str(number) for number in range(len(names))]
        assert [name.removeprefix("/var/log/") for name in came.lines] == names
    assert sorted(path.name for path in logs.iterdir()) == sorted(names)
    async with opened(ssh_fleet, "web-018", logs=["/var/log/*.none"]) as source:
        with pytest.raises(SourceError, match=r"/var/log/\*\.none"):
            await search(source, "web-018", wanted("found"))


async def test_what_cannot_be_read_is_said_and_the_rest_is_searched(logs: Path, ssh_fleet: SshFleet) -> None:
    write(logs / "a.log.gz", b"this is not packed", 0)
    write(logs / "b.log", b"found\n", 1)
    async with opened(ssh_fleet, "web-018", logs=["/var/log/*.log", "/var/log/*.gz"]) as source:
        came = await search(source, "web-018", wanted("found"))
    assert came.texts == ["found"]
    assert "not in gzip format" in came.counted["/var/log/a.log.gz"].cut


async def test_a_file_that_is_rotated_while_it_is_searched_is_found_again(logs: Path, ssh_fleet: SshFleet) -> None:
    write(logs / "a.log", b"first\n" * 3, 0)
    write(logs / "b.log", b"old\n" * 3, 1)
    async with opened(ssh_fleet, "web-018", logs=["/var/log/*.log"]) as source:
        came = Came()
        async with aclosing(source.search(host("web-018"), wanted("first|old|new"))) as findings:
            async for finding in findings:
                if isinstance(finding, Counted):
                    came.counted[finding.stream] = finding
                    if finding.stream.endswith("a.log"):
                        (logs / "b.log").rename(logs / "b.log.1")
                        (logs / "b.log").write_text("new\n")
                elif isinstance(finding, Found):
                    came.lines[finding.stream] = finding.lines
    assert came.texts == ["first"] * 3 + ["old"] * 3


async def test_when_time_is_up_what_was_found_is_kept_and_nothing_is_left_running(
    logs: Path, ssh_fleet: SshFleet
) -> None:
    write(logs / "a.log", b"found\n", 0)
    write(logs / "b.log", b"found\n", 1)
    slow = ssh_fleet.bin_folder("web-018") / "nice"  # on the second file it takes for ever
    slow.write_text(
        '#!/bin/sh\n[ "$(readlink /proc/self/fd/0)" = /var/log/b.log ] && exec sleep 777\nshift 2; exec "$@"\n'
    )
    slow.chmod(0o755)
    try:
        async with opened(ssh_fleet, "web-018", logs=["/var/log/*.log"]) as source:
            came = await search(source, "web-018", wanted("found", seconds=12.0))
            assert came.texts == ["found"]
            assert "12 s were up" in came.counted["/var/log/b.log"].cut
            await gone(ssh_fleet, "sleep 777")
            searching = asyncio.create_task(search(source, "web-018", wanted("found")))
            await running(ssh_fleet, "sleep 777")
            searching.cancel()
            await asyncio.gather(searching, return_exceptions=True)
            await gone(ssh_fleet, "sleep 777")
    finally:
        slow.unlink()


async def test_a_search_does_not_disturb_a_log_that_is_followed(logs: Path, ssh_fleet: SshFleet) -> None:
    path = logs / "app.log"
    path.write_bytes(numbered(0, 2000))
    seen: list[bytes] = []
    async with opened(ssh_fleet, "web-018", logs=["/var/log/app.log"]) as source:

        async def follow() -> None:
            async with aclosing(source.logs(host("web-018"), LogRequest(tail=None))) as chunks:
                async for chunk in chunks:
                    seen.extend(line for _, line in chunk.lines)
                    if len(seen) >= 2050:
                        return

        following = asyncio.create_task(follow())
        for n in range(2000, 2050):
            with path.open("ab") as file:
                file.write(numbered(n, n + 1))
            if n % 10 == 0:
                assert (await search(source, "web-018", wanted("request 1999$"))).matches == 1
        async with asyncio.timeout(50):
            await following
    assert seen == numbered(0, 2050).splitlines()


async def running(fleet: SshFleet, words: str, seconds: float = 30) -> None:
    """Wait until something is running on web-018."""
    deadline = time.monotonic() + seconds
    while not any(words in line for line in fleet.processes("web-018")):
        assert time.monotonic() < deadline, fleet.processes("web-018")
        await asyncio.sleep(0.05)


async def gone(fleet: SshFleet, words: str, seconds: float = 30) -> None:
    """Wait until it is not, and no search is."""
    deadline = time.monotonic() + seconds
    while any(words in line or "search" in line for line in fleet.processes("web-018")):
        assert time.monotonic() < deadline, fleet.processes("web-018")
        await asyncio.sleep(0.05)
