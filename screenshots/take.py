"""Drives the real console on the demo estate and writes what it shows as SVGs into this folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from calmtui import demo
from calmtui.estate.settings import settings
from calmtui.tui.app import CalmApp
from calmtui.tui.start import console

HERE = Path(__file__).parent
SIZE = (120, 36)
"""Columns and rows: a common window, and what the README shows well."""


async def until(pilot: Pilot[None], condition: Callable[[CalmApp], bool], seconds: float = 30) -> None:
    """Let the console work until something is on its screen."""
    app = pilot.app
    assert isinstance(app, CalmApp)
    async with asyncio.timeout(seconds):
        while not condition(app):
            await pilot.pause(0.1)


async def keys(pilot: Pilot[None], *pressed: str) -> None:
    """Press keys, one after the other, as a person does."""
    for key in pressed:
        await pilot.press(key)
        await pilot.pause(0.05)


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Type a text."""
    names = {" ": "space", "=": "equals_sign", "!": "exclamation_mark", "-": "minus", "*": "asterisk"}
    await keys(pilot, *(names.get(character, character) for character in text))


def take(pilot: Pilot[None], name: str) -> None:
    """Write what the console shows now."""
    path = HERE / f"{name}.svg"
    path.write_text(pilot.app.export_screenshot(title="calmtui"), encoding="utf-8")
    print(path.relative_to(HERE.parent))


async def drive(estate: Path) -> None:
    """Go through the screens as an operator would."""
    app = console(settings({"inventory": estate}))
    async with app.run_test(size=SIZE) as pilot:
        await until(
            pilot, lambda app: len(app.live.fleet) > 40 and all(s.settled for s in app.live.fleet.sources.values())
        )
        await pilot.pause(2.0)
        await keys(pilot, "g", "j", "j")
        take(pilot, "fleet")

        await keys(pilot, "slash")
        await type_text(pilot, "kind=host env=production")
        await keys(pilot, "enter", "asterisk")
        await pilot.pause(0.5)
        take(pilot, "filter")

        await keys(pilot, "l")
        await pilot.pause(6.0)
        take(pilot, "logs")
        await keys(pilot, "q", "minus")

        await keys(pilot, "slash", "ctrl+u")
        await type_text(pilot, "kind=instance state=running env=staging")
        await keys(pilot, "enter", "asterisk", "a")
        await pilot.pause(0.5)
        take(pilot, "actions")
        await keys(pilot, "2")  # stop
        await pilot.pause(0.5)
        take(pilot, "plan")
        await keys(pilot, "y")
        await pilot.pause(3.0)
        take(pilot, "outcomes")
        await keys(pilot, "q", "c")
        await pilot.pause(8.0)  # until the instances are seen to have stopped
        take(pilot, "changes")
        await keys(pilot, "q")

        for theme in ("light", "contrast"):
            await keys(pilot, "escape")
            app.action_theme(theme)
            await pilot.pause(0.3)
            take(pilot, f"theme-{theme}")


def main() -> None:
    """Take every picture anew."""
    with demo.up(machine=False) as estate:
        asyncio.run(drive(estate.path))


if __name__ == "__main__":
    main()
