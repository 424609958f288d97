"""Finding: how the log's screen goes from line to line: by a search, by time, to errors, to rows that are counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.fleet.moment import moment, seconds
from calmtui.logs.block import CUT, GAP, LATE, TROUBLE
from calmtui.logs.buffer import View
from calmtui.logs.context import Around
from calmtui.logs.filters import OfLevel, Pattern
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, key

if TYPE_CHECKING:
    from calmtui.tui.screens.lines import LinesScreen

SCAN = 5_000
"""Lines looked at between two turns of the event loop: about 5 ms."""

COUNTED = {"late": LATE, "gaps": GAP, "lost": GAP, "failed": TROUBLE, "cut": CUT}
"""Rows that the first line counts: lines out of order, places where some are missing, streams that failed, lines that
were too long."""


class Finding:
    """A part of a screen of log lines: the commands that look for a line."""

    def __init__(self, screen: LinesScreen) -> None:
        self._screen = screen

    # -- a text ------------------------------------------------------------------

    def action_find(self, typed: str) -> None:
        screen = self._screen
        if typed:
            self.find(Pattern(typed))
        else:
            now = screen.view.look.search
            screen.ask("find …  (~regular expression; empty: nothing)", self._answered, now.typed if now else "")

    def _answered(self, typed: str) -> None:
        self.find(Pattern(typed) if typed else None)

    def find(self, pattern: Pattern | None) -> None:
        """Mark a pattern in the lines and go to the last one that has it, or mark none."""
        self._screen.view.search(pattern)
        if pattern is not None:
            self._to_found(-1)

    def action_next(self) -> None:
        self._to_found(1)

    def action_previous(self) -> None:
        self._to_found(-1)

    def _to_found(self, step: int) -> None:
        view = self._screen.view
        if view.found is None or view.look.search is None:
            self._screen.say("nothing is being looked for; f asks what")
            return
        way = "later" if step > 0 else "earlier"
        self._run(self._step(view.found, step, f"no {way} line has {view.look.search.typed!r}"))

    # -- errors, and rows that are counted -------------------------------------------

    def action_error(self) -> None:
        self._to_error(1)

    def action_previous_error(self) -> None:
        self._to_error(-1)

    def _to_error(self, step: int) -> None:
        self._run(self._step_to_error(step))

    async def _step_to_error(self, step: int) -> None:
        view = self._screen.view
        errors = view.narrowed(OfLevel(">=", Level.ERROR))
        try:
            await self._step(errors, step, f"no {'later' if step > 0 else 'earlier'} error among the lines shown")
        finally:
            view.buffer.drop(errors)

    def action_counted(self, what: str) -> None:
        self._to_counted(what, 1)

    def action_previous_counted(self, what: str) -> None:
        self._to_counted(what, -1)

    def _to_counted(self, what: str, step: int) -> None:
        if what and what not in COUNTED:
            raise UsageError(f"{what!r} is not counted", next_step=f"counted are {', '.join(COUNTED)}")
        flags = COUNTED[what] if what else LATE | GAP | TROUBLE | CUT
        log = self._screen.view
        line, lines = log.current, log.shown.lines
        if line is None:
            return
        found = lines.flagged(flags, after(log.shown, line) if step > 0 else log.shown.rank(line) - 1, step)
        if found is not None:
            log.go_to(lines[found])
        else:
            told = what or "late, missing, failed or cut"
            self._screen.say(f"nothing {told} {'below' if step > 0 else 'above'}; X looks above, x below")

    # -- a time ----------------------------------------------------------------------

    def action_at(self, text: str) -> None:
        if not text:
            raise UsageError(
                "at which time?", next_step="write :at 03:12, :at 10m or :at 2026-11-21T02:29; :+5m, :-30s"
            )
        self._screen.view.go_to_time(round(moment(text, time.time(), where=":at") * SECOND))

    def action_skip(self, text: str) -> None:
        length = seconds(text.lstrip("+-"))
        line = self._screen.view.current
        if length is None:
            raise UsageError(f"not a length of time: {text!r}", next_step="write :+5m, :-30s or :skip -1h30m")
        if line is not None:
            self._screen.view.go_to_time(line.at + round((-length if text.startswith("-") else length) * SECOND))

    # -- a step at a time, so that keys are answered -----------------------------------

    def _run(self, work: Coroutine[None, None, None]) -> None:
        self._screen.run_worker(work, group="seek", exclusive=True)

    async def _step(self, view: View, step: int, otherwise: str) -> None:
        """Go to the next line of a view of the shown lines."""
        log = self._screen.view
        line = log.current
        if line is None:
            return
        log.pause()
        while view.behind:
            view.advance(SCAN)
            await asyncio.sleep(0)
        lines, at = view.lines, after(view, line) if step > 0 else view.rank(line) - 1
        if 0 <= at < len(lines):
            log.go_to(lines[at])
        else:
            self._screen.say(otherwise)


def after(view: View | Around, line: LogLine) -> int:
    """Where the first line after that one stands in a view, whether that one is in it or not."""
    at = view.rank(line)
    return at + (at < len(view.lines) and key(view.lines[at]) == key(line))
