"""LogPrompt: the line in which a text to show, hide, find or note is typed, under the log that stays in sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class LogPrompt(Input):
    """Hidden until it asks. It takes the focus at once, so that the keys typed next are its own."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave things as they are", id="logs.leave")]
    DEFAULT_CSS = """
    LogPrompt { height: 1; border: none; padding: 0 1; }
    LogPrompt:focus { border: none; }
    """

    def __init__(self) -> None:
        super().__init__(select_on_focus=False)
        self.display = False
        self._answered: Callable[[str | None], None] | None = None

    def ask(self, question: str, now: str, at: int, answered: Callable[[str | None], None]) -> None:
        """Ask for a text and call `answered` with it, or with None when it was left.

        `now` is what holds at present, the cursor is put at `at` in it.
        """
        self._answered = answered
        self.placeholder = question
        self.value = now
        self.cursor_position = at
        self.display = True
        self.screen.set_focus(self)

    async def action_submit(self) -> None:
        """Take what was typed."""
        self._close(self.value)

    def action_leave(self) -> None:
        """Take nothing."""
        self._close(None)

    def _close(self, answer: str | None) -> None:
        self.display = False
        if self._answered is not None:
            self._answered(answer)
