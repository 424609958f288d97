"""Moving in what a screen lists, in the same way on every screen."""

from __future__ import annotations

from textual.app import App
from textual.containers import VerticalScroll
from textual.screen import Screen

from calmtui.tui.widgets.rows import Rows

FAR = 1 << 40
"""More rows than there are anywhere."""


class Moving:
    """Carries out the commands that move: in the rows or the text with the focus, else in the screen's first rows."""

    def __init__(self, screen: Screen[object]) -> None:
        self._screen = screen

    @property
    def _place(self) -> Rows | VerticalScroll | None:
        focused = self._screen.focused
        return focused if isinstance(focused, Rows | VerticalScroll) else next(iter(self._screen.query(Rows)), None)

    def _by(self, count: int) -> None:
        match self._place:
            case Rows() as rows:
                rows.move(rows.cursor + count)
            case VerticalScroll() as text:
                text.scroll_relative(y=count, animate=False)

    @property
    def _page(self) -> int:
        """All that is seen but for a row, by which one finds one's way."""
        return max(self._place.size.height - 1, 1) if self._place is not None else 1

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_page_down(self) -> None:
        self._by(self._page)

    def action_page_up(self) -> None:
        self._by(-self._page)

    def action_first(self) -> None:
        self._by(-FAR)

    def action_last(self) -> None:
        self._by(FAR)


def doer(front: App[None] | Screen[object], method: str) -> object:
    """What carries out a command: the app or screen itself, a part of it, or on a screen what moves on all of them.

    Textual has methods of the same names as some of ours (`action_page_down`), which scroll; those are not meant.
    """
    parts = getattr(front, "parts", ())
    moving = [Moving(front)] if isinstance(front, Screen) else []
    return next((one for one in (front, *parts, *moving) if ours(type(one), method)), front)


def ours(kind: type, method: str) -> bool:
    """Whether a class has a method of its own, not Textual's."""
    return getattr(kind, method, None) not in (None, getattr(Screen, method, None))
