"""A Textual app without a terminal whose every paint is turned into the bytes for one, and seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

SIZE = (120, 40)
PATIENCE = 30.0


class SeenDriver(HeadlessDriver):
    """Keeps what was written since the last look, and tells when it was what somebody waits for."""

    seen = ""
    awaited: Callable[[str], bool] = bool
    """Whether what was seen is what is waited for."""
    began = 0.0
    """CPU seconds of the process when the wait began."""
    took: float | None = None
    """CPU seconds from then to the end of the paint that was waited for; None: it has not come."""

    @property
    def is_headless(self) -> bool:
        """No: then nothing would be turned into text."""
        return False

    def write(self, data: str) -> None:
        """Take a paint."""
        self.seen += data
        if self.took is None and self.awaited(self.seen):
            self.took = time.process_time() - self.began
        self.wrote.set()

    def flush(self) -> None:
        """Nothing is held back."""

    def start_application_mode(self) -> None:
        """Begin."""
        self.wrote = asyncio.Event()
        super().start_application_mode()


async def running(app: App[Any]) -> asyncio.Task[Any]:
    """Start an app of which every paint is seen; returns its task once it has painted."""
    app.driver_class = SeenDriver
    task = asyncio.create_task(app.run_async(size=SIZE))
    async with asyncio.timeout(PATIENCE):
        while not app.is_running or not driver(app).seen:
            await asyncio.sleep(0.01)
    await settled(app)
    return task


def driver(app: App[Any]) -> SeenDriver:
    """Its driver."""
    assert isinstance(app._driver, SeenDriver)
    return app._driver


async def settled(app: App[Any]) -> None:
    """Wait until it has written nothing for a third of a second."""
    while True:
        driver(app).wrote.clear()
        try:
            await asyncio.wait_for(driver(app).wrote.wait(), 0.3)
        except TimeoutError:
            return


async def cost(app: App[Any], act: Callable[[], object], done: Callable[[str], bool]) -> float:
    """CPU milliseconds of this process from `act` to the first paint after which what was written is `done`."""
    await settled(app)
    there = driver(app)
    there.seen, there.took, there.awaited = "", None, done
    there.began = time.process_time()
    app.call_later(act)  # what it does must happen inside the app
    async with asyncio.timeout(PATIENCE):
        while there.took is None:
            there.wrote.clear()
            await there.wrote.wait()
    return there.took * 1000


def key(app: App[Any], name: str) -> Callable[[], object]:
    """What presses a key: a letter, or a name in Textual's spelling."""
    return lambda: app.post_message(events.Key(name, name if len(name) == 1 else None))


def memory() -> float:
    """What this process holds, in MB."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))
