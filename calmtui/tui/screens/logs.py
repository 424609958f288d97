"""The logs of the marked nodes, followed together in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.screen import Screen

from calmtui.errors import UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.tui import keys
from calmtui.tui.log_filtering import Filtering
from calmtui.tui.log_finding import Finding
from calmtui.tui.log_taking import Taking
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.log_chart import LogChart
from calmtui.tui.widgets.log_detail import LogDetail
from calmtui.tui.widgets.log_pane import LogPane
from calmtui.tui.widgets.log_prompt import LogPrompt
from calmtui.tui.widgets.log_status import LogStatus, second_line
from calmtui.tui.widgets.log_view import LogView
from calmtui.tui.widgets.still import Still

SIDEWAYS = 20
"""Columns a step to the left or right."""


class LogsScreen(Screen[None]):
    """One live log of several nodes."""

    where = "logs"
    BINDINGS = keys.bindings("logs")
    DEFAULT_CSS = """
    LogsScreen > #toggles { height: 1; color: $text-muted; }
    """

    def __init__(self, live: LiveEstate, nodes: Sequence[Node]) -> None:
        super().__init__()
        self.live = live
        self.pane = LogPane(live, *nodes)
        self.chart = LogChart(self.pane.view)
        self.detail = LogDetail(self.pane.names)
        self.filtering = Filtering(self)
        self.finding = Finding(self)
        self.taking = Taking(self)
        self.parts = (self.filtering, self.finding, self.taking)
        """What carries out commands of this screen for it."""

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.pane.view

    def compose(self) -> ComposeResult:
        yield self.chart
        yield self.pane
        yield self.detail
        yield LogPrompt()
        yield Still(id="toggles")
        yield Footer()

    def on_mount(self) -> None:
        self._show_toggles()
        self.run_worker(self.taking.recall(), group="pin")

    def on_resize(self) -> None:
        self._show_toggles()

    def on_log_pane_counted(self) -> None:
        self._show_toggles()
        self.chart.show()

    def on_log_view_moved(self) -> None:
        self._show_toggles()

    def on_log_status_chosen(self, event: LogStatus.Chosen) -> None:
        self.finding.action_counted(event.what)

    def _show_toggles(self) -> None:
        filtering = self.filtering
        text = second_line(self.pane.account, filtering.filter, filtering.context, self.view.look, self.size.width)
        self.query_one("#toggles", Still).tell(text)

    def say(self, text: str, *, trouble: bool = False) -> None:
        """Show a sentence in the last line until the next key."""
        self.query_one(Footer).say(text, trouble=trouble)

    def ask(self, question: str, answered: Callable[[str], None], now: str = "") -> None:
        """Have a text typed and call `answered` with it, unless it is left; `now` is what holds at present."""
        toggles = self.query_one("#toggles")

        def done(text: str | None) -> None:
            toggles.display = True
            self.set_focus(self.view)
            if text is not None:
                try:
                    answered(text)
                except UsageError as error:
                    self.say(str(error), trouble=True)

        toggles.display = False
        self.query_one(LogPrompt).ask(question, now, done)

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

    def action_pause(self) -> None:
        if self.view.following:
            self.view.pause()
        else:
            self.view.follow()

    # -- how much came when -----------------------------------------------------------

    def action_chart(self) -> None:
        """Show how many lines and errors came when, or not."""
        self.chart.toggle()

    def action_bar_before(self) -> None:
        self.chart.step(-1)

    def action_bar_after(self) -> None:
        self.chart.step(1)

    # -- how it looks -------------------------------------------------------------

    def action_wrap(self) -> None:
        self.view.restyle(wrap=not self.view.look.wrap, left=0)

    def action_times(self) -> None:
        self.view.restyle(times=not self.view.look.times)

    def action_columns(self, names: str) -> None:
        """Values of these fields in columns before the lines; none without a name."""
        self.view.restyle(columns=tuple(name.strip() for name in names.split(",") if name.strip()))

    def action_skew(self) -> None:
        """Where lines stand: by the nodes' clocks put right, or by what those say."""
        follower = self.pane.follower
        on = not follower.corrected
        self.view.buffer.shift(follower.correct(on=on))
        self.view.repaint()
        self.say("clocks that are out are corrected" if on else "lines stand by the clocks of their nodes")

    def action_clear(self) -> None:
        self.view.clear()

    def action_open(self) -> None:
        """Look closer at the line under the cursor; again: no more."""
        self.detail.display = not self.detail.display
        self.on_log_view_selected()

    def on_log_view_opened(self) -> None:
        self.action_open()

    def on_log_view_selected(self) -> None:
        self.chart.show()
        line = self.view.current
        if self.detail.display and line is not None:
            self.detail.show(line)

    def action_pane(self) -> None:
        """Into the closer look and back."""
        if not self.detail.display:
            self.action_open()
        self.set_focus(self.view if self.detail.has_focus else self.detail)

    def action_streams(self) -> None:
        from calmtui.tui.screens.streams import StreamsScreen  # not needed until it is asked for

        self.app.push_screen(StreamsScreen(self.pane.follower, self.filtering))

    def action_back(self) -> None:
        """One thing less: the closer look, the search, each filter, then the screen."""
        if self.detail.display:
            self.detail.display = False
            self.set_focus(self.view)
        elif self.view.look.search is not None:
            self.finding.find(None)
        elif not self.filtering.peel():
            self.app.pop_screen()
