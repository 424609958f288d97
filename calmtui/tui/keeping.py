"""Keeping: what is marked and how the tree is looked at, saved soon after it changes and at the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from calmtui.fleet.node import NodeId
from calmtui.store import marks, views
from calmtui.store.database import StoreError

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

EVERY = 2.0
"""Seconds in which changes gather before they are written."""


class Kept(NamedTuple):
    """What is kept of one console."""

    marks: frozenset[NodeId]
    view: dict[str, Any]

    def save(self, estate: str) -> None:
        """Write it. Blocks: call it in a thread. Raises StoreError."""
        marks.save(estate, self.marks)
        views.save(estate, self.view)


@contextlib.asynccontextmanager
async def kept(app: CalmApp, estate: str, tell: Callable[[StoreError], None]) -> AsyncIterator[None]:
    """Keep marks and view of an estate while it is entered; `tell` gets the error when one cannot be saved."""
    ending = asyncio.Event()
    keeping = asyncio.create_task(_keep(app, estate, tell, ending), name="keep marks and view")
    try:
        yield
    finally:
        ending.set()
        await keeping


async def _keep(app: CalmApp, estate: str, tell: Callable[[StoreError], None], ending: asyncio.Event) -> None:
    saved, told = _now(app), ""
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ending.wait(), EVERY)
        now, last = _now(app), ending.is_set()
        if now != saved:
            try:
                await asyncio.to_thread(now.save, estate)
            except StoreError as error:
                if str(error) != told:
                    told = str(error)
                    tell(error)
            else:
                saved = now
        if last:
            return


def _now(app: CalmApp) -> Kept:
    screen = app.fleet_screen
    return Kept(frozenset(screen.marks), screen.viewing.view.values(app.live.fleet))
