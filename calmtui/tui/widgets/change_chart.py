"""How much changed when: two lines over the time line, all changes as bars and below them the bad ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from rich.style import Style
from rich.text import Text

from calmtui.fleet.node import State
from calmtui.fleet.timeline import Bucket, Timeline, bucket_of
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.rows import Span
from calmtui.tui.widgets.still import Still

SIDE = 13
"""Columns before the bars; a time of another day takes eleven."""
END = 7
"""Columns after the bars."""


class ChangeChart(Still):
    """The changes of a time line, from a moment until now."""

    DEFAULT_CSS = "ChangeChart { height: 2; }"

    def __init__(self, glyphs: Glyphs, style: Callable[[str], Style | None]) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._style = style
        self._counted: object = None
        """What the buckets depend on."""
        self._buckets: list[Bucket] = []
        self._begin = self._end = 0.0

    def show(self, line: Timeline, since: float, cursor: float | None) -> None:
        """Draw it; times are seconds since the epoch, of the cursor None when it is on nothing."""
        count = stretches(self.size.width)
        asked = (line, line.count, count, since, int(time.time() // 60))
        if self._counted != asked:  # a cursor key need not count 20,000 changes again
            first = line.entries[0].at if line.entries else time.time() - 3600
            self._counted, self._begin, self._end = asked, since or first, time.time()
            self._buckets = line.buckets(self._begin, self._end, count)
        here = None if cursor is None else bucket_of(cursor, self._begin, self._end, count)
        text = Text(no_wrap=True)
        for told, meaning in bars(self._buckets, self._begin, self._end, self._glyphs):
            text.append(told, self._style(meaning) or "")
        text.append("\n")
        for told, meaning in trouble(self._buckets, here, self._glyphs):
            text.append(told, self._style(meaning) or "")
        self.tell(text)


def stretches(width: int) -> int:
    """How many bars fit on a line of that width."""
    return max(width - SIDE - END, 1)


def bars(buckets: Sequence[Bucket], begin: float, end: float, glyphs: Glyphs) -> list[Span]:
    """A bar for each stretch of time from `begin` to `end`, the highest for the most changes."""
    most = max((bucket.changes for bucket in buckets), default=0)
    drawn: list[Span] = [(_bar(bucket.changes, most, glyphs), "error" if bucket.bad else "") for bucket in buckets]
    return [(f" {_clock(begin, end):<{SIDE - 1}}", "quiet"), *drawn, (f" {_clock(end, end)}", "quiet")]


def trouble(buckets: Sequence[Bucket], here: int | None, glyphs: Glyphs) -> list[Span]:
    """The line below: a glyph under each bar with bad changes, and where the cursor is; the number of bad ones."""
    bad = sum(bucket.bad for bucket in buckets)
    drawn: list[Span] = []
    for index, bucket in enumerate(buckets):
        if bucket.bad:
            drawn.append((glyphs.states[State.FAILED], "error"))
        else:
            drawn.append((glyphs.here, "strong") if index == here else (glyphs.rule, "quiet"))
    meaning = "error" if bad else "quiet"
    return [(" bad".ljust(SIDE), meaning), *drawn, (f" {bad:,}", meaning)]


def _bar(count: int, most: int, glyphs: Glyphs) -> str:
    """Nothing for none, and something for the least."""
    steps = len(glyphs.bars) - 1
    return glyphs.bars[-(-count * steps // most)] if count else glyphs.bars[0]


def _clock(at: float, end: float) -> str:
    then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(end).date()
    return f"{then:%H:%M}" if then.date() == today else f"{then:%m-%d %H:%M}"
