"""The fleet: the tree of everything, and a closer look at one node."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen

from calmtui.estate.live import LiveEstate
from calmtui.tui import keys
from calmtui.tui.widgets.footer import Footer


class FleetScreen(Screen[None]):
    """All nodes of the estate, and what can be done with them."""

    where = "fleet"
    BINDINGS = keys.bindings("fleet")

    def __init__(self, live: LiveEstate) -> None:
        super().__init__()
        self.live = live

    def compose(self) -> ComposeResult:
        yield Footer()
