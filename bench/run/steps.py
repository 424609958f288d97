"""What a step costs with its full account: begun and ended on the disk, by the engine on DBOS; nothing is done in it.

`python -m bench.run.steps [DATABASE]` prints its figures as a line of JSON; DATABASE is a URL, without it a file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from calmtui import providers
from calmtui.actions.gate import Gate
from calmtui.fleet.node import Node
from calmtui.governance.identity import me
from calmtui.runbooks.account import Account
from calmtui.runbooks.carry import Carrying
from calmtui.runbooks.durable import Durable
from calmtui.runbooks.engine import Flow
from calmtui.runbooks.journal import Journal, Run, Standing
from calmtui.runbooks.load import load_file
from calmtui.runbooks.planning import make
from tests.unit.actions.workshop import ENTRY, Workshop, live, node

STEPS = 5
RUNBOOK = """runbook: x
summary: nothing
targets: kind=thing
strategy: {{rolling: {{parallel: {parallel}}}}}
steps: [{{run: a}}, {{run: b}}, {{run: c}}, {{run: d}}, {{run: e}}]
"""


async def _nothing(_: Node) -> str:
    return "0 fine"


async def _run(folder: Path, place: Path | str, count: int, parallel: int) -> float:
    """Milliseconds a step takes, over so many nodes."""
    nodes = [node(f"n{number}") for number in range(count)]
    estate = live(Workshop(_nothing), *nodes, ledger=folder / "ledger.db")
    file = folder / "x.yaml"
    file.write_text(RUNBOOK.format(parallel=parallel))
    journal = Journal(place)
    plan = make(estate.estate, load_file(file), nodes, {}, estate.actions(), who=me(), groups=(), reason="bench")
    ended = asyncio.Event()
    held: dict[str, Run] = {}

    async def body(workflow: str, flow: Flow) -> None:
        run = held[workflow]
        gate = Gate(estate, read_only=False, through="runbook")
        await Carrying(estate, gate, plan, await asyncio.to_thread(Account, journal, run)).carry_out(flow)
        ended.set()

    async with Durable(body, journal.url or journal.path.with_name("workflows.db")) as engine:
        run = journal.submit(plan)
        claimed = journal.claim(run, "bench")
        assert claimed is not None, "nobody else carries it out"
        held[claimed.workflow] = claimed
        began = time.perf_counter()
        await engine.begin(claimed.workflow)
        await ended.wait()
        took = time.perf_counter() - began
    assert journal.run(run.id).standing is Standing.OK
    return took * 1000 / (count * STEPS)


def main(argv: list[str]) -> None:
    """Print ms a step: one after the other, and 64 nodes at once."""
    providers._registered()["workshop"] = ENTRY  # as if a third party's were installed
    figures = {}
    for name, count, parallel in (("one", 40, 1), ("many", 1000, 64)):
        with tempfile.TemporaryDirectory(prefix="bench-runs-") as folder:
            os.environ["XDG_STATE_HOME"] = folder
            place: Path | str = argv[0] if argv else Path(folder) / "runs.db"
            figures[name] = asyncio.run(_run(Path(folder), place, count, parallel))
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
