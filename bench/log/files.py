"""Files of this machine: merged and filtered, kept, opened; beside lnav on the same files."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import report

FILES = 8
LINES = 1_000_000
WANTED = "worker-3 "
"""What the lines are filtered by; one line in seven has it."""
GIGABYTE = 1_000_000_000


def lines() -> None:
    """1,000,000 lines in 8 files read, parsed, merged and filtered, each in a process of its own, beside lnav."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"app-{number}.log" for number in range(FILES)]
        for number, path in enumerate(paths):
            _write(path, LINES // FILES, number)
        ours = _in_a_process("merged", *map(str, paths))
        begun = time.perf_counter()
        theirs = _lnav([f":filter-in {WANTED}"], paths)
        took = time.perf_counter() - begun
    if ours["found"] != theirs.count(b"\n"):
        raise SystemExit(f"calmtui found {ours['found']} lines, lnav {theirs.count(bytes([10]))}")
    report("logs", f"{LINES:,} lines in {FILES} files, merged and filtered", ours["took"], "s", "lnav", took)
    report("logs", "the same without the start of the interpreter", ours["inside"], "s", "lnav", took)


def memory() -> None:
    """What the process grows by for each kept line of 100 bytes, at 1,000,000 lines that came by and by."""
    figures = _in_a_process("kept")
    report("logs", "memory for a kept line of 100 bytes", figures["bytes"], "bytes")


def open_() -> None:
    """A local file of 1 GB: until its last lines are there, and until all of it is read, beside lnav.

    What is kept of it is bounded as in the console: memory, and 1 GiB on disk, which the columns of its lines exceed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.log"
        count = _write(path, GIGABYTE // 105, 0)
        begun = time.perf_counter()
        command = [sys.executable, "-m", "calmtui", "logs", str(path), "--tail", "50"]
        tail = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        shown = time.perf_counter() - begun
        if tail.stdout.count(b"\n") != 50:
            raise SystemExit("the last lines were not shown")
        begun = time.perf_counter()
        _lnav([f":filter-in request {count - 1:>9} "], [path])
        theirs = time.perf_counter() - begun
        whole = _in_a_process("indexed", str(path))
        if whole["count"] != count:
            raise SystemExit(f"{whole['count']} of {count} lines were read")
    report("logs", "1 GB file, until the last lines are shown", shown, "s", "lnav", theirs)
    report("logs", "1 GB file, until all of it is read", whole["took"], "s", "lnav", theirs)
    report("logs", "1 GB file, part of its lines that is kept, the newest", whole["kept"] / count, "")
    report("logs", "1 GB file, memory then", whole["bytes"] / 1e6, "MB")
    report("logs", "1 GB file, on disk then", whole["on disk"] / 1e6, "MB")


def _write(path: Path, count: int, number: int) -> int:
    """A log of about 105 bytes a line, ten lines a second beside those of the other files; returns how many."""
    draw = random.Random(number)
    levels = [draw.choice(["INFO ", "INFO ", "INFO ", "WARN ", "ERROR", "DEBUG"]) for _ in range(1009)]
    with path.open("w") as file:
        for index in range(count):
            at = 1_795_228_154_000 + index * 100 + number
            if index % 10 == 0:
                second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000))
            file.write(
                f"{second}.{at % 1000:03d}Z {levels[index % 1009]} request {index:>9} handled by worker-{index % 7} "
                f"path=/api/orders status=200\n"
            )
    return count


def _lnav(commands: list[str], paths: list[Path]) -> bytes:
    arguments = [word for command in commands for word in ("-c", command)]
    return subprocess.run(
        ["lnav", "-n", *arguments, *map(str, paths)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=True
    ).stdout


def _in_a_process(function: str, *arguments: str) -> dict[str, float]:
    """What a function of this module says in a fresh interpreter; `took` is what that took all in all, in seconds."""
    code = f"import json, sys; from bench.log.files import {function}; print(json.dumps({function}(*sys.argv[1:])))"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, check=True)
    return {"took": time.perf_counter() - begun, **json.loads(done.stdout)}


def merged(*paths: str) -> dict[str, float]:
    """Read files, merge and filter them, as the log screen does."""
    from calmtui.logs.buffer import Buffer
    from calmtui.logs.filters import Filter
    from calmtui.logs.follow import Follower
    from calmtui.logs.local import LocalLogs
    from calmtui.logs.rules import rule
    from calmtui.providers.base import LogRequest

    async def read() -> Buffer:
        files = LocalLogs(paths)
        async with Follower(files.live(), files.nodes, LogRequest(tail=None, follow=False)) as follower:
            buffer = Buffer()
            buffer.add(await follower.collect())
            return buffer

    begun = time.perf_counter()
    buffer = asyncio.run(read())
    view = buffer.view(Filter((rule(WANTED),)))
    view.advance(len(buffer.lines))
    return {"found": len(view.lines), "inside": time.perf_counter() - begun}


def kept() -> dict[str, float]:
    """Keep lines of 100 bytes that come by and by."""
    from calmtui.logs.block import Origins
    from calmtui.logs.buffer import Buffer
    from calmtui.logs.ingest import Reader
    from calmtui.logs.line import SECOND, Origin

    origins = Origins()
    reader = Reader(Origin("bench", "bench:1", "one"), origins)
    buffer = Buffer()
    before = _resident()
    for number in range(0, LINES, 1000):
        raw = [(number + n, f"{number + n:0100d}".encode()) for n in range(1000)]
        buffer.add(reader.lines(raw, SECOND))
    assert len(buffer.lines) == LINES
    return {"bytes": (_resident() - before) / LINES}


def indexed(path: str) -> dict[str, float]:
    """Read all of a file as a followed log is read: the newest in memory, the rest on disk as far as there is room."""
    from calmtui.logs.buffer import Buffer
    from calmtui.logs.follow import Follower
    from calmtui.logs.local import LocalLogs
    from calmtui.logs.spill import Spill
    from calmtui.providers.base import LogRequest

    async def read() -> Buffer:
        files = LocalLogs([path])
        buffer = Buffer(spill=Spill(Path(path).parent))
        async with Follower(files.live(), files.nodes, LogRequest(tail=None, follow=True)) as follower:
            idle = 0
            while idle < 10:
                await asyncio.sleep(0 if follower.merger.more else 0.05)
                lines = follower.take(time.time_ns())
                buffer.add(lines)
                idle = 0 if lines or not buffer.lines or len(follower.merger) else idle + 1
        return buffer

    buffer = asyncio.run(read())
    on_disk = sum(segment.size for segment in buffer.segments if segment.spilled)
    return {
        "count": len(buffer.lines) + buffer.evicted,
        "kept": len(buffer.lines),
        "bytes": _resident(),
        "on disk": on_disk,
    }


def _resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
