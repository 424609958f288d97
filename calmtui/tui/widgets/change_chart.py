"""How much changed when: two lines over the time line, all changes as bars and below them the bad ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from calmtui.fleet.node import State
from calmtui.fleet.timeline import Bucket
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.rows import Span

SIDE = 13
"""Columns before the bars; a time of another day takes eleven."""
END = 7
"""Columns after the bars."""


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
