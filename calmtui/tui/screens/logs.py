"""The logs of the marked nodes, followed together in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.app import ComposeResult

from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.providers.base import LogRequest
from calmtui.tui import keys
from calmtui.tui.log_filtering import Filtering
from calmtui.tui.log_searching import Searching
from calmtui.tui.screens.lines import LinesScreen
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.log_chart import LogChart
from calmtui.tui.widgets.log_pane import RECENT, LogPane
from calmtui.tui.widgets.log_prompt import LogPrompt
from calmtui.tui.widgets.log_status import LogStatus, second_line
from calmtui.tui.widgets.still import Still


class LogsScreen(LinesScreen):
    """One live log of several nodes."""

    where = "logs"
    BINDINGS = keys.bindings("logs")
    DEFAULT_CSS = """
    LogsScreen > #toggles { height: 1; color: $text-muted; }
    """

    def __init__(
        self,
        live: LiveEstate,
        nodes: Sequence[Node],
        request: LogRequest = RECENT,
        fitting: Callable[[], Iterable[Node]] | None = None,
    ) -> None:
        """Follow the nodes, and those that come to be `fitting`; see `LogPane`."""
        self.pane = LogPane(live, nodes, request, fitting)
        super().__init__(live, self.pane.view, self.pane.names)
        self.view.moved.append(self._moved)
        self.chart = LogChart(self.view)
        self.filtering = Filtering(self)
        self.searching = Searching(self)
        self.parts = (self.filtering, self.searching, *self.parts)

    def compose(self) -> ComposeResult:
        yield self.chart
        yield self.pane
        yield self.detail
        yield LogPrompt()
        yield Still(id="toggles")
        yield Footer()

    def on_mount(self) -> None:
        self._show_toggles()

    def on_unmount(self) -> None:
        self.searching.forget()

    def on_resize(self) -> None:
        self._show_toggles()

    def on_log_pane_counted(self) -> None:
        self._show_toggles()
        self.chart.show()

    def _moved(self) -> None:
        if self.is_mounted:
            self._show_toggles()

    def on_log_status_chosen(self, event: LogStatus.Chosen) -> None:
        self.finding.action_counted(event.what)

    def _show_toggles(self) -> None:
        filtering = self.filtering
        text = second_line(self.pane.account, filtering.filter, filtering.context, self.view.look, self.size.width)
        self.query_one("#toggles", Still).tell(text)

    # -- moving ----------------------------------------------------------------

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

    def action_columns(self, names: str) -> None:
        """Values of these fields in columns before the lines; none without a name."""
        self.view.restyle(columns=tuple(name.strip() for name in names.split(",") if name.strip()))

    def action_skew(self) -> None:
        """Where lines stand: by the nodes' clocks put right, or by what those say."""
        if self.pane.moving:
            self.say("the lines are being moved; wait a moment")
        else:
            self.run_worker(self._correct(not self.pane.follower.corrected), group="clocks")

    async def _correct(self, on: bool) -> None:
        await self.pane.correct(on=on)
        self.say("clocks that are out are corrected" if on else "lines stand by the clocks of their nodes")

    def action_clear(self) -> None:
        self.view.clear()

    def on_log_view_selected(self) -> None:
        self.chart.show()

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
            self.leave()

    def leave(self) -> None:
        """Back to what is behind this screen, if there is anything."""
        if len(self.app.screen_stack) > 1:
            self.app.pop_screen()
        else:
            self.say("nothing is behind this log; q leaves calmtui")
