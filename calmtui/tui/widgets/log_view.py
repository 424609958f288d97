"""LogView: kept log lines on a screen. It draws and moves; who feeds it reads the logs.

It scrolls by lines rather than by Textual's virtual size: its place is a line, so that nothing moves under
the reader when lines arrive, are inserted late or leave the buffer, and wrapped lines cost nothing unseen.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from platformdirs import user_cache_path
from rich.cells import cell_len
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from calmtui.logs.block import Block
from calmtui.logs.buffer import Buffer, View
from calmtui.logs.colours import Colours
from calmtui.logs.context import Around
from calmtui.logs.filters import Filter, Pattern, Rule, Test
from calmtui.logs.line import SECOND, LogLine, key
from calmtui.logs.spill import Spill
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.log_row import Look, draw
from calmtui.tui.widgets.log_theme import NAME_COLOURS, styles

SCAN = 4_096
"""Lines filtered in one go: a millisecond or two, and more of an expression that finds much."""
SCAN_SLOWLY = 128
"""The same of a filter that looks at each line by itself: some milliseconds."""
SLICE = 0.005
"""Seconds of filtering after which keys have their turn."""
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
        width: 1fr; height: 1fr;
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

    class Selected(Message):
        """Posted when the cursor is on another line."""

    class Opened(Message):
        """Posted when the line under the cursor is clicked again."""

    def __init__(self, name_of: Callable[[LogLine], str], *, id: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id)
        self.buffer = Buffer(spill=Spill(user_cache_path("calmtui")))
        self.shown: View | Around = self.buffer.view(Filter())
        self.found: View | None = None
        """The shown lines that hold what is searched for."""
        self.taps: list[Callable[[Block], None]] = []
        """What else is given the lines as they come."""
        self.moved: list[Callable[[], None]] = []
        """Called when it begins or ceases to follow, or its filter, search or look changed: at once, not by a message,
        so that one paint shows all that a key did."""
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
        self._at: object = None
        """The key of the line under the cursor, as it was drawn last."""

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

    @property
    def in_sight(self) -> int:
        """How many lines are in sight."""
        return len({key(line) for line, _ in self._rows})

    @property
    def behind(self) -> bool:
        """Whether the filter or the search has not seen every line yet."""
        return self.shown.behind > 0 or (self.found is not None and self.found.behind > 0)

    def feed(self, lines: Block | None) -> bool:
        """Take in lines, and look at some of those that the filter and the search have not seen yet.

        Returns whether there is something to `repaint`.
        """
        if lines is not None:
            self.buffer.add(lines)
            for tap in self.taps:
                tap(lines)
        behind = self.behind
        until = time.monotonic() + SLICE
        for view in (self.shown, self.found):
            while view is not None and view.behind and time.monotonic() < until:
                view.advance(_scan(view.filter))
        if lines:
            self._make_room(lines)
            if not self.following:
                self.unseen += len(lines)
        return bool(lines) or behind

    def show(self, wanted: Filter, context: int = 0) -> None:
        """Show what passes another filter, and so many lines around each.

        The reader stays at the same line or the one after it.
        """
        self.buffer.drop(self.shown.view if isinstance(self.shown, Around) else self.shown)
        view = self.buffer.view(wanted)
        self.shown = Around(view, context) if context else view
        self.shown.advance(_scan(wanted))
        self.search(self.look.search)

    def search(self, wanted: Pattern | None) -> None:
        """Mark a pattern in the lines shown, and find the lines that hold it."""
        if self.found is not None:
            self.buffer.drop(self.found)
        self.found = self.narrowed(wanted) if wanted is not None else None
        self.restyle(search=wanted)

    def narrowed(self, test: Test) -> View:
        """Of the lines shown, those that hold a test; `buffer.drop` it when it is not needed any more."""
        wanted = self.shown.filter
        return self.buffer.view(replace(wanted, rules=(*wanted.rules, Rule("", test)), notes=False))

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

    def _make_room(self, lines: Block) -> None:
        """Widen the columns for what has come: longer names, times of other days."""
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * SECOND
        if not self.look.dated and lines[0].at < midnight:
            self.look = replace(self.look, dated=True)
        new = {self._name_of(line) for line in lines.one_of_each_stream()} - self._names
        if new:
            self._names |= new
            self._measure()

    def _measure(self) -> None:
        longest = max(map(cell_len, self._names), default=0)
        self.look = replace(self.look, width=self.size.width, name_width=min(longest, self.size.width // NAME_SHARE))

    def _changed(self) -> None:
        self.repaint()
        for tell in self.moved:
            tell()

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
        self.move(pages * max(self.in_sight - 1, 1))

    def go_to(self, line: LogLine) -> None:
        """Put the cursor on a line and bring it into sight."""
        self.pause()
        self._current = line
        shown = [key(row[0]) for row in self._rows]
        if key(line) not in shown:
            above = self._top is not None and self.shown.rank(line) < self.shown.rank(self._top)
            self._top = line if above else self._up_from(self.shown.rank(line))[0][0]
        elif shown[-1] == key(line) and shown[0] != key(line):  # its other rows may be below the edge
            self._top = self._up_from(self.shown.rank(line))[0][0]
        self.repaint()

    def centre(self, line: LogLine) -> None:
        """Put the cursor on a line, with what came before it in sight."""
        self.pause()
        lines, above = self.shown.lines, self.size.height // 3
        self._top = lines[max(self.shown.rank(line) - above, 0)]
        self._current = line
        self.repaint()

    def go_to_time(self, at: int) -> None:
        """Put the cursor on the first shown line from a moment on (nanoseconds since the epoch), or on the last."""
        lines = self.shown.lines
        if lines:
            self.centre(lines[min(bisect_left(lines, at, key=lambda line: line.at), len(lines) - 1)])

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(WHEEL)

    def on_click(self, event: events.Click) -> None:
        if event.y < len(self._rows):
            line = self._rows[event.y][0]
            if not self.following and key(line) == self._at:
                self.post_message(self.Opened())
            self.go_to(line)

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
        width, height = self.size
        if not self.is_mounted or height == 0:
            return
        was_at, before = self._at, self._rows
        self._rows = self._lay_out()
        if self._at != was_at:
            self.post_message(self.Selected())
        for y in range(height):
            old = before[y][1] if y < len(before) else None
            new = self._rows[y][1] if y < len(self._rows) else None
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def _lay_out(self) -> list[Row]:
        lines, current = self.shown.lines, self.current
        if current is None:
            return []
        self._at = key(current)
        if self.following or self._top is None:
            return self._up_from(len(lines) - 1)
        rows, height = list[Row](), self.size.height
        at = min(self.shown.rank(self._top), len(lines) - 1)
        while at < len(lines) and len(rows) < height:
            rows += self._draw(lines[at])
            at += 1
        if len(rows) < height and len(lines) > len(rows):  # a filter has left little below
            rows = self._up_from(len(lines) - 1)
            if not self.shown.behind:  # else the lines below are still to be found
                self._top = rows[0][0]
        return rows[:height]

    def _up_from(self, at: int) -> list[Row]:
        """The rows of a screen that ends with that line."""
        lines, rows, height = self.shown.lines, list[Row](), self.size.height
        while at >= 0 and len(rows) < height:
            rows[:0] = self._draw(lines[at])
            at -= 1
        return rows[-height:]

    def _draw(self, line: LogLine) -> list[Row]:
        colour = self._colours.index(line.origin.node_id)
        strips = draw(line, self._name_of(line), colour, self.look, current=key(line) == self._at)
        return [(line, strip) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """A row of the screen."""
        if y < len(self._rows):
            return self._rows[y][1]
        return Strip.blank(self.size.width, self.look.styles.text)


def _scan(wanted: Filter) -> int:
    """How many lines to filter in one go."""
    return SCAN_SLOWLY if wanted.slow else SCAN
