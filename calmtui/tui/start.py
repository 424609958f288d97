"""The console from the command line: what is remembered is painted first, then everything else is imported."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from calmtui.errors import CalmError
from calmtui.estate import find
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError
from calmtui.estate.settings import Settings
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import NodeId
from calmtui.fleet.view import View, of_values
from calmtui.store import last_fleet, queries, views
from calmtui.store import marks as stored_marks
from calmtui.store.database import StoreError
from calmtui.tui import keys
from calmtui.tui.app import CalmApp

log = logging.getLogger(__name__)


Connected = Callable[[CalmApp], Awaitable[None]]
"""What is done once the estate is being connected to."""


def run_console(chosen: Settings, connected: Connected | None = None) -> int:
    """Run the console until it is left; returns what to exit with.

    Raises CalmError for settings or an estate file that cannot be used, and whatever ended it unasked.
    """
    gc.disable()  # until the first paint: collecting while 10,000 nodes are read costs a tenth of it
    return run(console(chosen, connected), chosen)


def run(app: CalmApp, chosen: Settings) -> int:
    """Run an app of these settings until it is left; see `run_console`."""
    if wrong := keys.problems(chosen.keys, chosen.where):
        raise EstateError(wrong)
    asyncio.run(_until_left(app))
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0


def console(chosen: Settings, connected: Connected | None = None) -> CalmApp:
    """The app on what is remembered of the estate; it reads the file and connects once that is painted."""
    file = find.estate_file(chosen.inventory) if chosen.inventory is not None else None
    key = find.key_of(file) if file is not None else find.DISCOVERED
    fleet = Fleet()
    marked: set[NodeId] = set()
    view = View()
    news = ""
    try:
        fleet.restore(*last_fleet.load(key))
        marked = stored_marks.load(key)
        view = of_values(views.load(key))
    except StoreError as error:  # a console without memory is better than none
        news = str(error)

    async def ask(prompt: str) -> str | None:
        return await app.ask(prompt)

    async def declare(app: CalmApp) -> Estate:
        gc.freeze()  # what was remembered stays; walking 100,000 rows again and again would hold up keys
        gc.enable()
        if news:
            app.say(news, trouble=True)
        return await _of_file(file) if file is not None else await _of_this_machine(app)

    estate = Estate(file.parent.name, path=file) if file is not None else Estate("this machine")
    live = LiveEstate(estate, ask=ask, fleet=fleet)
    app = CalmApp(
        live,
        read_only=chosen.read_only,
        rebound=chosen.keys,
        theme=chosen.theme,
        marked=marked,
        view=view,
        declare=declare,
        beside=lambda app: _memory(app, key),
        connected=connected,
    )
    return app


async def _until_left(app: CalmApp) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit, None, 128 + number)
    await app.run_async(mouse=True)


async def _of_file(file: Path) -> Estate:
    def load() -> Estate:
        from calmtui.estate.load import load_file  # pydantic and PyYAML: a tenth of a second

        return load_file(file)

    return await asyncio.to_thread(load)


async def _of_this_machine(app: CalmApp) -> Estate:
    from calmtui.estate import discover  # pydantic: a tenth of a second
    from calmtui.tui.screens.discover import DiscoverScreen

    found = await asyncio.to_thread(discover.discover)
    on = discover.chosen(found, await asyncio.to_thread(discover.choices))
    chosen = await app.answer(DiscoverScreen(found, on)) or {}
    try:
        await asyncio.to_thread(discover.remember, found, chosen)
    except StoreError as error:
        app.say(str(error), trouble=True)
    return discover.estate_of(found, chosen)


@contextlib.asynccontextmanager
async def _memory(app: CalmApp, key: str) -> AsyncIterator[None]:
    """Keep what is known, what changed and what the operator made of it, from the first connection to the last."""
    from calmtui.store.keep import FleetKeeper
    from calmtui.store.recorder import Recorder
    from calmtui.tui.keeping import kept

    def tell(error: CalmError) -> None:
        app.say(str(error), trouble=True)

    async with (
        FleetKeeper(app.live.fleet, key, tell),
        Recorder(app.live.fleet, key, tell) as recorder,
        kept(app, key, tell),
    ):
        app.live.changed_at = recorder.changed_at.get
        with contextlib.suppress(StoreError):  # told by those who keep things there
            app.live.saved_queries = await asyncio.to_thread(queries.load, key)
        yield
