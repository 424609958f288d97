"""The console's tree at so many nodes: `python -m bench.lab.our_tree NODES`."""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys

import calmtui.tui  # noqa: F401 -- first, as when the console starts: it sets how often Textual paints
from bench.lab import nodes
from bench.lab.painting import cost, key, memory, running
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.update import Delta
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.fleet import FleetScreen

QUERY = "web-3 7d9f-07"
GONE = 1_000


async def never(app: CalmApp) -> Estate:
    """An estate whose file is never read: nothing is connected."""
    await asyncio.Event().wait()
    raise AssertionError


async def opened(fleet: Fleet) -> tuple[CalmApp, asyncio.Task[None], FleetScreen, float]:
    """A console, a second fleet screen on that fleet in front, and what that cost to paint."""
    app = CalmApp(LiveEstate(Estate("empty")), declare=never)
    task = await running(app)

    def show() -> None:
        app.push_screen(FleetScreen(LiveEstate(Estate("bench"), fleet=fleet)))

    painted = await cost(app, show, lambda seen: nodes.cluster(0) in seen)
    screen = app.screen
    assert isinstance(screen, FleetScreen)
    return app, task, screen, painted


async def main(count: int) -> None:
    fleet = nodes.fleet(count)
    gc.collect()
    gc.disable()  # as the console does until it has painted what it remembers
    app, task, screen, painted = await opened(fleet)
    gc.freeze()
    gc.enable()
    figures = {"first paint": painted, "rss, folded": memory()}
    figures["expand all"] = await cost(app, key(app, "Z"), lambda seen: "team-0000" in seen)
    figures["rss, all unfolded"] = memory()
    figures["cursor key"] = statistics.median([await cost(app, key(app, "j"), bool) for _ in range(30)])
    figures["insert one"] = statistics.median([await inserted(app, fleet, number) for number in range(15)])
    figures["remove 1,000"] = await removed(app, screen, fleet)
    figures["regroup"] = statistics.median([await regrouped(app, screen) for _ in range(6)])
    costs = await typed(app, screen)
    figures |= {"filter keystroke": statistics.median(costs), "filter keystroke, worst": max(costs)}
    figures["rss, at the end"] = memory()
    app.exit()
    await task
    print(json.dumps(figures))


async def inserted(app: CalmApp, fleet: Fleet, number: int) -> float:
    """A pod comes in sight, above everything else."""
    node = nodes.pod(0, 0, f"web-0-0new-{number}")
    return await cost(app, lambda: fleet.apply(node.source, [Delta("", put=[node])]), lambda seen: node.name in seen)


async def removed(app: CalmApp, screen: FleetScreen, fleet: Fleet) -> float:
    """A thousand pods all over one cluster go, the first of them in sight."""
    pods = [node for node in fleet if node.kind == "pod" and node.source == nodes.cluster(0)]
    first = next(row.node for row in screen.outline.rows if row.node and row.node.kind == "pod")
    gone = [first.id, *(node.id for node in pods[:: len(pods) // GONE] if node is not first)][:GONE]
    left = screen.outline.matching - len(gone)
    act = lambda: fleet.apply(first.source, [Delta("", gone=gone)])  # noqa: E731 -- a name for the one below
    return await cost(app, act, lambda seen: bool(seen) and screen.outline.matching == left)


async def regrouped(app: CalmApp, screen: FleetScreen) -> float:
    """The next grouping."""
    before = screen.outline.grouping
    return await cost(app, key(app, "b"), lambda seen: bool(seen) and screen.outline.grouping is not before)


async def typed(app: CalmApp, screen: FleetScreen) -> list[float]:
    """A query, key by key: each costs until the filter is on and painted."""
    await cost(app, key(app, "slash"), bool)

    def applied(seen: str) -> bool:
        return bool(seen) and screen.viewing.query == screen.bar.text

    return [await cost(app, key(app, {" ": "space", "-": "minus"}.get(letter, letter)), applied) for letter in QUERY]


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
