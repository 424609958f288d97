"""LogPrompt: the line in which a text to show, hide or find is typed, under the log that stays in sight."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

Purpose = Literal["include", "exclude", "find"]

QUESTIONS: dict[Purpose, str] = {
    "include": "show only lines with …  (~ for a regular expression; empty: all)",
    "exclude": "hide lines with …  (~ for a regular expression; empty: none)",
    "find": "find …  (~ for a regular expression)",
}


class LogPrompt(Input):
    """Whoever shows it hides it again when it is `Answered`."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave things as they are", id="logs.leave")]
    DEFAULT_CSS = """
    LogPrompt { height: 1; border: none; padding: 0 1; }
    LogPrompt:focus { border: none; }
    """

    class Answered(Message):
        """Posted when a text was typed; `purpose` says what for. Left with escape, the text is what it was before."""

        def __init__(self, purpose: Purpose, typed: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.typed = typed

    def __init__(self) -> None:
        super().__init__(select_on_focus=False)
        self.purpose: Purpose = "find"
        self._before = ""

    def ask(self, purpose: Purpose, now: str) -> None:
        """Ask for a text; `now` is what holds at present."""
        self.purpose, self._before = purpose, now
        self.placeholder = QUESTIONS[purpose]
        self.value = now
        self.cursor_position = len(now)
        self.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._answer(self.value)

    def action_leave(self) -> None:
        self._answer(self._before)

    def _answer(self, typed: str) -> None:
        self.post_message(self.Answered(self.purpose, typed))
