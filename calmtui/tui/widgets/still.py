"""Still: text that is drawn again only when it says something else, so that an idle screen sends nothing."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class Still(Static):
    """A Static of plain or Rich text, never markup."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes, markup=False)
        self._told: str | Text = ""

    def tell(self, text: str | Text) -> None:
        """Show this."""
        if text != self._told:
            self._told = text
            self.update(text)
