"""The estate as it was: the fleet screen on a past moment, in which nothing can be done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from textual.app import ComposeResult

from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import NodeId
from calmtui.store.past import Past
from calmtui.tui import keys
from calmtui.tui.screens.fleet import FleetScreen
from calmtui.tui.widgets.still import Still
from calmtui.tui.widgets.tree_row import age


class PastScreen(FleetScreen):
    """A past fleet, grouped and marked as the present one was when it was opened; the first line says what it is."""

    DEFAULT_CSS = """
    PastScreen {
        & > #past { height: 1; background: $warning; color: $background; text-style: bold; }
        & StatusLine { background: $warning 15%; }
    }
    """

    def __init__(
        self, now: FleetScreen, past: Past, changed_at: Mapping[NodeId, float], node_id: NodeId | None = None
    ) -> None:
        self.past = past
        live = LiveEstate(now.live.estate, fleet=past.fleet())  # never entered: it connects to nothing
        live.changed_at = changed_at.get
        super().__init__(live, now.marks, read_only=True)
        self.outline.regroup(now.outline.grouping)
        self.outline.reorder(now.outline.order)
        self._begin_at = node_id or (now.tree_view.node.id if now.tree_view.node else None)

    def compose(self) -> ComposeResult:
        yield Still(id="past")
        yield from super().compose()

    def on_mount(self) -> None:
        super().on_mount()
        if self._begin_at is not None and self.fleet.get(self._begin_at) is not None:
            self.go_to(self._begin_at)
        self._tell()
        self.set_interval(60, self._tell)

    def _tell(self) -> None:
        at, now = datetime.fromtimestamp(self.past.at), datetime.fromtimestamp(time.time())
        day = "" if at.date() == now.date() else f"{at:%Y-%m-%d} "
        ago = age(time.time() - self.past.at)
        told = f" THE PAST {self.status.glyphs.dot} as it was at {day}{at:%H:%M:%S}, {ago} ago"
        self.query_one("#past", Still).tell(
            f"{told} {self.status.glyphs.dot} nothing can be done here {self.status.glyphs.dot} esc returns"
        )

    def clock(self) -> float:
        """The past moment."""
        return self.past.at

    def refusal(self, command: keys.Command) -> str:
        """Why a command cannot be carried out in the past; empty when it can."""
        if not (command.changes or command.present):
            return ""
        return f"{command.name} is off: nothing can be done or asked in the past; esc returns"

    def action_back(self) -> None:
        """One thing less, at last the past."""
        before = (self.has_class("-closer"), self.bar.text, self._back_to)
        if any(before):
            super().action_back()
        else:
            self.app.pop_screen()
