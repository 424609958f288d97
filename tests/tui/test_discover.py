"""What is found on a machine is shown, switched on or off, and only then connected to."""

from __future__ import annotations

import asyncio

from calmtui.estate.discover import Found
from calmtui.providers.base import Discovered
from calmtui.tui.screens.discover import DiscoverScreen
from tests.tui.fleet_app import console, press, until

FOUND = [
    Found("docker", "docker", Discovered("docker", found_in="/run/docker.sock")),
    Found("lab", "kubernetes", Discovered("lab", found_in="~/.kube/config", note="current context")),
    Found("odd", "aws", Discovered("odd"), error="region: a name such as eu-west-1"),
]


async def test_sources_are_switched_on_and_off_and_enter_connects_to_those_that_are_on() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        answer = asyncio.create_task(app.answer(DiscoverScreen(FOUND, {"docker": True, "lab": True, "odd": False})))
        await until(pilot, lambda: isinstance(app.screen, DiscoverScreen))
        await press(pilot, "j", "space", "j", "space", "enter")
        assert await answer == {"docker": True, "lab": False, "odd": False}
        assert app.screen is app.fleet_screen


async def test_a_machine_without_anything_is_told_what_to_write() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        answer = asyncio.create_task(app.answer(DiscoverScreen([], {})))
        await until(pilot, lambda: isinstance(app.screen, DiscoverScreen))
        assert "calmtui -i FILE" in str(app.screen.query_one("#nothing").render())
        await press(pilot, "j", "space", "enter")
        assert await answer == {}


async def test_q_before_anything_is_connected_leaves() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        answer = asyncio.create_task(app.answer(DiscoverScreen(FOUND, {})))
        await until(pilot, lambda: isinstance(app.screen, DiscoverScreen))
        await press(pilot, "q")
        assert app._exit
        answer.cancel()
