"""The pins of an estate: log lines that somebody kept, with what was noted about them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.screen import ModalScreen

from calmtui.logs.line import SECOND
from calmtui.store import pins
from calmtui.store.database import StoreError
from calmtui.store.pins import Pin
from calmtui.tui import keys
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still


class PinsScreen(ModalScreen[Pin | None]):
    """One row for each pin, in the order of the lines; dismissed with the one to go to."""

    where = "pins"
    BINDINGS = keys.bindings("pins")
    DEFAULT_CSS = """
    PinsScreen {
        align: center middle;
        & > Box { max-height: 90%; }
        & Rows { height: auto; max-height: 20; }
        & #pin { height: auto; max-height: 6; margin-top: 1; }
        & #hint { height: 1; color: $text-muted; }
    }
    """

    def __init__(self, estate: str) -> None:
        super().__init__()
        self._estate = estate
        self._pins: list[Pin] = []

    def compose(self) -> ComposeResult:
        with Box("pins"):
            yield Rows(self._row)
            yield Still(id="pin")
            yield Still(id="hint")

    async def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self.query_one("#hint", Still).tell("enter goes there   d forgets   y copies   esc back")
        await self._read()

    async def _read(self) -> None:
        try:
            self._pins = await asyncio.to_thread(pins.load, self._estate)
        except StoreError as error:
            self.query_one("#pin", Still).tell(str(error))
            return
        self.query_one(Rows).show(len(self._pins))
        self._tell()

    @property
    def pin(self) -> Pin | None:
        """The pin under the cursor."""
        return self._pins[self.query_one(Rows).cursor] if self._pins else None

    def _tell(self) -> None:
        pin = self.pin
        told = "nothing is pinned; b in a log pins the line under the cursor"
        if pin is not None:
            told = f"{pin.node} {pin.stream}\n{pin.text}\npinned {_clock(pin.when)} by {pin.who}"
        self.query_one("#pin", Still).tell(told)

    def _row(self, index: int) -> Sequence[Span]:
        pin = self._pins[index]
        return [
            (f"{_clock(pin.at / SECOND)}  ", "quiet"), (f"{pin.name}  ", "strong"), (pin.note, "warn"),
            ("  " * bool(pin.note), ""), (pin.text, ""),
        ]  # fmt: skip

    def on_rows_moved(self) -> None:
        self._tell()

    def on_rows_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        if self.pin is not None:
            self.dismiss(self.pin)

    async def action_forget(self) -> None:
        if self.pin is not None:
            await asyncio.to_thread(pins.remove, self._estate, self.pin.number)
            await self._read()

    def action_copy(self) -> None:
        if self._pins:
            told = (f"{_clock(pin.at / SECOND)} {pin.name} {pin.text}\n    {pin.who}: {pin.note}" for pin in self._pins)
            self.app.copy_to_clipboard("\n".join(told))

    def action_back(self) -> None:
        self.dismiss(None)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at):%m-%d %H:%M:%S}"
