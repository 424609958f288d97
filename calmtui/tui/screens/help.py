"""What can be done where one is: searchable, and enter does it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from calmtui.tui import keys
from calmtui.tui.widgets.rows import Rows, Span

KEYS_WIDTH = 14
GROUP_WIDTH = 10
ROOMY = 100
"""Columns from which the groups stand beside the keys."""


def found(where: str, text: str) -> list[keys.Command]:
    """The commands of a screen in which every word stands: in the name, the keys, the group or the sentence."""
    words = text.lower().split()

    def fits(command: keys.Command) -> bool:
        said = " ".join([command.name, command.group, command.sentence, *keys.shown(command, {})]).lower()
        return all(word in said for word in words)

    return [command for command in keys.offered(where) if fits(command)]


class HelpScreen(ModalScreen[tuple[str, str] | None]):
    """The commands of the screen behind it; dismissed with the one to carry out."""

    where = "help"
    BINDINGS = keys.bindings("help")
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > Vertical { width: 100; max-width: 100%; height: 80%; border: solid $accent; background: $background; }
        & Input { height: 1; border: none; padding: 0 1; background: $panel; }
        & Rows { height: 1fr; }
        & #hint { height: 1; color: $text-muted; padding: 0 1; }
    }
    """

    def __init__(self, behind: str, rebound: dict[str, str] | None = None) -> None:
        super().__init__()
        self._behind = behind
        self._rebound = rebound or {}
        self._found = found(behind, "")

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Input(placeholder="search what can be done here", compact=True)
            yield Rows(self._row, len(self._found))
            yield Static("enter does it   ↑ ↓ choose   esc back", id="hint", markup=False)

    def _row(self, index: int) -> list[Span]:
        command = self._found[index]
        before = self._found[index - 1].group if index else ""
        group = f"{command.group if command.group != before else '':<{GROUP_WIDTH}}"
        return [
            (f" {' '.join(keys.shown(command, self._rebound)):<{KEYS_WIDTH}}", "strong"),
            (group if self.size.width >= ROOMY else "", "quiet"),
            (f"{command.sentence}  ", ""),
            (f":{command.name} {command.argument}", "quiet"),
        ]

    def on_input_changed(self, event: Input.Changed) -> None:
        self._found = found(self._behind, event.value)
        self.query_one(Rows).show(len(self._found))

    def on_input_submitted(self) -> None:
        rows = self.query_one(Rows)
        if self._found:
            self.dismiss((self._found[rows.cursor].id, ""))

    def on_rows_chosen(self) -> None:
        self.on_input_submitted()

    def action_back(self) -> None:
        self.dismiss(None)
