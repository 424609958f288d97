"""Still: text of which only the lines that say something else are drawn again, so that an idle screen sends nothing."""

from __future__ import annotations

from itertools import zip_longest

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual, visualize
from textual.widgets import Static


class Still(Static):
    """A Static of plain or Rich text, never markup; change it with `tell`, not with `update`.

    A layout would have every scrollbar of the screen sent again: there is one only when the text
    takes up another number of cells than before.
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes, markup=False)
        self._told: str | Text = ""

    def tell(self, text: str | Text) -> None:
        """Show this."""
        if text == self._told:
            return
        before = self._strips()
        self._told = text
        after = self._strips()
        if self._fits(len(before), len(after)):
            width = self.content_size.width
            changed = [y for y, (was, now) in enumerate(zip_longest(before, after)) if was != now]
            if changed:  # without a region, everything would be drawn
                self.refresh(*(Region(0, y, width, 1) for y in changed))
        else:
            self.refresh(layout=True)

    def render(self) -> RenderResult:
        """The text."""
        return self._visual()

    def _visual(self) -> Visual:
        return visualize(self, self._told, markup=False)

    def _strips(self) -> list[Strip]:
        width = self.content_size.width
        return Visual.to_strips(self, self._visual(), width, None, self.visual_style) if width else []

    def _fits(self, before: int, after: int) -> bool:
        """Whether the widget stays as large as it is."""
        width = self.styles.width
        if not before or (width is not None and width.is_auto):
            return False
        height = self.content_size.height
        return before == after or (before < height and after <= height)  # taller than its text: it has a least height
