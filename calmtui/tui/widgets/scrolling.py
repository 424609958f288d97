"""Scrolling: how much there is to be scrolled over; a row that comes or goes does not lay out the screen anew."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView


def scroll_over(view: ScrollView, rows: int) -> None:
    """There are so many rows to be scrolled over. The screen is laid out anew only if a scrollbar comes or goes."""
    size, height = Size(0, rows), view.styles.height
    if size == view.virtual_size:
        return
    fixed = height is not None and not height.is_auto
    if fixed and view.show_vertical_scrollbar and rows > view.container_size.height:
        view.set_reactive(ScrollView.virtual_size, size)
        view.vertical_scrollbar.window_virtual_size = rows
        view.scroll_y = view.validate_scroll_y(view.scroll_y)
    else:
        view.virtual_size = size
