"""1,000 changes a second into a fleet of 100,000 nodes, with all that a console keeps of it besides the screen.

`python -m bench storm [SECONDS] [CHANGES A SECOND]`. The outline is refreshed 20 times a second as the fleet
screen does it, the changes are recorded and the fleet is kept, in a file of their own. No peer.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from bench.report import report
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.outline import Outline
from calmtui.fleet.source import SourceStatus
from calmtui.fleet.update import Change, Delta, Ready, Snapshot, Update
from calmtui.store import changes as stored
from calmtui.store.database import StoreError
from calmtui.store.keep import FleetKeeper
from calmtui.store.recorder import Recorder

NODES = 100_000
SOURCES = [f"cluster-{number}" for number in range(10)]
SECONDS = 60.0
RATE = 1_000
BATCH = 0.05
"""Seconds between batches, as the gathering has it."""
FRAME = 1 / 20
"""Seconds between two refreshes of the outline."""
PROBE = 0.01
"""Seconds between two looks at how late the event loop is."""
STATES = (State.RUNNING, State.PENDING, State.DEGRADED, State.FAILED)


class Storm:
    """Alters nodes at random; one change in ten takes a pod away and has another one made."""

    def __init__(self, fleet: Fleet, dice: random.Random) -> None:
        self._fleet = fleet
        self._dice = dice
        self._pods: dict[str, list[NodeId]] = {name: [] for name in SOURCES}
        self._number = 0

    def begin(self) -> None:
        """The first listing of every source."""
        for source in SOURCES:
            spaces = [_node(source, f"space-{number}", "namespace") for number in range(40)]
            pods = [self._pod(source) for _ in range(NODES // len(SOURCES) - len(spaces))]
            self._pods[source] = [pod.id for pod in pods]
            self._fleet.set_source(SourceStatus(source, "kubernetes"))
            self._fleet.apply(source, [Snapshot("pod", [*spaces, *pods]), Ready()])

    def batch(self, count: int) -> int:
        """About `count` changes, of one source; how many the fleet made of them."""
        source = self._dice.choice(SOURCES)
        pods = self._pods[source]
        updates: list[Update] = []
        for index in self._dice.sample(range(len(pods)), count * 10 // 11):
            if self._dice.random() < 0.1:
                born = self._pod(source)
                updates.append(Delta("pod", [born], [pods[index]]))
                pods[index] = born.id
            else:
                updates.append(Delta("pod", [self._altered(self._fleet.nodes[pods[index]])]))
        return len(self._fleet.apply(source, updates))

    def _altered(self, node: Node) -> Node:
        state = self._dice.choice([state for state in STATES if state is not node.state])
        restarts = (node.restarts or 0) + 1
        return msgspec.structs.replace(node, state=state, restarts=restarts, observed_at=time.time())

    def _pod(self, source: str) -> Node:
        self._number += 1
        return _node(source, f"web-7d9f8c6b54-{self._number:07}", "pod", f"space-{self._number % 40}")


def _node(source: str, name: str, kind: str, space: str = "") -> Node:
    parent = f"k8s:{source}/{space}" if space else None
    return Node(
        id=f"{parent}/pod/{name}" if parent else f"k8s:{source}/{name}",
        kind=kind, name=name, source=source, parent=parent, state=State.RUNNING, raw_state="Running",
        labels={"app": f"app-{hash(name) % 50}", "tier": "web"}, image="registry.example/shop/web:1.2.3",
        addresses=("10.1.2.3",), created=1.7e9, restarts=0, observed_at=time.time(),
    )  # fmt: skip


def main(argv: list[str]) -> None:
    seconds = float(argv[0]) if argv else SECONDS
    rate = int(argv[1]) if len(argv) > 1 else RATE
    with tempfile.TemporaryDirectory(prefix="calmtui-storm-") as folder:
        asyncio.run(_storm(seconds, rate, Path(folder) / "store.db"))


async def _storm(seconds: float, rate: int, path: Path) -> None:
    fleet = Fleet()
    outline = Outline(fleet)
    changed: set[NodeId] = set()

    def note(changes: list[Change]) -> None:
        changed.update(change.node.id for change in changes)

    def trouble(error: StoreError) -> None:
        raise error

    fleet.subscribe(note)
    storm = Storm(fleet, random.Random(7))
    made = 0
    lags: list[float] = []
    recorder = Recorder(fleet, "storm", trouble, path=path)
    async with recorder, FleetKeeper(fleet, "storm", trouble, path=path):
        storm.begin()
        _refresh(outline, changed)
        for row in outline.rows[:3]:
            outline.fold(row, opened=True)
        watching = asyncio.create_task(_watch_lag(lags))
        await asyncio.sleep(7)  # what comes with the first listing is written
        lags.clear()
        memory = [_resident()]
        began, cpu = time.monotonic(), time.process_time()
        while (passed := time.monotonic() - began) < seconds:
            made += storm.batch(int(rate * (passed + BATCH)) - made)
            _refresh(outline, changed)
            if len(memory) == 1 and passed > seconds / 2:
                memory.append(_resident())
            await asyncio.sleep(max(0.0, began + passed + BATCH - time.monotonic()))
        took, busy = time.monotonic() - began, time.process_time() - cpu
        memory.append(_resident())
        watching.cancel()
        dropped = recorder.dropped
    lags.sort()
    for metric, value, unit in (
        ("changes made", made / took, "1/s"),
        ("changes stored", stored.newest_number(path=path), "changes"),
        ("changes made in all", made, "changes"),
        ("changes dropped", dropped, "changes"),
        ("CPU share", 100 * busy / took, "% of one"),
        ("RSS at the beginning", memory[0], "MiB"),
        ("RSS in the middle", memory[1], "MiB"),
        ("RSS at the end", memory[2], "MiB"),
        ("loop lag p50", statistics.median(lags), "ms"),
        ("loop lag p99", lags[int(len(lags) * 0.99)], "ms"),
        ("loop lag worst", lags[-1], "ms"),
    ):
        report("storm", metric, value, unit)


def _refresh(outline: Outline, changed: set[NodeId]) -> None:
    """What the fleet screen does for each frame, apart from painting."""
    outline.refresh(changed)
    outline.refresh_sources()
    changed.clear()


async def _watch_lag(lags: list[float]) -> None:
    """Milliseconds that the loop comes late to whoever waits, such as a key."""
    while True:
        due = time.perf_counter() + PROBE
        await asyncio.sleep(PROBE)
        lags.append((time.perf_counter() - due) * 1000)


def _resident() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
