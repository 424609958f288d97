"""LogRail: one column beside a log: where in it the screen is, and where the lines are that hold what is looked for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from calmtui.logs.segment import Lines
from calmtui.tui.widgets.log_view import LogView


class LogRail(Widget):
    """Drawn anew when it is told to; a click leads to that part of the log."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rail--here", "rail--match"}
    DEFAULT_CSS = """
    LogRail {
        width: 1; height: 1fr;
        & > .rail--here { color: $text-muted; text-style: dim; }
        & > .rail--match { color: $accent; text-style: bold; }
    }
    """

    def __init__(self, view: LogView) -> None:
        super().__init__()
        self._view = view
        self._drawn: list[tuple[str, str]] = []

    def show(self) -> None:
        """Draw it as it is now."""
        drawn = self._signs()
        if drawn != self._drawn:
            self._drawn = drawn
            self.refresh()

    def _signs(self) -> list[tuple[str, str]]:
        """A sign for each row, and what it means."""
        view, height = self._view, self.size.height
        lines, signs = view.shown.lines, view.look.signs
        first, seen = view.top_rank, max(view.in_sight, 1)
        if not height or seen >= len(lines):  # all of it is in sight
            return []
        begin, end = first * height // len(lines), (first + seen - 1) * height // len(lines)
        marked = set() if view.found is None else rows(lines, view.found.lines, height)
        return [
            (signs.marked, "match") if y in marked else (signs.here if begin <= y <= end else " ", "here")
            for y in range(height)
        ]

    def render_line(self, y: int) -> Strip:
        if y >= len(self._drawn):
            return Strip.blank(1, self.rich_style)
        sign, meaning = self._drawn[y]
        style = self.get_component_rich_style(f"rail--{meaning}", partial=True)
        return Strip([Segment(sign, style)]).apply_style(self.rich_style)

    def on_click(self, event: events.Click) -> None:
        lines = self._view.shown.lines
        if len(lines) and self.size.height:
            self._view.centre(lines[min(event.y * len(lines) // self.size.height, len(lines) - 1)])


def rows(lines: Lines, found: Lines, height: int) -> set[int]:
    """On which of so many rows, that stand for all lines together, those stand that were found among them."""
    ranks, before = [], 0
    for (segment, shown), (_, chosen) in zip(lines.parts(), found.parts(), strict=False):
        if chosen is not None and len(chosen):
            ranks.append(before + (chosen if shown is None else np.searchsorted(shown, chosen)).astype(np.int64))
        before += segment.count if shown is None else len(shown)
    if not ranks:
        return set()
    return set(np.unique(np.concatenate(ranks) * height // len(lines)).tolist())
