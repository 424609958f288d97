"""The console on a fleet of which everything is known: no source is connected, what changes is fed by the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from textual.pilot import Pilot

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Snapshot
from calmtui.tui.app import CalmApp
from calmtui.tui.widgets.footer import Footer

PATIENCE = 45.0
"""Seconds until a condition that is waited for has failed."""
NOW = time.mktime((2026, 2, 3, 2, 41, 7, 0, 0, 0))
"""The time in pictures: of the local clock, so that it reads 02:41 everywhere."""

SHOP = "k8s:prod/shop"


def pod(name: str, state: State = State.RUNNING, **more: object) -> Node:
    """A pod of the shop's deployment `web`."""
    given = {"env": "production", "service": "web", "created": NOW - 7200, "restarts": 0, **more}
    parent = f"{SHOP}/deployment/web"
    return Node(f"{SHOP}/pod/{name}", "pod", name, "prod", parent, state, **given)  # type: ignore[arg-type]


def host(name: str, state: State = State.RUNNING, **more: object) -> Node:
    """A host of the source `edge`."""
    return Node(f"ssh:edge/{name}", "host", name, "edge", None, state, **more)  # type: ignore[arg-type]


def shop() -> Fleet:
    """A namespace with a deployment of four pods, two of them failed, and three hosts of a source that is down."""
    fleet = Fleet()
    broken = {"reason": "CrashLoopBackOff", "restarts": 7}
    nodes = [
        Node(SHOP, "namespace", "shop", "prod", None, State.RUNNING),
        Node(f"{SHOP}/deployment/web", "deployment", "web", "prod", SHOP, State.DEGRADED, reason="2 of 4 ready"),
        pod("web-1", State.FAILED, **broken, labels={"app": "web", "tier": "front"}, image="shop/web:1.9.2"),
        pod("web-2"),
        pod("web-3", State.FAILED, **broken),
        pod("web-10"),
        *(host(f"edge-{number}", observed_at=NOW - 300) for number in (1, 2, 3)),
    ]
    error = "edge: no answer in 10 s through jump-eu; check the jump host, then retry the source"
    sources = [
        SourceStatus("edge", "ssh", Health.CONNECTING),
        SourceStatus("prod", "kubernetes", Health.CONNECTING, took_ms=212),
    ]
    fleet.restore(nodes, sources)
    fleet.set_source(SourceStatus("edge", "ssh", Health.STALE, error, confirmed_at=NOW - 300))
    fleet.set_source(SourceStatus("prod", "kubernetes", Health.LIVE, confirmed_at=NOW))
    fleet.apply("prod", [Snapshot("", [node for node in nodes if node.source == "prod"])], now=NOW)
    return fleet


async def never(app: CalmApp) -> Estate:
    """An estate whose file is never read: nothing is connected."""
    await asyncio.Event().wait()
    raise AssertionError


def console(fleet: Fleet | None = None, **more: object) -> CalmApp:
    """The app on that fleet."""
    live = LiveEstate(Estate("lab"), fleet=fleet if fleet is not None else shop())
    return CalmApp(live, declare=never, **more)  # type: ignore[arg-type]


def lines(app: CalmApp) -> list[str]:
    """What the tree shows, a line for each row."""
    tree = app.fleet_screen.tree_view
    return [tree.render_line(y).text.rstrip() for y in range(min(tree.size.height, len(tree.outline.rows)))]


def names(app: CalmApp) -> list[str]:
    """The names of the rows."""
    return [row.node.name if row.node else row.name for row in app.fleet_screen.outline.rows]


def at(app: CalmApp) -> str:
    """The name of the row that the cursor is on."""
    return names(app)[app.fleet_screen.tree_view.cursor]


def marked(app: CalmApp) -> set[str]:
    """The names of the marked nodes, of those that are there."""
    return {node.name for node in app.live.fleet if node.id in app.fleet_screen.marks}


def said(app: CalmApp) -> str:
    """What the last line says."""
    return app.screen.query_one(Footer).render().plain.strip()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys and let what they bring about happen."""
    await pilot.press(*keys)
    await pilot.pause()


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Type a text, letter by letter."""
    await press(pilot, *({" ": "space", "=": "equals_sign", "-": "minus"}.get(sign, sign) for sign in text))


async def until(pilot: Pilot[None], holds: Callable[[], object], what: str = "it never came") -> None:
    """Wait until a condition holds. Fails after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        await pilot.pause(0.02)


def ids(nodes: Iterable[Node]) -> list[str]:
    """Their ids."""
    return [node.id for node in nodes]
