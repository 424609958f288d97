"""How the log of each node is being read, those in trouble first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from calmtui.fleet.node import State
from calmtui.logs.follow import Follower, Reading, Stream
from calmtui.logs.line import SECOND
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.log_filtering import Filtering
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span

REPAINT = 1.0
"""Seconds between two looks at the figures."""

ORDER = (Reading.FAILED, Reading.AWAY, Reading.WAITING, Reading.OPENING, Reading.ENDED, Reading.READING)
MEANINGS = {
    Reading.FAILED: (State.FAILED, "error"), Reading.AWAY: (State.DEGRADED, "warn"),
    Reading.WAITING: (State.PENDING, "warn"),
    Reading.OPENING: (State.PENDING, ""), Reading.ENDED: (State.STOPPED, "quiet"), Reading.READING: (State.RUNNING, ""),
}  # fmt: skip
"""What a stream's state is drawn as: the glyph of a state, and a meaning."""


class StreamsScreen(ModalScreen[None]):
    """One row for each node: what its log is doing, its lines so far, and why it failed."""

    where = "streams"
    BINDINGS = keys.bindings("streams")
    DEFAULT_CSS = """
    StreamsScreen {
        align: center middle;
        & > Box { max-height: 90%; }
        & Rows { height: auto; max-height: 24; }
        & #error { height: auto; max-height: 5; color: $text-muted; margin-top: 1; }
    }
    """

    def __init__(self, follower: Follower, filtering: Filtering) -> None:
        super().__init__()
        self.follower = follower
        self._filtering = filtering
        self._signs = of_locale()
        self._streams: list[Stream] = []
        self._width = max((len(stream.node.name) for stream in follower.streams.values()), default=0)

    def compose(self) -> ComposeResult:
        with Box("streams"):
            yield Rows(self._row)
            yield Static(id="error", markup=False)

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self.set_interval(REPAINT, self._look)
        self._look()

    def _look(self) -> None:
        self._streams = sorted(
            self.follower.streams.values(), key=lambda stream: (ORDER.index(stream.state), stream.node.name)
        )
        self.query_one(Rows).show(len(self._streams))
        self._explain()

    def _explain(self) -> None:
        if self._streams:
            stream = self._streams[self.query_one(Rows).cursor]
            self.query_one("#error", Static).update(stream.error or stream.node.id)

    def _row(self, index: int) -> Sequence[Span]:
        stream = self._streams[index]
        state, meaning = MEANINGS[stream.state]
        heard = self._filtering.heard(stream.node.id)
        return [
            (f"{heard:<6}", "warn"), (f"{self._signs.states[state]} ", meaning),
            (stream.node.name.ljust(self._width + 2), "strong"),
            (stream.state.ljust(12), meaning), (f"{stream.lines:>12,} lines  ", "quiet"),
            (_skew(stream), "warn"), (stream.error, "quiet"),
        ]  # fmt: skip

    def on_rows_moved(self) -> None:
        self._explain()

    def action_mute(self) -> None:
        """Hide the lines of the node, or show them again."""
        if self._streams:
            self._filtering.mute((self._streams[self.query_one(Rows).cursor].node.id, None))
            self._look()

    def action_solo(self) -> None:
        """Show the lines of the node and no others, or of all again."""
        if self._streams:
            self._filtering.solo((self._streams[self.query_one(Rows).cursor].node.id, None))
            self._look()

    def action_back(self) -> None:
        self.dismiss()


def _skew(stream: Stream) -> str:
    """How far the node's clock is from ours, when that is more than a measurement may be out."""
    return f"clock {stream.skew / SECOND:+.1f} s  " if stream.skew else ""
