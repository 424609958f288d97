"""A question in one line at the foot of a screen, for a reason or a note; it is there only while it is asked."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from calmtui.tui.widgets.still import Still


class Why(Horizontal):
    """Asks; enter posts what was typed, esc nothing."""

    DEFAULT_CSS = """
    Why {
        display: none; height: auto; background: $panel;
        & Still { width: auto; max-width: 70%; padding: 0 1; }
        & Input { width: 1fr; }
        &.-asking { display: block; }
    }
    """

    class Given(Message):
        """Posted with the answer."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text
            """What was typed, without space around it; it may be empty."""

    class Left(Message):
        """Posted when the question was not answered."""

    def compose(self) -> ComposeResult:
        yield Still()
        yield Input(compact=True)

    @property
    def asking(self) -> bool:
        """Whether it asks."""
        return self.has_class("-asking")

    def ask(self, question: str) -> None:
        """Ask, with nothing typed yet."""
        self.query_one(Still).tell(question)
        self.query_one(Input).clear()
        self.add_class("-asking")
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove_class("-asking")
        self.post_message(self.Given(event.value.strip()))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.remove_class("-asking")
            self.post_message(self.Left())
