"""The box of a screen that stands before another: a frame with a title."""

from __future__ import annotations

from textual.containers import Vertical
from textual.content import Content


class Box(Vertical):
    """As high as what is in it, and as wide as the terminal lets it."""

    DEFAULT_CSS = """
    Box {
        width: 110; max-width: 100%; height: auto; max-height: 100%;
        border: round $accent; border-title-color: $text; padding: 0 1; background: $surface;
    }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self.border_title = Content(title)
