"""The console on 10,000 nodes for a real terminal; on SIGUSR1 a hundred of them change within a second, out of sight.

`python -m bench.lab.console`: it connects to nothing, and ends with `q`.
"""

from __future__ import annotations

import asyncio
import signal

import msgspec

from bench.lab import nodes
from bench.lab.our_tree import never
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import State
from calmtui.fleet.update import Delta
from calmtui.tui.app import CalmApp

NODES = 10_000
CHANGES = 100
BATCHES = 20


async def change(fleet: Fleet) -> None:
    """A hundred pods of the last cluster are restarted; one in five stays failed, which the first line tells."""
    pods = [node for node in fleet if node.kind == "pod" and node.source == nodes.cluster(nodes.CLUSTERS - 1)]
    for batch in range(BATCHES):
        put = [
            msgspec.structs.replace(
                node, restarts=(node.restarts or 0) + 1, state=State.RUNNING if number else State.FAILED
            )
            for number, node in enumerate(pods[batch * CHANGES // BATCHES :][: CHANGES // BATCHES])
        ]
        fleet.apply(put[0].source, [Delta("", put=put)])
        await asyncio.sleep(1 / BATCHES)


async def main() -> None:
    fleet = nodes.fleet(NODES)
    app = CalmApp(LiveEstate(Estate("bench"), fleet=fleet), declare=never)

    def begin() -> None:
        app.call_later(lambda: app.run_worker(change(fleet)))

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, begin)
    await app.run_async()


if __name__ == "__main__":
    asyncio.run(main())
