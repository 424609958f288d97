"""Keys while 1,000 changes a second come in: `python -m bench.lab.our_stream NODES SECONDS`.

Everything is unfolded. Of the changes most alter a state, a tenth are pods that go, each with a new one in
its place. A key's time begins when it is pressed and ends with the first paint that has the cursor moved.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import random
import statistics
import sys
import time

import msgspec

from bench.lab import nodes
from bench.lab.our_tree import opened
from bench.lab.painting import cost, driver, key, memory
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import State
from calmtui.fleet.update import Delta
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.fleet import SETTLED, FleetScreen

RATE = 1_000
BATCHES = 20
"""Batches a second in which sources report."""
BETWEEN = 0.1
"""Seconds between two keys."""


class Storm:
    """Changes of the pods of a fleet at random."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._pods = [node.id for node in fleet if node.kind == "pod"]
        self._rng = random.Random(3)
        self._new = itertools.count()

    async def blow(self, seconds: float) -> float:
        """Change the fleet for so long; CPU seconds that this took by itself."""
        spent, began = 0.0, time.perf_counter()
        for batch in range(int(seconds * BATCHES)):
            before = time.process_time()
            changed: dict[str, Delta] = {}
            for _ in range(RATE // BATCHES * 9 // 10):
                self._change(self._rng.randrange(len(self._pods)), changed)
            for source, delta in changed.items():
                self._fleet.apply(source, [delta])
            spent += time.process_time() - before
            await asyncio.sleep(max(0.0, began + (batch + 1) / BATCHES - time.perf_counter()))
        return spent

    def _change(self, at: int, changed: dict[str, Delta]) -> None:
        """One change of that pod; or two, when another comes in its place."""
        old = self._fleet.get(self._pods[at])
        if old is None:
            return  # it comes with this batch
        delta = changed.setdefault(old.source, Delta("", put=[], gone=[]))
        if self._rng.random() < 8 / 9:
            state = self._rng.choices([State.RUNNING, State.FAILED, State.PENDING], [8, 1, 1])[0]
            delta.put.append(msgspec.structs.replace(old, state=state, restarts=(old.restarts or 0) + 1))
            return
        name = f"{'-'.join(old.name.split('-')[:4])}-{next(self._new)}"
        self._pods[at] = f"{old.id.rpartition('/')[0]}/{name}"
        delta.put.append(msgspec.structs.replace(old, id=self._pods[at], name=name))
        delta.gone.append(old.id)


async def press(app: CalmApp, screen: FleetScreen, done: asyncio.Event) -> tuple[list[float], list[float]]:
    """Move the cursor again and again; milliseconds of the clock, and of the CPU, that each took."""
    clock: list[float] = []
    cpu: list[float] = []
    there = driver(app)
    for number in itertools.count():
        if done.is_set():
            return clock, cpu
        at, there.seen = screen.tree_view.cursor, ""
        began, worked = time.perf_counter(), time.process_time()
        key(app, "j" if number % 40 < 20 else "k")()
        while screen.tree_view.cursor == at or not there.seen:
            if screen.tree_view.cursor == at:
                there.seen = ""  # a paint of what changed, not of the key
            there.wrote.clear()
            await there.wrote.wait()
        clock.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - worked) * 1000)
        await asyncio.sleep(BETWEEN)
    raise AssertionError


async def main(count: int, seconds: float) -> None:
    fleet = nodes.fleet(count)
    app, task, screen, _ = await opened(fleet)
    gc.freeze()  # as the console does once it has painted what it remembers
    await cost(app, key(app, "Z"), lambda seen: "team-0000" in seen)
    await asyncio.sleep(SETTLED + 2)  # what the first query needs is there
    memories, done = [memory()], asyncio.Event()
    idle = time.process_time()
    streaming: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        storm = Storm(fleet)
        first = await storm.blow(seconds / 2)
        memories.append(memory())
        streaming.set_result(first + await storm.blow(seconds / 2))
        memories.append(memory())
        done.set()

    app.call_later(lambda: app.run_worker(run(), exit_on_error=True))
    clock, cpu = await press(app, screen, done)
    busy = (time.process_time() - idle - await streaming) / seconds
    app.exit()
    await task
    print(
        json.dumps(
            {
                "key, CPU, p50": statistics.median(cpu),
                "key, CPU, p99": sorted(cpu)[int(len(cpu) * 0.99)],
                "key, by the clock, p50": statistics.median(clock),
                "key, by the clock, p99": sorted(clock)[int(len(clock) * 0.99)],
                "CPU a second, without making the changes": busy * 1000,
                **dict(zip(("rss, before", "rss, halfway", "rss, at the end"), memories, strict=True)),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
