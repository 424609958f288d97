"""The last line: what can be done here, or the latest news until the next key.

Textual's own Footer keeps every key widget that it ever made (textual issue 6666); this one draws
a single line of text.
"""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from calmtui.tui import keys


class Footer(Widget):
    """One line of keys and short words, from the table of keys."""

    DEFAULT_CSS = """
    Footer { dock: bottom; height: 1; background: $panel; color: $text-muted; }
    """

    news: reactive[str] = reactive("")
    """A sentence shown in place of the keys."""
    trouble: reactive[bool] = reactive(False)

    def say(self, text: str, *, trouble: bool = False) -> None:
        """Show a sentence until `settle` is called."""
        self.news = text
        self.trouble = trouble

    def settle(self) -> None:
        """Show the keys again."""
        self.news = ""

    def render(self) -> Text:
        """The line as it is now."""
        if self.news:
            return Text(f" {self.news}", style="bold" if self.trouble else "", no_wrap=True, overflow="ellipsis")
        where = str(getattr(self.screen, "where", ""))
        rebound: dict[str, str] = getattr(self.app, "rebound", {})
        line = Text(" ", no_wrap=True, overflow="ellipsis")
        for command in keys.offered(where):
            if command.short:
                shown = keys.shown(command, rebound)
                line.append(shown[0] if shown else f":{command.name}", "bold")
                line.append(f" {command.short}  ")
        return line
