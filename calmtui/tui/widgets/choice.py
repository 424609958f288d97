"""One of a few values, all of them in sight; left and right choose."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """The chosen value stands in brackets, so that no colour is needed to see it."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; &:focus { background: $boost; text-style: bold; } }
    """

    class Changed(Message):
        """Posted when another value is chosen."""

    def __init__(self, values: Sequence[str], value: str = "", *, name: str | None = None) -> None:
        """`value` is chosen at first; the first one when it is none of them."""
        super().__init__(name=name, classes="value")
        self.values = list(values)
        self._at = self.values.index(value) if value in values else 0

    @property
    def value(self) -> str:
        """What is chosen."""
        return self.values[self._at]

    def render(self) -> Text:
        """All of them."""
        shown = [value or "-" for value in self.values]
        told = [f"[{value}]" if index == self._at else f" {value} " for index, value in enumerate(shown)]
        return Text(" ".join(told), no_wrap=True, overflow="ellipsis")

    def on_key(self, event: events.Key) -> None:
        """Left, right and space choose; a letter goes to the next value that begins with it; enter goes on."""
        if event.key == "enter":
            event.stop()
            self.screen.focus_next()
        elif event.key in ("left", "right", "space"):
            event.stop()
            self._choose(self._at + (-1 if event.key == "left" else 1))
        elif event.character and event.character.isalnum():
            event.stop()
            order = [*range(self._at + 1, len(self.values)), *range(self._at + 1)]
            begins = (index for index in order if self.values[index].startswith(event.character))
            self._choose(next(begins, self._at))

    def _choose(self, at: int) -> None:
        self._at = at % len(self.values)
        self.refresh()
        self.post_message(self.Changed())
