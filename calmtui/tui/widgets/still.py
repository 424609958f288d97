"""Still: text of which only the lines that say something else are drawn again, so that an idle screen sends nothing."""

from __future__ import annotations

from itertools import zip_longest
from typing import Self

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
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
        self._kept: tuple[int, Style, list[Strip]] | None = None
        """Its lines, and the width and style that they were drawn with."""

    def tell(self, text: str | Text) -> None:
        """Show this."""
        if text == self._told:
            return
        before = self._lines()
        self._told, self._kept = text, None
        after = self._lines()
        if self._fits(len(before), len(after)):
            width = self.content_size.width
            changed = [y for y, (was, now) in enumerate(zip_longest(before, after)) if was != now]
            if changed:  # without a region, everything would be drawn
                self.refresh(*(Region(0, y, width, 1) for y in changed))
        else:
            self.refresh(layout=True)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if not regions:
            self._kept = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render(self) -> RenderResult:
        """The text."""
        return visualize(self, self._told, markup=False)

    def render_line(self, y: int) -> Strip:
        """A line, as it was drawn when the text was told."""
        lines = self._lines()
        return lines[y] if y < len(lines) else Strip.blank(self.content_size.width, self.visual_style.rich_style)

    def _lines(self) -> list[Strip]:
        width, style = self.content_size.width, self.visual_style
        if not width:
            return []
        if self._kept is None or self._kept[:2] != (width, style):
            visual = visualize(self, self._told, markup=False)
            self._kept = (width, style, Visual.to_strips(self, visual, width, None, style))
        return self._kept[2]

    def _fits(self, before: int, after: int) -> bool:
        """Whether the widget stays as large as it is."""
        width = self.styles.width
        if not before or (width is not None and width.is_auto):
            return False
        height = self.content_size.height
        return before == after or (before < height and after <= height)  # taller than its text: it has a least height
