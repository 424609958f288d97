"""The last line: what can be done here, or the latest news until the next key.

Textual's own Footer keeps every key widget that it ever made (textual issue 6666); this one draws
a single line of text.
"""

from __future__ import annotations

from rich.text import Text
from textual.reactive import reactive
from textual.widget import Widget

from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale


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
        """The line as it is now, at its end what needs somebody wherever they look."""
        notice = self._notice()
        room = self.size.width - notice.cell_len
        text = self._line(room)
        if notice:
            text.truncate(room, overflow="ellipsis")
            text.pad_right(room - text.cell_len)
        return text.append_text(notice)

    def _notice(self) -> Text:
        """What is said of runs, and the key that leads there."""
        told: str = getattr(getattr(self.app, "notice", None), "text", "")
        if not told:
            return Text()
        runs = keys.command("app.runs")
        assert runs is not None, "it stands in the table"
        return Text(f" {keys.shown(runs, self._rebound)[0]}: {told} {of_locale().folded} ", "bold reverse")

    @property
    def _rebound(self) -> dict[str, str]:
        rebound: dict[str, str] = getattr(self.app, "rebound", {})
        return rebound

    def _line(self, width: int) -> Text:
        if self.news:
            return Text(f" {self.news}", style="bold" if self.trouble else "", no_wrap=True, overflow="ellipsis")
        where = str(getattr(self.screen, "where", ""))
        of_no_use: frozenset[str] = getattr(self.screen, "of_no_use", frozenset())
        offered = [command for command in keys.offered(where) if command.short and command.id not in of_no_use]
        own = [self._entry(command) for command in offered if command.where == where]
        everywhere = [self._entry(command) for command in offered if command.where != where]
        room = width - 1 - sum(entry.cell_len for entry in everywhere)
        while own and sum(entry.cell_len for entry in own) > room:  # help is the last thing to go
            own.pop()
        return Text(" ", no_wrap=True, overflow="ellipsis").append_text(Text().join([*own, *everywhere]))

    def _entry(self, command: keys.Command) -> Text:
        shown = keys.shown(command, self._rebound)
        return Text().append(shown[0] if shown else f":{command.name}", "bold").append(f" {command.short}  ")
