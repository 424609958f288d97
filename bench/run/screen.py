"""The screen of a run of 10,000 nodes × 5 steps under way: keys while events come in. No peer.

`python -m bench.run.screen`: the journal is a file of its own, to which a process of its own, as a worker is,
appends 2,000 events a second.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.lab.our_tree import never
from bench.lab.painting import SIZE, SeenDriver, driver, key
from bench.report import report
from calmtui.actions.outcome import Status
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.governance.identity import Who
from calmtui.runbooks.journal import Event, Journal, Standing
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.run import RunScreen

NODES, STEPS, BATCHES = 10_000, 5, 10
DONE = 5_000
"""Nodes that have all of it when the screen is opened."""
RATE, EVERY = 2_000, 0.05
"""Events a second, and seconds between two times that some are written."""
KEYS = 200


def _plan() -> RunPlan:
    nodes = tuple(PlannedNode(f"ssh:web/web-{number:05}", "host", f"web-{number:05}", "web") for number in range(NODES))
    steps = tuple(PlannedStep(str(number), {"name": f"step {number}", "run": "true"}) for number in range(1, STEPS + 1))
    told = {"ended": False, "failed": False, "waiting": False}
    stages = (NODES // BATCHES,) * BATCHES
    return RunPlan(
        "patch", "Patch a fleet", "", Who("bench"), (), "", False, {}, nodes, stages, 64, None, 0, 0.0, "continue",
        steps, (), told, ("exec",), 1,
    )  # fmt: skip


def _events(begin: int, end: int) -> Iterator[Event]:
    """All that happens on some nodes; every hundredth fails."""
    for number in range(begin, end):
        node = f"ssh:web/web-{number:05}"
        for step in range(1, STEPS + 1):
            bad = number % 100 == 7 and step == 3
            yield Event(node, str(step), Status.RUNNING, "running", at=time.time(), attempt=1)
            status = Status.FAILED if bad else Status.OK
            yield Event(node, str(step), status, "exit 1: no space" if bad else "done", "a line\nanother\n",
                        at=time.time(), attempt=1)  # fmt: skip
            if bad:
                break


def _write(path: Path, run_id: str) -> None:
    """Append events as a worker does, until there are no more."""
    journal, coming = Journal(path), _events(DONE, NODES)
    while some := list(itertools.islice(coming, int(RATE * EVERY))):
        journal.append(run_id, some)
        time.sleep(EVERY)


async def _pressed(app: CalmApp, screen: RunScreen, name: str) -> float:
    """Milliseconds from a key to the paint that shows where the cursor has gone."""
    await asyncio.sleep(0.03)
    before, began = screen.nodes.cursor, time.perf_counter()
    key(app, name)()
    while screen.nodes.cursor == before:
        driver(app).wrote.clear()
        await driver(app).wrote.wait()
    return (time.perf_counter() - began) * 1000


async def figures() -> dict[str, float]:
    """Milliseconds: until all is folded in and painted, and what keys cost meanwhile."""
    with tempfile.TemporaryDirectory(prefix="calmtui-bench-") as folder:
        journal = Journal(Path(folder) / "runs.db")
        run = journal.submit(_plan())
        journal.stands(run.id, Standing.RUNNING, "batch 6 of 10")
        journal.append(run.id, _events(0, DONE))
        app = CalmApp(LiveEstate(Estate("bench")), declare=never)
        app.driver_class = SeenDriver
        task = asyncio.create_task(app.run_async(size=SIZE))
        while not app.is_running or not driver(app).seen:
            await asyncio.sleep(0.05)
        gc.freeze()  # as the console does once it has painted
        began = time.perf_counter()
        screen = RunScreen(journal, run)
        app.call_later(app.push_screen, screen)  # inside the app: a screen's timers need its context
        while screen.board is None or screen.board.counts[Status.OK] < DONE - DONE // 100 or not screen.nodes.count:
            await asyncio.sleep(0.01)
        opened = (time.perf_counter() - began) * 1000
        writer = subprocess.Popen([sys.executable, "-m", "bench.run.screen", str(journal.path), run.id])
        while screen.board.counts[Status.OK] < DONE:
            await asyncio.sleep(0.01)
        costs = [await _pressed(app, screen, "jk"[number // 20 % 2]) for number in range(KEYS)]
        assert writer.poll() is None, "events came in all the time"
        writer.terminate()
        writer.wait()
        app.exit()
        await task
    costs.sort()
    return {"opened": opened, "key p50": costs[KEYS // 2], "key p99": costs[int(KEYS * 0.99)], "key worst": costs[-1]}


def main(argv: list[str]) -> None:
    """Measure; with the journal's file and a run's id as arguments, write to it."""
    if argv:
        _write(Path(argv[0]), argv[1])
        return
    for metric, value in asyncio.run(figures()).items():
        report("runs screen, 10,000 nodes", metric, value, "ms")


if __name__ == "__main__":
    main(sys.argv[1:])
