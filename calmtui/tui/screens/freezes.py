"""The freezes of the estate: those that hold now, and when the others come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.screen import ModalScreen

from calmtui import sanitise
from calmtui.estate.model import Freeze
from calmtui.governance.freezes import Windows
from calmtui.governance.told import clock
from calmtui.tui import keys
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

Window = tuple[float, float]
"""When it begins and ends, seconds since the epoch."""


class FreezesScreen(ModalScreen[None]):
    """One row for each freeze; below it what it is for."""

    where = "freezes"
    BINDINGS = keys.bindings("freezes")
    DEFAULT_CSS = """
    FreezesScreen {
        align: center middle;
        & > Box { max-height: 90%; }
        & Rows { height: auto; max-height: 20; }
        & #freeze { height: auto; max-height: 6; margin-top: 1; }
    }
    """

    def __init__(self, freezes: Sequence[Freeze]) -> None:
        super().__init__()
        self._freezes = freezes
        self._found: list[tuple[Freeze, Window | None]] = []

    def compose(self) -> ComposeResult:
        with Box("freezes"):
            yield Rows(self._row)
            yield Still(id="freeze")

    async def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self._found = await asyncio.to_thread(_windows, self._freezes, time.time())
        self.query_one(Rows).show(len(self._found))
        self._tell()

    def on_rows_moved(self) -> None:
        self._tell()

    def _tell(self) -> None:
        lines = ["the estate has no freezes"]
        if self._found:
            freeze, _ = self._found[self.query_one(Rows).cursor]
            but = f", but not {freeze.excepted}" if freeze.excepted else ""
            lines = [freeze.reason or "no reason is given", f"holds for {freeze.scope or 'everything'}{but}"]
            lines += [f"again: {freeze.recurrence}, by clocks in {freeze.zone}"] if freeze.recurrence else []
        self.query_one("#freeze", Still).tell("\n".join(map(sanitise.word, lines)))

    def _row(self, index: int) -> Sequence[Span]:
        freeze, window = self._found[index]
        name = (sanitise.word(freeze.name) + "  ", "strong")
        if window is None:
            return [("over   ", "quiet"), name]
        begins, ends = window
        holds = begins <= time.time()
        return [("holds  ", "warn") if holds else ("comes  ", ""), name,
                (f"from {clock(begins)[:16]} until {clock(ends)[:16]}", "quiet")]  # fmt: skip

    def action_back(self) -> None:
        self.dismiss(None)


def _windows(freezes: Sequence[Freeze], now: float) -> list[tuple[Freeze, Window | None]]:
    """Each with the window that holds or comes next, the soonest first; those that are over last."""
    found = [(one, Windows(one).at(now)) for one in freezes]
    return sorted(found, key=lambda pair: pair[1][0] if pair[1] else float("inf"))
