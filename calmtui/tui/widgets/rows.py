"""Rows: a list of one-line rows with a cursor, of any length. A row is drawn when it is seen and is never a widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.scrolling import scroll_over

Span = tuple[str, str]
"""Text that is safe for a terminal, and what it means: quiet, fine, warn, error, strong, or empty for plain."""


class Rows(ScrollView, can_focus=True, inherit_bindings=False):
    """Rows that a function gives by their index; the cursor is a bar at the edge."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--cursor",
        "rows--quiet",
        "rows--fine",
        "rows--warn",
        "rows--error",
        "rows--strong",
    }
    DEFAULT_CSS = """
    Rows {
        height: 1fr;
        scrollbar-size-vertical: 1;
        background: transparent;
        & > .rows--cursor { color: $accent; }
        & > .rows--quiet { text-style: dim; }
        & > .rows--fine { color: $text-success; }
        & > .rows--warn { color: $text-warning; }
        & > .rows--error { color: $text-error; text-style: bold; }
        & > .rows--strong { text-style: bold; }
    }
    """

    class Moved(Message):
        """Posted when the cursor has moved to another row."""

    class Chosen(Message):
        """Posted when a row is clicked; the cursor is on it."""

    def __init__(self, draw: Callable[[int], Sequence[Span]], count: int = 0, *, id: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id)
        self._draw = draw
        self._sign, self._more = of_locale().cursor, of_locale().cut
        self.count = count
        self.cursor = 0
        """Index of the row that it is on; 0 when there are none."""
        self._painted: dict[int, tuple[bool, tuple[Span, ...]]] = {}
        """Of the rows that were drawn, by index: whether the cursor was there, and what they said."""

    def on_mount(self) -> None:
        self.show(self.count)

    def show(self, count: int) -> None:
        """Show so many rows; those are drawn that say something else than they did."""
        self.count = count
        self.cursor = max(min(self.cursor, count - 1), 0)
        scroll_over(self, count)
        self._repaint()

    def move(self, to: int) -> None:
        """Put the cursor on a row, or on the nearest that there is, and bring it into sight."""
        to = max(min(to, self.count - 1), 0)
        if to != self.cursor:
            self.cursor = to
            self.post_message(self.Moved())
        self.scroll_to_region(Region(0, to, 1, 1), animate=False, force=True)
        self._repaint()

    def _repaint(self) -> None:
        """Have the lines drawn that look otherwise than they did."""
        for index in range(self.scroll_offset.y, self.scroll_offset.y + self.size.height):
            look = self._look(index) if index < self.count else None
            if self._painted.get(index) != look:
                self.refresh_line(index)

    def _look(self, index: int) -> tuple[bool, tuple[Span, ...]]:
        return index == self.cursor, tuple(self._draw(index))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._painted.clear()  # all lines are drawn

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.count

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if not 0 <= index < self.count:
            self._painted.pop(index, None)
            return Strip.blank(width, self.rich_style)
        at, told = self._painted[index] = self._look(index)
        mark = Segment(self._sign if at else " ", self.get_component_rich_style("rows--cursor", partial=True))
        spans = [Segment(text, self.style(meaning)) for text, meaning in told]
        strip = Strip([mark, *spans])
        if strip.cell_length > width:  # a row that is cut says so
            strip = Strip([*strip.crop(0, width - 1), Segment(self._more)])
        return strip.extend_cell_length(width).apply_style(self.rich_style)

    def style(self, meaning: str) -> Style | None:
        """What a meaning looks like in the theme; None: plain."""
        return self.get_component_rich_style(f"rows--{meaning}", partial=True) if meaning else None

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < self.count:
            self.move(index)
            self.post_message(self.Chosen())
