"""LogChart: how many lines and errors came when, as two rows of bars over the log; a bar leads to its lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import events

from calmtui.logs.context import Around
from calmtui.logs.histogram import NOTHING, Bars, Histogram
from calmtui.logs.line import SECOND
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.log_view import LogView
from calmtui.tui.widgets.still import Still

SIDE = 13
"""Columns before the bars: a time, or a date and a time."""
END = 9
"""Columns after the bars."""


class LogChart(Still):
    """Hidden until it is toggled. It counts the lines that the view shows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--quiet", "chart--error", "chart--here"}
    DEFAULT_CSS = """
    LogChart {
        display: none; height: 2;
        & > .chart--quiet { color: $text-muted; }
        & > .chart--error { color: $text-error; }
        & > .chart--here { color: $accent; text-style: bold; }
    }
    """

    def __init__(self, view: LogView) -> None:
        super().__init__()
        self._view = view
        self._bars = NOTHING
        self._histogram = Histogram()
        self._filter: object = None

    def toggle(self) -> None:
        """Show it, or not."""
        self.display = not self.display
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Count anew what has changed, and draw it; nothing while it is hidden."""
        if not self.display or not self.size.width:
            return
        shown = self._view.shown
        if self._filter is not shown:
            self._filter, self._histogram = shown, Histogram()
        matches = shown.view if isinstance(shown, Around) else shown
        self._bars = self._histogram.bars(matches.lines, max(self.size.width - SIDE - END, 1))
        line = self._view.current
        self.tell(self._figure(None if line is None else self._bars.at(line.at)))

    def _figure(self, here: int | None) -> Text:
        bars, signs = self._bars, self._view.look.signs
        quiet, error, mark = (
            self.get_component_rich_style(f"chart--{name}", partial=True) for name in ("quiet", "error", "here")
        )
        text = Text(no_wrap=True)
        older = "<" if bars.before else " "
        text.append(f"{older}{clock(bars.begin, bars):<{SIDE - 1}}", quiet)
        for count, bad in zip(heights(bars.lines, signs), bars.errors, strict=True):
            text.append(count, error if bad else "")
        text.append(f" {clock(bars.begin + bars.width * len(bars.lines), bars)}\n", quiet)
        text.append(f" {f'errors/{told(bars.width)}':<{SIDE - 1}}", error if any(bars.errors) else quiet)
        for index, sign in enumerate(heights(bars.errors, signs)):
            if index == here:
                text.append(signs.here, mark)
            else:
                text.append(sign if sign != signs.bars[0] else signs.rule, error if sign != signs.bars[0] else quiet)
        return text.append(f" {sum(bars.errors):,}", error if any(bars.errors) else quiet)

    def step(self, bars: int) -> None:
        """Put the log's cursor on the first line of the next bar that has any, forwards (1) or backwards (-1)."""
        line = self._view.current
        if line is None or not self._bars.lines:
            return
        at = self._bars.at(line.at) + bars
        while 0 <= at < len(self._bars.lines) and not self._bars.lines[at]:
            at += bars
        if 0 <= at < len(self._bars.lines):
            self.go_to(at)

    def go_to(self, bar: int) -> None:
        """Put the log's cursor on the first line of a bar."""
        self._view.go_to_time(self._bars.begin + bar * self._bars.width)

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.x - SIDE < len(self._bars.lines):
            self.go_to(event.x - SIDE)


def heights(counts: Sequence[int], signs: Glyphs) -> list[str]:
    """A bar for each, the highest for the most: nothing for none, and something for the least."""
    steps, most = len(signs.bars) - 1, max(counts, default=0)
    return [signs.bars[-(-count * steps // most)] if count else signs.bars[0] for count in counts]


def told(width: int) -> str:
    """The length of a bar in words: `1s`, `15m`."""
    seconds = width // SECOND
    for unit, size in (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def clock(moment: int, bars: Bars) -> str:
    """The local time, with the date when it is not the one of the last bar, without seconds where bars hide them."""
    if not bars.lines:
        return ""
    then = datetime.fromtimestamp(moment / SECOND)
    last = datetime.fromtimestamp((bars.begin + bars.width * len(bars.lines)) / SECOND)
    if then.date() != last.date():
        return f"{then:%m-%d %H:%M}"
    return f"{then:%H:%M:%S}" if bars.width < 60 * SECOND else f"{then:%H:%M}"
