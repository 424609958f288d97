"""A search in 20 MB of log on each of 64 real OpenSSH hosts, beside `clush … grep` in the same run.

Cold: no connection is open. Warm: they are, as in a console. Few of the lines match. The first result is the time until
one host has told its count. The median of the rounds counts, for both sides, which take turns.
`python -m bench logs grep [HOSTS]`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path
from statistics import median

import asyncssh  # noqa: F401 -- loaded before the clock starts, as clush's ssh is in the page cache

from bench.report import report
from calmtui.fleet.node import Node
from calmtui.logs.search import Expression, clock
from calmtui.providers.base import Counted, Found, Opening, SearchRequest
from calmtui.providers.ssh import PROVIDER
from calmtui.providers.ssh.source import SshSource
from tests.lab.fleet import FIRST_PORT, SshFleet
from tests.lab.place import LAB

ROUNDS = 3
SIZE = 20_000_000
EVERY = 4000
"""One line of so many matches."""
WANTED = "upstream timed out"
FILE = "/var/log/app.log"


def grep(hosts: str = "64") -> None:
    size = int(hosts)
    fleet = SshFleet(size, prefix="grep", folder=LAB / "bench-grep", first_port=FIRST_PORT)
    try:
        fleet.up()
        matches = _write(fleet) * size
        rounds = [(_clush(fleet, matches), *asyncio.run(_ours(fleet, matches))) for _ in range(ROUNDS)]
        peer, cold, cold_first, warm, warm_first = (median(values) for values in zip(*rounds, strict=True))
        name = f"{size} hosts × {SIZE // 10**6} MB"
        report("logs", f"grep, cold, {name}", cold, "s", "clush grep", peer)
        report("logs", f"grep, warm, {name}", warm, "s", "clush grep", peer)
        report("logs", "grep, cold, first result", cold_first, "s")
        report("logs", "grep, warm, first result", warm_first, "s")
    finally:
        fleet.down()


def _write(fleet: SshFleet) -> int:
    """The same log for every host, one file that all of them link to; returns how many lines of it match."""
    line = "2026-11-21T02:{:02d}:{:02d}.{:03d}Z INFO api request {:08d} GET /v1/orders/{} {} in {} ms"
    lines, length, number = [], 0, 0
    while length < SIZE:
        what = WANTED if number % EVERY == 0 else "200"
        minute, second = number // 4000 % 60, number // 66 % 60
        lines.append(line.format(minute, second, number % 1000, number, number * 7, what, number % 97))
        length += len(lines[-1]) + 1
        number += 1
    first = fleet.log_folder(fleet.hosts[0]) / "app.log"
    first.write_text("\n".join(lines) + "\n")
    for host in fleet.hosts[1:]:
        os.link(first, fleet.log_folder(host) / "app.log")
    return sum(WANTED in text for text in lines)


def _clush(fleet: SshFleet, matches: int) -> float:
    hosts = f"{fleet.hosts[0]},{','.join(fleet.hosts[1:])}"
    clush = Path(sys.executable).with_name("clush")
    words = [str(clush), "-w", hosts, "-o", f"-F {fleet.ssh_config}", "-f", "64", "grep", "-e", f"'{WANTED}'", FILE]
    began = time.perf_counter()
    done = subprocess.run(words, check=True, capture_output=True)
    took = time.perf_counter() - began
    assert len(done.stdout.splitlines()) == matches, "clush did not find every line"
    return took


async def _ours(fleet: SshFleet, matches: int) -> tuple[float, float, float, float]:
    options = PROVIDER.options()(hosts=list(fleet.hosts), ssh_config=fleet.ssh_config, logs=[FILE])
    source = PROVIDER.open(Opening("bench", options, fleet.folder))
    cold = await _everywhere(source, fleet, matches)
    warm = await _everywhere(source, fleet, matches)
    await source.close()
    return *cold, *warm


async def _everywhere(source: SshSource, fleet: SshFleet, matches: int) -> tuple[float, float]:
    """Seconds until every line has come, and until the first host has told its count."""
    request = SearchRequest(WANTED, Expression(WANTED).matches, clock)
    began = time.perf_counter()
    first: list[float] = []

    async def one(host: str) -> int:
        node = Node(id=f"ssh:bench/{host}", kind="host", name=host, source="bench")
        lines = 0
        async with aclosing(source.search(node, request)) as findings:
            async for finding in findings:
                if isinstance(finding, Counted):
                    first.append(time.perf_counter() - began)
                elif isinstance(finding, Found):
                    lines += sum(line.match for line in finding.lines)
        return lines

    found = await asyncio.gather(*map(one, fleet.hosts))
    took = time.perf_counter() - began
    assert sum(found) == matches, "not every line was found"
    return took, first[0]
