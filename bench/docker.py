"""200 containers of a real engine into a fleet, beside `docker ps -a`, which is run in turn with it.

Two figures, both the median of fresh processes, against the wall time of the whole `docker ps -a`:

- *connection*: from the first attempt to connect until every container is a node in the fleet and the source
  is live. It is what a running console adds for a Docker source, and what the target is about. Nothing is
  warm: each is the first connection of its process, which has only read its settings before.
- *process start*: the same with the interpreter's start and every import, beside a compiled client's. Python
  alone makes this longer than all of `docker ps -a`; it stands here so that nobody is misled by the first.

Containers are 20 running and 180 created ones; they are removed afterwards. Needs the lab (`tests/lab`) or
an engine with the image `lab:latest`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from bench.report import report

RUNNING, CREATED = 20, 180
ROUNDS = 11
LABEL = "calmtui.bench=docker"

CHILD = """
import asyncio, sys
from pathlib import Path
from calmtui import providers
from calmtui.fleet.fleet import Fleet
from calmtui.providers.base import Opening
from calmtui.providers.gather import Gatherer

async def main():
    provider = providers.load("docker")
    source = provider.open(Opening("bench", provider.options()(host=sys.argv[1]), Path("/")))
    fleet = Fleet()
    async with Gatherer(fleet, [source]) as gatherer:
        assert await gatherer.settled(60)
        status = fleet.sources["bench"]
        assert not status.error, status.error
        print(sum(node.kind == "container" for node in fleet), status.took_ms, flush=True)

asyncio.run(main())
"""


def main(argv: list[str]) -> None:
    """`python -m bench docker [HOST]`: on that engine, else on the lab's, which is started."""
    host = argv[0] if argv else _lab()
    _docker(host, "info")
    try:
        _make_containers(host)
        count = len(_docker(host, "ps", "-aq").split())
        peers, starts, connections = [], [], []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            _docker(host, "ps", "-a")
            peers.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            nodes, took_ms = _run([sys.executable, "-c", CHILD, host]).split()
            starts.append(time.perf_counter() - begun)
            connections.append(int(took_ms) / 1000)
            assert int(nodes) == count, f"{nodes} nodes of {count} containers"
    finally:
        names = _docker(host, "ps", "-aq", "--filter", f"label={LABEL}").split()
        if names:
            _docker(host, "rm", "-f", *names)
    peer = statistics.median(peers)
    for metric, figures in (("connection", connections), ("process start", starts)):
        report(
            "docker",
            f"{metric} to {count} containers in the fleet",
            statistics.median(figures),
            "s",
            "docker ps -a",
            peer,
        )


def _lab() -> str:
    from tests.lab.place import LAB, script

    script("docker-up")
    return f"unix://{LAB}/docker.sock"


def _make_containers(host: str) -> None:
    for number in range(RUNNING + CREATED):
        verb = ["run", "-d"] if number < RUNNING else ["create"]
        options = ["--init", "--network=none", f"--label={LABEL}", f"--name=bench-{number:03d}"]
        _docker(host, *verb, *options, "lab:latest", "sleep", "9999")


def _docker(host: str, *args: str) -> str:
    return _run(["docker", "-H", host, *args])


def _run(argv: list[str]) -> str:
    return subprocess.run(argv, check=True, text=True, capture_output=True, timeout=120).stdout
