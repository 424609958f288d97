"""Filtering: which lines the log's screen shows: rules in and out, a least level, whose lines are heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.logs.filters import Filter, Heard
from calmtui.logs.level import Level
from calmtui.logs.rules import rule

if TYPE_CHECKING:
    from calmtui.tui.log_folding import Folding
    from calmtui.tui.screens.logs import LogsScreen

MOST_CONTEXT = 1_000
"""Lines around a match; more are no context."""
LEVELS = (Level.NONE, Level.INFO, Level.WARN, Level.ERROR)
"""What the level key goes through."""


class Filtering:
    """A part of the log's screen: the commands that change which lines there are."""

    def __init__(self, screen: LogsScreen) -> None:
        self._screen = screen
        self._folding: Folding | None = None
        self.context = 0
        """Lines shown before and after each that passes."""

    @property
    def filter(self) -> Filter:
        """What holds now."""
        return self._screen.view.shown.filter

    def apply(self, wanted: Filter) -> None:
        """Show what passes this."""
        self._screen.view.show(wanted, self.context)

    def action_include(self, typed: str) -> None:
        self._typed(typed, "show only lines with …  (~regex, level>=warn)", out=False)

    def action_exclude(self, typed: str) -> None:
        self._typed(typed, "hide lines with …  (~regex, level<info)", out=True)

    def _typed(self, typed: str, question: str, *, out: bool) -> None:
        """Take what followed `:include` and the like, or ask for it."""
        if typed:
            self.add(typed, out=out)
        else:
            self._screen.ask(question, lambda answer: self.add(answer, out=out) if answer else None)

    def add(self, typed: str, *, out: bool) -> None:
        """One rule more. Raises UsageError."""
        self.apply(replace(self.filter, rules=(*self.filter.rules, rule(typed, out=out))))

    def action_level(self) -> None:
        following = LEVELS[(LEVELS.index(self.filter.level) + 1) % len(LEVELS)]
        self.apply(replace(self.filter, level=following))

    def action_filters(self) -> None:
        from calmtui.tui.screens.log_filters import LogFiltersScreen  # not needed until it is asked for

        self._screen.app.push_screen(LogFiltersScreen(self.filter, self.apply))

    def action_context(self, text: str) -> None:
        """So many lines around each that passes; none without a number."""
        if text and not text.isdecimal():
            raise UsageError(f"not a number of lines: {text!r}", next_step="write :context 3")
        self._around(min(int(text or 0), MOST_CONTEXT))

    def action_widen(self) -> None:
        self._around(min(self.context + 1, MOST_CONTEXT))

    def action_narrow(self) -> None:
        self._around(max(self.context - 1, 0))

    def _around(self, lines: int) -> None:
        self.context = lines
        self.apply(self.filter)
        if self.filter.open:
            self._screen.say("every line is shown; what a filter leaves will have its neighbours")

    def action_patterns(self) -> None:
        """What the lines say, folded to templates; lines are folded from the first time on that it is asked for."""
        from calmtui.tui.log_folding import Folding  # the tables of what varies are not needed until then
        from calmtui.tui.screens.log_patterns import LogPatternsScreen

        view, streams = self._screen.view, self._screen.pane.follower.streams
        if self._folding is None:
            self._folding = Folding(view, self._screen.pane.follower.pace)
            self._screen.run_worker(self._folding.run(), group="folding")
        names = {node_id: stream.node.name for node_id, stream in streams.items()}
        since = None if view.following or view.current is None else view.current.at
        self._screen.app.push_screen(
            LogPatternsScreen(self._folding, names, lambda typed, out: self.add(typed, out=out), since)
        )

    # -- whose lines -----------------------------------------------------------------

    def action_mute(self) -> None:
        """Hear no more of the stream of the line; its lines are read and kept all the same."""
        stream = self._stream()
        if stream is not None:
            self.mute(stream)
            self._screen.say(f"{told(stream)} is muted; F lists what hides lines")

    def action_solo(self) -> None:
        """Hear only the stream of the line; again: all of them."""
        stream = self._stream()
        if stream is not None:
            self.solo(stream)

    def mute(self, stream: Heard) -> None:
        """Hear no more of it, or again."""
        self.apply(replace(self.filter, muted=self.filter.muted ^ {stream}))

    def solo(self, stream: Heard) -> None:
        """Hear only this; when any is heard alone already, all of them again."""
        self.apply(replace(self.filter, solo=frozenset() if self.filter.solo else frozenset({stream})))

    def heard(self, node_id: str) -> str:
        """`muted`, `solo`, or nothing, of a node as a whole."""
        if (node_id, None) in self.filter.muted:
            return "muted"
        return "solo" if (node_id, None) in self.filter.solo else ""

    def _stream(self) -> Heard | None:
        line = self._screen.view.current
        return None if line is None else (line.origin.node_id, line.origin.stream)

    def peel(self) -> bool:
        """One thing less: context, the last rule, the level, then what is muted; False when everything is shown."""
        now = self.filter
        if now == Filter():
            return False
        if self.context:
            self._around(0)
            return True
        if now.rules:
            self.apply(replace(now, rules=now.rules[:-1]))
        else:
            self.apply(Filter() if now.level is Level.NONE else replace(now, level=Level.NONE))
        return True


def told(stream: Heard) -> str:
    """A muted or solo stream, as it is called."""
    node, name = stream
    return f"{name} of {node}" if name else node
