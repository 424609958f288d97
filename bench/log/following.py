"""The log screen on real hosts, for a real terminal: `python -m bench.log.following SSH_CONFIG EXPECTED RESULT HOST…`.

On SIGUSR1 nothing more is written on the hosts: it ends once EXPECTED lines have come, or PATIENCE later, and writes
into the file RESULT what was delivered, which it finds by reading every kept line again.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np

from bench.lab.our_tree import never
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.update import Delta
from calmtui.logs.block import LATE, NOTE, Block
from calmtui.logs.buffer import Buffer
from calmtui.providers.base import Opening
from calmtui.providers.ssh import PROVIDER
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.logs import LogsScreen

FILE = "/var/log/app.log"
PATIENCE = 30.0
BEGINNING = 60.0
"""Seconds for all hosts to be read."""
NUMBER = re.compile(rb" request +(\d+) handled")


class Arrivals:
    """Sees every block that the screen is given."""

    def __init__(self) -> None:
        self.lines = 0
        self.delays: list[float] = []
        """Of each block, seconds since its first line was written."""

    def add(self, lines: Block) -> None:
        """Take one."""
        real = lines.rows[lines.rows["flags"] & NOTE == 0]
        self.lines += len(real)
        if len(real):
            self.delays.append(time.time() - int(real["ts"].min()) / 1e9)


async def main(config: Path, expected: int, result: Path, hosts: list[str]) -> None:
    options = PROVIDER.options()(hosts=hosts, ssh_config=config, logs=[FILE])
    source = PROVIDER.open(Opening("bench", options, config.parent))
    live = LiveEstate(Estate("bench"))
    live.gatherer.sources["bench"] = source
    nodes = [Node(id=f"ssh:bench/{host}", kind="host", name=host, source="bench", offers=("logs",)) for host in hosts]
    live.fleet.apply("bench", [Delta("", put=nodes)])
    app = CalmApp(live, declare=never)
    logs, arrivals = LogsScreen(live, nodes), Arrivals()
    logs.view.taps.append(arrivals.add)
    told: dict[str, float] = {}

    async def end() -> None:
        told["in time"], written = arrivals.lines, time.monotonic()
        while arrivals.lines < expected and time.monotonic() < written + PATIENCE:
            await asyncio.sleep(0.05)
        told["behind"] = time.monotonic() - written
        app.exit()

    async def tell_when_begun() -> None:
        await logs.pane.follower.begun(BEGINNING)
        begun(result).touch()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, lambda: app.run_worker(end()))
    gc.freeze()  # as the console does before it connects
    app.call_later(lambda: app.push_screen(logs))
    app.call_later(lambda: app.run_worker(tell_when_begun()))
    await app.run_async()
    await source.close()
    told["delay"] = float(np.percentile(arrivals.delays, 99))
    result.write_text(json.dumps(told | delivered(logs.view.buffer)))


def begun(result: Path) -> Path:
    """The file that is there once every host is read."""
    return result.with_suffix(".begun")


def delivered(buffer: Buffer) -> dict[str, int]:
    """How many lines are kept, how many of them came late, and how many do not follow the one before of their host."""
    last: dict[int, int] = {}
    count = late = misplaced = 0
    for block in buffer.lines.blocks():
        rows = block.rows[block.rows["flags"] & NOTE == 0]
        numbers = np.array(NUMBER.findall(block.data), np.int64)
        assert len(numbers) == len(rows), "a line is not as it was written"
        count, late = count + len(rows), late + int(np.count_nonzero(rows["flags"] & LATE))
        for origin in np.unique(rows["origin"]).tolist():
            own = numbers[rows["origin"] == origin]
            misplaced += int(np.count_nonzero(np.diff(own, prepend=last.get(origin, -1)) != 1))
            last[origin] = int(own[-1])
    return {"kept": count, "late": late, "misplaced": misplaced}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
