"""The tree as it was: entered and left, and nothing can be done in it."""

from __future__ import annotations

import msgspec

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.node import State
from calmtui.store import last_fleet
from calmtui.tui.screens.past import PastScreen
from calmtui.tui.widgets.still import Still
from tests.tui.changes_app import (
    KEY,
    WIDE,
    clock,  # noqa: F401 -- a fixture for every test here
    history,
    opened,
)
from tests.tui.fleet_app import NOW, SHOP, console, press, said, shop, type_text, until


async def test_the_past_is_shown_as_the_past_and_nothing_can_be_done_in_it() -> None:
    history()
    _remember(shop())
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "f", "t")
        await until(pilot, lambda: isinstance(app.screen, PastScreen))
        past = app.screen
        assert isinstance(past, PastScreen)
        line = str(past.query_one("#past", Still).render())
        assert "THE PAST · as it was at 02:28:07, 13m ago · nothing can be done here" in line
        assert (node := past.tree_view.node) is not None
        assert node.name == "web-1"
        web = past.fleet.nodes[f"{SHOP}/pod/web-1"]
        assert (web.state, web.reason, web.actions) == (State.RUNNING, "", ())
        assert app.live.fleet.nodes[web.id].state is State.FAILED
        for key in ("l", "a", "s", "d", "e", "L"):
            await press(pilot, key)
            assert "nothing can be done or asked in the past; esc returns" in said(app), key
            assert app.screen is past
        await press(pilot, "escape")
        assert app.screen is screen


async def test_the_past_is_entered_and_left_by_name_and_what_was_not_known_says_so() -> None:
    history()
    _remember(shop())
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "colon")
        await type_text(pilot, "at 1h")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, PastScreen))
        past = app.screen
        assert isinstance(past, PastScreen)
        assert {node.name for node in past.fleet} == {"edge-1", "edge-2", "edge-3", "edge-9"}
        assert "history begins" in past.fleet.sources["prod"].error
        await press(pilot, "colon")
        await type_text(pilot, "at 02:30")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, PastScreen) and app.screen is not past, said(app))
        await press(pilot, "colon")
        await type_text(pilot, "now")
        await press(pilot, "enter")
        assert app.screen is app.fleet_screen
        await press(pilot, "colon")
        await type_text(pilot, "at")
        await press(pilot, "enter")
        assert said(app).startswith("at which time?")


def _remember(fleet: Fleet) -> None:
    sources = [msgspec.structs.replace(status, confirmed_at=NOW) for status in fleet.sources.values()]
    nodes = {status.name: [node for node in fleet if node.source == status.name] for status in sources}
    last_fleet.save(KEY, sources, nodes, only=set(nodes))
