"""Changes in the store, and the console on their screen."""

from __future__ import annotations

import time

import msgspec
import pytest
from textual.pilot import Pilot

from calmtui.estate import find
from calmtui.fleet.history import Record, record
from calmtui.fleet.node import Node, State
from calmtui.fleet.update import Change, ChangeKind
from calmtui.store import changes
from calmtui.tui.screens.changes import ChangesScreen
from calmtui.tui.widgets.still import Still
from tests.tui.fleet_app import NOW, SHOP, host, pod, press, until

WIDE = (140, 40)
KEY = find.DISCOVERED
DEPLOYMENT = Node(f"{SHOP}/deployment/web", "deployment", "web", "prod", SHOP, State.DEGRADED)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setattr(changes, "KEEP_DAYS", 365 * 100)


def changed(ago: float, before: Node | None, after: Node | None, not_before: float | None = None) -> Record:
    kind = ChangeKind.ALTERED if before and after else ChangeKind.ADDED if after else ChangeKind.GONE
    node = after or before
    assert node is not None
    told = record(Change(kind, NOW - ago, node.source, before, after), not_before=not_before)
    assert told is not None
    return told


def failed(ago: float, name: str) -> Record:
    return changed(ago, pod(name), pod(name, State.FAILED, reason="CrashLoopBackOff"))


def deployed(ago: float) -> Record:
    old, new = (msgspec.structs.replace(DEPLOYMENT, image=f"shop/web:1.9.{number}") for number in (1, 2))
    return changed(ago, old, new)


def history() -> None:
    """An hour: a pod that went, a deployment with a new image, two pods that fail after it, and a host nobody saw."""
    changes.begin(KEY, {"prod": NOW - 1800, "edge": NOW - 90_000})
    changes.append(
        KEY,
        [
            changed(3500, host("edge-9"), None),
            changed(2400, host("edge-1"), host("edge-1", State.STOPPED), not_before=NOW - 3300),
            deployed(900),
            failed(780, "web-1"),
            failed(770, "web-3"),
            changed(60, pod("web-2", restarts=1), pod("web-2", restarts=2)),
        ],
    )


async def opened(pilot: Pilot[None]) -> ChangesScreen:
    await press(pilot, "c")
    screen = pilot.app.screen
    assert isinstance(screen, ChangesScreen)
    await until(pilot, lambda: not screen.reading)
    await pilot.pause()
    return screen


def rows(screen: ChangesScreen) -> list[str]:
    return [screen.rows.render_line(y).text.rstrip() for y in range(min(screen.rows.size.height, screen.rows.count))]


def told(screen: ChangesScreen, name: str) -> str:
    return str(screen.query_one(f"#{name}", Still).render())


def on(screen: ChangesScreen) -> str:
    """The name of the node of the change under the cursor."""
    assert screen.entry is not None
    return screen.entry.record.name
