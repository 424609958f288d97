"""LogView: kept log lines on a screen. It draws and moves; who feeds it reads the logs.

It scrolls by lines rather than by Textual's virtual size: its place is a line, so that nothing moves under
the reader when lines arrive, are inserted late or leave the buffer, and wrapped lines cost nothing unseen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from calmtui.logs.buffer import Buffer, View
from calmtui.logs.colours import Colours
from calmtui.logs.filters import Filter, Pattern
from calmtui.logs.line import SECOND, LogLine
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.log_row import Look, draw
from calmtui.tui.widgets.log_theme import NAME_COLOURS, styles

SCAN = 5_000
"""Lines filtered or searched between two turns of the event loop: about 5 ms."""
NAME_SHARE = 4
"""The names get one column in so many."""
WHEEL = 3
"""Lines a notch of the mouse wheel."""

Row = tuple[LogLine, Strip]


class LogView(Widget, can_focus=True):
    """The lines that pass a filter: following the newest, or standing still where the reader is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--quiet", "log--warn", "log--error", "log--note", "log--trouble", "log--match", "log--cursor",
    }  # fmt: skip
    DEFAULT_CSS = """
    LogView {
        height: 1fr;
        & > .log--time { color: $text-muted; }
        & > .log--quiet { color: $text-muted; }
        & > .log--warn { color: $text-warning; }
        & > .log--error { color: $text-error; }
        & > .log--note { color: $text-muted; text-style: italic; }
        & > .log--trouble { color: $text-error; text-style: bold; }
        & > .log--match { background: $accent; color: $background; }
        & > .log--cursor { color: $accent; }
    }
    """

    class Moved(Message):
        """Posted when it begins or ceases to follow, or its filter, search or look changed."""

    def __init__(self, name_of: Callable[[LogLine], str], *, id: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id)
        self.buffer = Buffer()
        self.shown: View = self.buffer.view(Filter())
        self.following = True
        """Whether the newest line is kept in sight."""
        self.unseen = 0
        """Lines that came since it ceased to follow."""
        self.look = Look(80, 0, signs=of_locale())
        self._name_of = name_of
        self._names: set[str] = set()
        self._colours = Colours(len(NAME_COLOURS))
        self._top: LogLine | None = None
        """The line at the top while not following."""
        self._current: LogLine | None = None
        self._rows: list[Row] = []

    # -- what it shows ---------------------------------------------------------

    @property
    def current(self) -> LogLine | None:
        """The line under the cursor; None when there is none."""
        lines = self.shown.lines
        if not lines:
            return None
        if self.following or self._current is None:
            return lines[-1]
        return lines[min(self.shown.rank(self._current), len(lines) - 1)]

    @property
    def top_rank(self) -> int:
        """How many shown lines there are above the screen."""
        return self.shown.rank(self._rows[0][0]) if self._rows else 0

    def feed(self, lines: list[LogLine]) -> None:
        """Take in lines, and look at some of those that the filter has not seen yet."""
        self.buffer.add(lines)
        behind = self.shown.behind
        self.shown.advance(SCAN)
        if not self.following:
            self.unseen += len(lines)
        if lines or behind:
            self._make_room(lines)
            self.repaint()

    def show(self, wanted: Filter) -> None:
        """Show what passes another filter; the reader stays at the same line or the one after it."""
        self.buffer.drop(self.shown)
        self.shown = self.buffer.view(wanted)
        self.shown.advance(SCAN)
        self._changed()

    def restyle(self, **changes: object) -> None:
        """Change how lines are drawn: fields of `Look`."""
        self.look = replace(self.look, **changes)  # type: ignore[arg-type]  # the callers name fields of Look
        self._changed()

    def clear(self) -> None:
        """Let go of every line."""
        self.buffer.clear()
        self.look = replace(self.look, dated=False)
        self._top = self._current = None
        self.unseen = 0
        self._changed()

    def _make_room(self, lines: list[LogLine]) -> None:
        """Widen the columns for what has come: longer names, times of other days."""
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * SECOND
        if not self.look.dated and any(line.at < midnight for line in lines[:1]):
            self.look = replace(self.look, dated=True)
        new = {self._name_of(line) for line in lines} - self._names
        if new:
            self._names |= new
            self._measure()

    def _measure(self) -> None:
        longest = max(map(cell_len, self._names), default=0)
        self.look = replace(self.look, width=self.size.width, name_width=min(longest, self.size.width // NAME_SHARE))

    def _changed(self) -> None:
        self.repaint()
        self.post_message(self.Moved())

    # -- moving ------------------------------------------------------------------

    def follow(self) -> None:
        """Keep the newest line in sight from now on."""
        self.following, self.unseen, self._top, self._current = True, 0, None, None
        self._changed()

    def pause(self) -> None:
        """Stand still; lines go on coming in below."""
        if self.following:
            self._current = self.current
            self._top = self._rows[0][0] if self._rows else None
            self.following = False
            self._changed()

    def move(self, count: int) -> None:
        """Move the cursor by lines; upwards is negative and ceases to follow."""
        if self.following and count >= 0:
            return
        self.pause()
        current = self.current
        if current is not None:
            lines = self.shown.lines
            self.go_to(lines[max(0, min(self.shown.rank(current) + count, len(lines) - 1))])

    def page(self, pages: int) -> None:
        """Move by pages."""
        self.move(pages * max(len({id(line) for line, _ in self._rows}) - 1, 1))

    def go_to(self, line: LogLine) -> None:
        """Put the cursor on a line and bring it into sight."""
        self.pause()
        self._current = line
        shown = [id(row[0]) for row in self._rows]
        if id(line) not in shown:
            above = self._top is not None and self.shown.rank(line) < self.shown.rank(self._top)
            self._top = line if above else self._up_from(self.shown.rank(line))[0][0]
        elif shown[-1] == id(line) and shown[0] != id(line):  # its other rows may be below the edge
            self._top = self._up_from(self.shown.rank(line))[0][0]
        self.repaint()

    async def seek(self, wanted: Pattern, step: int) -> bool:
        """Go to the next line that holds the pattern, forwards (1) or backwards (-1); False when there is none."""
        line = self.current
        if line is None:
            return False
        self.pause()
        at = self.shown.rank(line) + step
        while True:
            lines = self.shown.lines
            for _ in range(SCAN):
                if not 0 <= at < len(lines):
                    return False
                if wanted.found_in(lines[at].text):
                    self.go_to(lines[at])
                    return True
                at += step
            here = lines[at] if 0 <= at < len(lines) else None
            await asyncio.sleep(0)
            if here is not None:
                at = self.shown.rank(here)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(WHEEL)

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._rows):
            self.go_to(self._rows[event.y][0])

    # -- drawing -------------------------------------------------------------------

    def on_mount(self) -> None:
        self._take_styles()

    def _take_styles(self) -> None:
        self.look = replace(self.look, styles=styles(self))
        self.repaint()

    def on_resize(self) -> None:
        self._measure()
        self.repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self._take_styles()

    def repaint(self) -> None:
        """Lay out the rows anew and redraw those that differ."""
        if not self.is_mounted or self.size.height == 0:
            return
        before, self._rows = self._rows, self._lay_out()
        for y in range(self.size.height):
            old = before[y][1] if y < len(before) else None
            new = self._rows[y][1] if y < len(self._rows) else None
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def _lay_out(self) -> list[Row]:
        lines = self.shown.lines
        if not lines:
            return []
        if self.following or self._top is None:
            return self._up_from(len(lines) - 1)
        rows: list[Row] = []
        at = min(self.shown.rank(self._top), len(lines) - 1)
        while at < len(lines) and len(rows) < self.size.height:
            rows += self._draw(lines[at])
            at += 1
        return rows[: self.size.height]

    def _up_from(self, at: int) -> list[Row]:
        """The rows of a screen that ends with that line."""
        lines, rows = self.shown.lines, list[Row]()
        while at >= 0 and len(rows) < self.size.height:
            rows[:0] = self._draw(lines[at])
            at -= 1
        return rows[-self.size.height :]

    def _draw(self, line: LogLine) -> list[Row]:
        colour = self._colours.index(line.origin.node_id)
        current = self.current
        strips = draw(line, self._name_of(line), colour, self.look, current=line is current)
        return [(line, strip) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """A row of the screen."""
        if y < len(self._rows):
            return self._rows[y][1].apply_style(self.rich_style)
        return Strip.blank(self.size.width, self.rich_style)
