"""The second line: how the tree is grouped, what it is filtered by and what that leaves, and where the cursor is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from calmtui.tui.widgets.still import Still

if TYPE_CHECKING:
    from calmtui.fleet.query import QueryError


Complete = Callable[[str], Awaitable[str | None]]
"""Gives the whole text that a beginning is most likely to become."""


class _Completion(Suggester):
    def __init__(self, complete: Complete) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return await self._complete(value)


class FilterBar(Vertical):
    """Shows the filter; while it is typed, every key reports it, and what it may become stands dim behind it."""

    DEFAULT_CSS = """
    FilterBar {
        height: auto;
        & Horizontal { height: 1; }
        & .filter--by { width: auto; color: $text-muted; padding: 0 2 0 1; }
        & .filter--text { width: auto; color: $secondary; }
        & .filter--text.-given { padding: 0 2 0 0; }
        & .filter--path { width: 1fr; height: 1; color: $text-muted; }
        & .filter--count { width: auto; color: $text-muted; padding: 0 1; }
        & Input { display: none; width: 1fr; height: 1; border: none; padding: 0; background: $background; }
        & .filter--error { display: none; height: auto; color: $warning; }
        &.-typing Input { display: block; }
        &.-typing .filter--text { display: none; }
        &.-typing .filter--path { display: none; }
        &.-wrong .filter--error { display: block; }
    }
    """

    class Changed(Message):
        """Posted when the filter was typed differently, kept or cleared."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text
            """The query; empty: no filter."""

    class Left(Message):
        """Posted when typing has ended."""

    def __init__(self, complete: Complete | None = None) -> None:
        super().__init__()
        self._by = Still(classes="filter--by")
        self._text = Still(classes="filter--text")
        self._path = Still(classes="filter--path")
        self._count = Still(classes="filter--count")
        suggester = _Completion(complete) if complete is not None else None
        self._input = Input(compact=True, select_on_focus=False, suggester=suggester)
        self._error = Still(classes="filter--error")

    def compose(self) -> ComposeResult:
        yield Horizontal(self._by, self._text, self._path, self._input, self._count)
        yield self._error

    @property
    def text(self) -> str:
        """The query as it stands."""
        return self._input.value.strip()

    @property
    def typing(self) -> bool:
        """Whether it is being typed."""
        return self.has_class("-typing")

    def type(self, text: str | None = None) -> None:
        """Begin to type, with this text or with what is there."""
        if text is not None:
            self._input.value = text
        self.add_class("-typing")
        self._text.tell("")
        self._input.focus()
        self._input.cursor_position = len(self._input.value)

    def put(self, text: str) -> None:
        """Filter by this without typing it here."""
        with self._input.prevent(Input.Changed):
            self._input.value = text
        self._end()
        self.post_message(self.Changed(text))

    def show(self, by: str, matching: int, total: int, path: str = "") -> None:
        """Say how the tree is grouped, where the cursor is, and what the filter leaves."""
        self._by.tell(f"by {by}")
        self._text.tell(f"filter: {self.text}" if self.text else "")
        self._text.set_class(bool(self.text), "-given")
        self._path.tell(Text(path, no_wrap=True, overflow="ellipsis"))
        self._count.tell(f"{matching:,} of {total:,}" if self.text or matching != total else "")

    def complain(self, error: QueryError | None) -> None:
        """Show what is wrong with the query, under the place; None: nothing."""
        self.set_class(error is not None, "-wrong")
        if error is not None:
            at = self._input.content_region.x + error.column - 1 - int(self._input.scroll_offset.x)
            indent = max(min(at, self.size.width - 2), 0) if self.typing else 1
            text = Text(" " * indent + "^ ", no_wrap=True)
            hint = f"{error.what}; {error.next_step}" if error.next_step else error.what
            fits = indent + 2 + len(hint) <= self.size.width
            self._error.tell(text.append(hint) if fits else text.append("\n ").append(hint))

    def _end(self) -> None:
        self.remove_class("-typing", "-wrong")
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self.text))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._end()

    def on_key(self, event: events.Key) -> None:
        if event.key in ("escape", "tab") and self.typing:
            event.stop()
            event.prevent_default()
            if event.key == "tab":
                self._input.action_cursor_right()  # at the end, it takes the completion
            else:
                self.put("")
