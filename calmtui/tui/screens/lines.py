"""LinesScreen: what every screen of log lines can do: move, look closer, ask for a text, say how things went."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.widget import Widget

from calmtui.errors import UsageError
from calmtui.estate.live import LiveEstate
from calmtui.tui.log_finding import Finding
from calmtui.tui.log_taking import Taking
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.log_detail import LogDetail
from calmtui.tui.widgets.log_prompt import LogPrompt

if TYPE_CHECKING:
    from calmtui.logs.output import Name
    from calmtui.tui.widgets.log_view import LogView

SIDEWAYS = 20
"""Columns a step to the left or right."""


class LinesScreen(Screen[None]):
    """Lines of logs, a closer look at one of them, a line to type on. Who derives from it composes those."""

    def __init__(self, live: LiveEstate, view: LogView, names: Name) -> None:
        super().__init__()
        self.live = live
        self.view = view
        self.names = names
        """What lines' origins are called."""
        self.detail = LogDetail(names)
        self.finding = Finding(self)
        self.taking = Taking(self)
        self.parts: tuple[object, ...] = (self.finding, self.taking)
        """What carries out commands of this screen for it."""

    def on_mount(self) -> None:
        self.run_worker(self.taking.recall(), group="pin")

    def say(self, text: str, *, trouble: bool = False) -> None:
        """Show a sentence in the last line until the next key."""
        self.query_one(Footer).say(text, trouble=trouble)

    def ask(self, question: str, answered: Callable[[str], None], now: str = "", at: int | None = None) -> None:
        """Have a text typed and call `answered` with it, unless it is left.

        `now` is what holds at present, the cursor is put at `at` in it, or at its end.
        """
        places = self.query("#toggles")

        def done(text: str | None) -> None:
            places.set(display=True)
            self.set_focus(self.view)
            if text is not None:
                try:
                    answered(text)
                except UsageError as error:
                    self.say(str(error), trouble=True)

        places.set(display=False)
        self.query_one(LogPrompt).ask(question, now, len(now) if at is None else at, done)

    # -- moving ----------------------------------------------------------------

    def action_down(self) -> None:
        self.view.move(1)

    def action_up(self) -> None:
        self.view.move(-1)

    def action_page_down(self) -> None:
        self.view.page(1)

    def action_page_up(self) -> None:
        self.view.page(-1)

    def action_first(self) -> None:
        self.view.move(-len(self.view.shown.lines))

    def action_last(self) -> None:
        self.view.follow()

    def action_right(self) -> None:
        self._sideways(SIDEWAYS)

    def action_left(self) -> None:
        self._sideways(-SIDEWAYS)

    def _sideways(self, columns: int) -> None:
        look = self.view.look
        if look.wrap:
            self.say("lines are wrapped; w cuts them, then they can be moved sideways")
        else:
            self.view.restyle(left=max(look.left + columns, 0))

    # -- looking ----------------------------------------------------------------

    def action_wrap(self) -> None:
        self.view.restyle(wrap=not self.view.look.wrap, left=0)

    def action_times(self) -> None:
        self.view.restyle(times=not self.view.look.times)

    def action_open(self) -> None:
        """Look closer at the line under the cursor; again: no more."""
        self.detail.display = not self.detail.display
        if not self.detail.display:
            self.set_focus(self.view)
        self._look_closer()

    def on_log_view_opened(self) -> None:
        self.action_open()

    def on_log_view_selected(self) -> None:
        self._look_closer()

    def _look_closer(self) -> None:
        line = self.view.current
        if self.detail.display and line is not None:
            self.detail.show(line)

    def action_pane(self) -> None:
        """To the next part of the screen that has something to move in."""
        if not self.detail.display and not self._others:
            self.action_open()
        places = [self.view, *self._others, *([self.detail] if self.detail.display else [])]
        at = next((index for index, place in enumerate(places) if place.has_focus), 0)
        self.set_focus(places[(at + 1) % len(places)])

    @property
    def _others(self) -> list[Widget]:
        """What there is to move in beside the lines and the closer look."""
        return []
