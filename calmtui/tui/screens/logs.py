"""The logs of the marked nodes, followed together in the order of time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from platformdirs import user_state_path
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from calmtui.errors import UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.logs.filters import Filter, Pattern
from calmtui.logs.level import Level
from calmtui.logs.output import as_text, document
from calmtui.logs.rules import rule
from calmtui.tui import keys
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.log_pane import LogPane
from calmtui.tui.widgets.log_prompt import LogPrompt, Purpose
from calmtui.tui.widgets.log_status import second_line
from calmtui.tui.widgets.log_view import LogView

LEVELS = (Level.NONE, Level.INFO, Level.WARN, Level.ERROR)
"""What the level key goes through."""
SIDEWAYS = 20
"""Columns a step to the left or right."""


class LogsScreen(Screen[None]):
    """One live log of several nodes."""

    where = "logs"
    BINDINGS = keys.bindings("logs")
    DEFAULT_CSS = """
    LogsScreen > #toggles { height: 1; color: $text-muted; }
    """

    def __init__(self, live: LiveEstate, nodes: Sequence[Node]) -> None:
        super().__init__()
        self.pane = LogPane(live, *nodes)
        self.filter = Filter()
        self.search: Pattern | None = None

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.pane.view

    def compose(self) -> ComposeResult:
        yield self.pane
        yield LogPrompt()
        yield Static(id="toggles", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self._show_toggles()

    def on_resize(self) -> None:
        self._show_toggles()

    def on_log_pane_counted(self) -> None:
        self._show_toggles()

    def _show_toggles(self) -> None:
        text = second_line(self.pane.account, self.filter, self.view.look, self.size.width)
        self.query_one("#toggles", Static).update(text)

    def _say(self, text: str, *, trouble: bool = False) -> None:
        self.query_one(Footer).say(text, trouble=trouble)

    # -- moving ----------------------------------------------------------------

    def action_down(self) -> None:
        self.view.move(1)

    def action_up(self) -> None:
        self.view.move(-1)

    def action_page_down(self) -> None:
        self.view.page(1)

    def action_page_up(self) -> None:
        self.view.page(-1)

    def action_first(self) -> None:
        self.view.move(-len(self.view.shown.lines))

    def action_last(self) -> None:
        self.view.follow()

    def action_right(self) -> None:
        self._sideways(SIDEWAYS)

    def action_left(self) -> None:
        self._sideways(-SIDEWAYS)

    def _sideways(self, columns: int) -> None:
        look = self.view.look
        if look.wrap:
            self._say("lines are wrapped; w cuts them, then they can be moved sideways")
        else:
            self.view.restyle(left=max(look.left + columns, 0))
            self._show_toggles()

    def action_pause(self) -> None:
        if self.view.following:
            self.view.pause()
        else:
            self.view.follow()

    # -- what is shown -----------------------------------------------------------

    def action_include(self, typed: str) -> None:
        self._typed("include", typed)

    def action_exclude(self, typed: str) -> None:
        self._typed("exclude", typed)

    def action_find(self, typed: str) -> None:
        self._typed("find", typed, self.search)

    def _typed(self, purpose: Purpose, typed: str, now: Pattern | None = None) -> None:
        """Take what followed `:include` and the like, or ask for it."""
        if typed:
            self._take(purpose, typed)
        else:
            toggles = self.query_one("#toggles")

            def answered(text: str | None) -> None:
                toggles.display = True
                self.set_focus(self.view)
                if text is not None:
                    self._take(purpose, text)

            toggles.display = False
            self.query_one(LogPrompt).ask(purpose, now.typed if now else "", answered)

    def _take(self, purpose: Purpose, typed: str) -> None:
        try:
            match purpose:
                case "find":
                    self._find(Pattern(typed) if typed else None)
                case "include" | "exclude" if typed:
                    added = rule(typed, out=purpose == "exclude")
                    self._filter(replace(self.filter, rules=(*self.filter.rules, added)))
        except UsageError as error:
            self._say(str(error), trouble=True)

    def action_level(self) -> None:
        following = LEVELS[(LEVELS.index(self.filter.level) + 1) % len(LEVELS)]
        self._filter(replace(self.filter, level=following))

    def _filter(self, wanted: Filter) -> None:
        self.filter = wanted
        self.view.show(wanted)
        self._show_toggles()

    def _find(self, pattern: Pattern | None) -> None:
        self.search = pattern
        self.view.restyle(search=pattern)
        self._show_toggles()
        if pattern is not None:
            self._seek(-1)

    def action_next(self) -> None:
        self._seek(1)

    def action_previous(self) -> None:
        self._seek(-1)

    def _seek(self, step: int) -> None:
        if self.search is None:
            self._say("nothing is being looked for; f asks what")
        else:
            self.run_worker(self._seek_on(self.search, step), group="seek", exclusive=True)

    async def _seek_on(self, wanted: Pattern, step: int) -> None:
        if not await self.view.seek(wanted, step):
            self._say(f"no {'later' if step > 0 else 'earlier'} line has {wanted.typed!r}")

    def action_wrap(self) -> None:
        self.view.restyle(wrap=not self.view.look.wrap, left=0)
        self._show_toggles()

    def action_times(self) -> None:
        self.view.restyle(times=not self.view.look.times)
        self._show_toggles()

    def action_clear(self) -> None:
        self.view.clear()

    def action_streams(self) -> None:
        from calmtui.tui.screens.streams import StreamsScreen  # not needed until it is asked for

        self.app.push_screen(StreamsScreen(self.pane.follower))

    def action_back(self) -> None:
        """One thing less: the search, then the filters, then the screen."""
        if self.search is not None:
            self._find(None)
        elif self.filter != Filter():
            self._filter(peeled(self.filter))
        else:
            self.app.pop_screen()

    # -- taking lines along ----------------------------------------------------------

    def action_copy(self) -> None:
        line = self.view.current
        if line is not None:
            self.app.copy_to_clipboard(as_text(line, self.pane.names(line)))
            self._say("the line is copied, if the terminal allows it (OSC 52)")

    async def action_save(self, path: str) -> None:
        lines = list(self.view.shown.lines)
        target = Path(path) if path else saved_path(time.time())
        try:
            await asyncio.to_thread(_write, target, document(lines, self.pane.names))
        except OSError as error:
            self._say(f"not saved: {target}: {error.strerror}", trouble=True)
        else:
            self._say(f"{len(lines):,} lines saved to {target}")


def peeled(wanted: Filter) -> Filter:
    """The filter with one thing less: the last rule, then the level, then what is muted."""
    if wanted.rules:
        return replace(wanted, rules=wanted.rules[:-1])
    return Filter() if wanted.level is Level.NONE else replace(wanted, level=Level.NONE)


def saved_path(now: float) -> Path:
    """Where lines are saved unless it is said: a file of its own for each second, in the state folder."""
    return user_state_path("calmtui") / "saved" / time.strftime("logs-%Y%m%d-%H%M%S.log", time.localtime(now))


def _write(path: Path, text: str) -> None:
    """Write a file that only the operator may read. Never over another. Raises OSError."""
    path = path.expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
