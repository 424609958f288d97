"""Scrolling: how much there is to be scrolled over; a row that comes or goes does not lay out the screen anew."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar

STEPS = 8
"""Places that the thumb of a scrollbar may have within a line (`ScrollBarRender`)."""


def scroll_over(view: ScrollView, rows: int) -> None:
    """There are so many rows to be scrolled over. The screen is laid out anew only if a scrollbar comes or goes."""
    size, height = Size(0, rows), view.styles.height
    if size == view.virtual_size:
        return
    fixed = height is not None and not height.is_auto
    if fixed and view.show_vertical_scrollbar and rows > view.container_size.height:
        view.set_reactive(ScrollView.virtual_size, size)
        _lengthen(view.vertical_scrollbar, rows)
        view.scroll_y = view.validate_scroll_y(view.scroll_y)
    else:
        view.virtual_size = size


def _lengthen(bar: ScrollBar, rows: int) -> None:
    """The scrollbar stands for so many rows; it is drawn again only if its thumb goes elsewhere."""
    before = _thumb(bar)
    bar.set_reactive(ScrollBar.window_virtual_size, rows)
    if _thumb(bar) != before:
        bar.refresh()


def _thumb(bar: ScrollBar) -> tuple[int, int]:
    """How long the thumb is and where it begins, in steps, rounded down: a row in thousands seldom alters either."""
    rows, window, room = max(bar.window_virtual_size, 1), bar.window_size, bar.size.height * STEPS
    length = max(STEPS, room * window // rows)
    return length, int((room - length) * bar.position / max(rows - window, 1))
