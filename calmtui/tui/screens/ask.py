"""Asking for a password or passphrase: not echoed, not kept."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from calmtui import sanitise
from calmtui.tui import keys


class AskScreen(ModalScreen[str | None]):
    """One secret; None when the operator refuses to give it."""

    where = "ask"
    BINDINGS = keys.bindings("ask")
    DEFAULT_CSS = """
    AskScreen {
        align: center middle;
        & > #box {
            width: 64; max-width: 100%; height: auto; border: round $accent; padding: 0 1; background: $surface;
        }
        & Static { height: auto; }
        & #hint { color: $text-muted; }
    }
    """

    def __init__(self, prompt: str) -> None:
        super().__init__()
        self.prompt = sanitise.word(prompt)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self.prompt, markup=False)
            yield Input(password=True, compact=True)
            yield Static("enter goes on · esc refuses · it is not stored", id="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_back(self) -> None:
        self.dismiss(None)
