"""Keys in one burst: each goes where it would have gone if it had been typed after the one before was done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.events import Event, Key
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, Static

from calmtui.tui.type_ahead import TypeAhead


class Prompt(ModalScreen[str]):
    """Asks for a text."""

    AUTO_FOCUS = "Input"

    def compose(self) -> ComposeResult:
        yield Input()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Base(Screen[None]):
    """Counts the keys that reach it; `:` asks, `/` goes to a field."""

    AUTO_FOCUS = ""
    BINDINGS = [(":", "ask", ""), ("/", "find", "")]  # noqa: RUF012 -- as Textual declares it

    def compose(self) -> ComposeResult:
        yield Static("base")
        yield Input(id="find")

    def on_mount(self) -> None:
        self.set_focus(None)

    def on_key(self, event: Key) -> None:
        assert isinstance(self.app, Console)
        if event.is_printable and event.character not in ":/":
            self.app.acted.append(event.key)

    def action_ask(self) -> None:
        assert isinstance(self.app, Console)
        self.app.push_screen(Prompt(), callback=self.app.answers.append)

    def action_find(self) -> None:
        self.query_one("#find", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        assert isinstance(self.app, Console)
        self.app.found.append(event.value)
        event.input.clear()
        self.set_focus(None)


class Console(App[None]):
    """A console of two screens."""

    def __init__(self) -> None:
        super().__init__()
        self.acted: list[str] = []
        self.answers: list[str | None] = []
        self.found: list[str] = []
        self.type_ahead = TypeAhead(self, lambda: None)

    def get_default_screen(self) -> Screen[None]:
        return Base()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key) and not event.is_forwarded:
            if self.type_ahead.admit(event):
                target = self.focused or self.screen
                await super().on_event(event)
                self.type_ahead.follow(target)
        else:
            await super().on_event(event)

    def burst(self, text: str) -> None:
        """All of it at once, as a slow line delivers it."""
        names = {"\r": "enter", ":": "colon", "/": "slash"}
        for character in text:
            self.post_message(Key(names.get(character, character), character))


@asynccontextmanager
async def running() -> AsyncIterator[Console]:
    app = Console()
    async with app.run_test() as pilot:
        app.screen.set_focus(None)
        await pilot.pause()
        yield app
        async with asyncio.timeout(45):
            await pilot.pause()
            while app.type_ahead.busy:
                await pilot.pause(0.01)


async def test_text_for_a_prompt_goes_to_the_prompt_and_what_follows_does_not() -> None:
    async with running() as app:
        app.burst(":restart\rab")
    assert (app.answers, app.acted) == (["restart"], ["a", "b"])


async def test_text_for_a_field_goes_to_the_field() -> None:
    async with running() as app:
        app.burst("a/web\rb/api\rc")
    assert (app.found, app.acted) == (["web", "api"], ["a", "b", "c"])


async def test_screens_that_come_and_go_do_not_swallow_keys() -> None:
    async with running() as app:
        app.burst(":one\r:two\r:three\rz" * 3)
    assert app.answers == ["one", "two", "three"] * 3
    assert app.acted == ["z"] * 3


async def test_after_a_burst_keys_go_on_at_once() -> None:
    async with running() as app:
        app.burst(":x\r")
    assert not app.type_ahead.busy
    assert app.type_ahead.admit(Key("a", "a"))


async def test_nothing_is_let_through_when_the_console_is_left() -> None:
    async with running() as app:
        app.type_ahead.close()
        assert not app.type_ahead.admit(Key("a", "a"))
