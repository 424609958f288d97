"""`hostname` on 64 and 256 real OpenSSH hosts, cold and warm, beside `clush -f 64` in the same run.

Cold: no connection is open, nothing is parsed or cached. Warm: connections are open, one channel a command.
The median of the rounds counts, for both sides, which take turns. `python -m bench exec [HOSTS]…` (default 64 256).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import asyncssh  # noqa: F401 -- loaded before the clock starts, as clush's ssh is in the page cache

from bench.report import report
from calmtui.fleet.node import Node
from calmtui.providers.base import Command, Opening, collect
from calmtui.providers.ssh import PROVIDER
from calmtui.providers.ssh.source import SshSource
from tests.lab.fleet import SshFleet
from tests.lab.place import LAB

ROUNDS = 3
WARM_ROUNDS = 5
FIRST_PORT = 26000


def main(argv: list[str]) -> None:
    sizes = [int(text) for text in argv] or [64, 256]
    fleet = SshFleet(max(sizes), prefix="bench", folder=LAB / "bench-exec", first_port=FIRST_PORT)
    try:
        fleet.up()
        for size in sizes:
            hosts = f"bench-[001-{size:03d}]"
            rounds = [(_clush(fleet, hosts, size), *asyncio.run(_ours(fleet, hosts, size))) for _ in range(ROUNDS)]
            peer, cold, warm = (median(values) for values in zip(*rounds, strict=True))
            report("exec", f"cold, {size} hosts", cold, "s", "clush -f 64", peer)
            report("exec", f"warm, {size} hosts", warm, "s", "clush -f 64", peer)
    finally:
        fleet.down()


def _clush(fleet: SshFleet, hosts: str, size: int) -> float:
    clush = Path(sys.executable).with_name("clush")
    began = time.perf_counter()
    done = subprocess.run(
        [clush, "-w", hosts, "-o", f"-F {fleet.ssh_config}", "-f", "64", "hostname"], check=True, capture_output=True
    )
    took = time.perf_counter() - began
    assert len(done.stdout.splitlines()) == size, "clush did not reach every host"
    return took


async def _ours(fleet: SshFleet, hosts: str, size: int) -> tuple[float, float]:
    source = _source(fleet, hosts)
    cold = await _everywhere(source, fleet, size)
    warm = median([await _everywhere(source, fleet, size) for _ in range(WARM_ROUNDS)])
    await source.close()
    return cold, warm


def _source(fleet: SshFleet, hosts: str) -> SshSource:
    options = PROVIDER.options()(hosts=[hosts], ssh_config=fleet.ssh_config)
    return PROVIDER.open(Opening("bench", options, fleet.folder))


async def _everywhere(source: SshSource, fleet: SshFleet, size: int) -> float:
    nodes = [Node(id=f"ssh:bench/{host}", kind="host", name=host, source="bench") for host in fleet.hosts[:size]]
    began = time.perf_counter()
    results = await asyncio.gather(*(collect(source, node, Command(("hostname",))) for node in nodes))
    took = time.perf_counter() - began
    answers = {result.stdout.decode().strip() for result in results}
    assert answers == set(fleet.hosts[:size]), "not every host said its own name"
    return took
