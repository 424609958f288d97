"""Searching: the log's screen asks the nodes themselves what their logs hold, while it goes on following them."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from calmtui.errors import CalmError
from calmtui.logs.line import SECOND, LogLine

if TYPE_CHECKING:
    from calmtui.logs.segment import Lines
    from calmtui.tui.screens.lines import LinesScreen
    from calmtui.tui.screens.log_search import LogSearchScreen
    from calmtui.tui.screens.logs import LogsScreen

QUESTION = "search at the source:  RE --since 2h --until T -C 3 -i --fixed"
USUALLY = " --since 1h"
"""How far back, unless it is said: whoever wants to read terabytes takes it away."""
MOST_ALIKE = 1_000
"""Lines of one moment among which one is looked for."""


class Searching:
    """A part of the log's screen: the search of what is not here, and the way back from what it found."""

    def __init__(self, screen: LogsScreen) -> None:
        self._screen = screen
        self._found: LogSearchScreen | None = None
        """What was found last. It is kept while the log is looked at."""
        self._typed = USUALLY

    def action_grep(self, typed: str) -> None:
        """Search the nodes' logs where they are; without words, show what was found, or ask for some."""
        if typed:
            self.begin(typed)
        elif self._found is not None:
            self._screen.app.push_screen(self._found)
        else:
            self.ask(self._screen)

    def ask(self, on: LinesScreen) -> None:
        """Have what to look for typed on that screen."""
        at = 0 if self._typed == USUALLY else len(self._typed)
        on.ask(QUESTION, lambda typed: self.begin(typed) if typed.strip() else None, self._typed, at)

    def begin(self, typed: str) -> None:
        """Search for what was typed. Raises UsageError."""
        from calmtui.logs.asking import read  # not needed until it is asked for
        from calmtui.tui.screens.log_search import LogSearchScreen

        found = LogSearchScreen(self._screen.live, self._screen.pane.follower, read(typed, time.time()), self)
        self._typed = typed
        self.forget()
        self._screen.app.install_screen(found, f"search {id(found)}")
        self._screen.app.push_screen(found)
        self._found = found

    def forget(self) -> None:
        """End the last search and let go of what it found."""
        found, self._found = self._found, None
        if found is None:
            return
        app = self._screen.app
        if found in app.screen_stack:
            app.pop_screen()
        app.uninstall_screen(found)
        found.remove()

    def show(self, line: LogLine) -> None:
        """Back to the live log, the cursor on a line that was found or where it would stand."""
        screen, view = self._screen, self._screen.view
        kept = view.shown.lines
        if not kept or line.at < kept[0].at:
            begins = f"begins at {datetime.fromtimestamp(kept[0].at / SECOND):%m-%d %H:%M:%S}" if kept else "is empty"
            raise CalmError(
                f"the log that is followed {begins}; this line is older", next_step="enter looks closer at it"
            )
        screen.app.pop_screen()
        at = bisect_left(kept, line.at, key=attrgetter("at"))
        same = (other for other in islice(_from(kept, at), MOST_ALIKE) if other.at == line.at and _alike(other, line))
        view.centre(next(same, kept[min(at, len(kept) - 1)]))


def _from(lines: Lines, at: int) -> Iterator[LogLine]:
    return (lines[number] for number in range(at, len(lines)))


def _alike(one: LogLine, other: LogLine) -> bool:
    return one.origin.node_id == other.origin.node_id and one.text == other.text
