"""How many lines came when, and how many of them were errors, without looking at any line twice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calmtui.logs.level import Level
from calmtui.logs.line import SECOND
from calmtui.logs.segment import Chosen, Lines, Segment

WIDTHS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400, 604_800, 2_419_200, 29_030_400, 290_304_000)
"""Seconds that a bar may stand for; each is a multiple of the one before, so that bars can be put together."""
FRESH = 64
"""Segments counted anew in one go, a few milliseconds of them in memory; the others are counted in the next."""
FINE = 512
"""Times that are told apart within a segment; a segment of more is counted in wider stretches."""
OLD = 0.05
"""The part of the lines that may be left out at the beginning, so that a few from last week do not flatten today."""

Counts = NDArray[np.int64]


class Bars(NamedTuple):
    """The lines of equal stretches of time."""

    begin: int
    """When the first begins, nanoseconds since the epoch."""
    width: int
    """Nanoseconds that each takes."""
    lines: list[int]
    errors: list[int]
    before: int
    """Lines from before the first bar."""

    def at(self, moment: int) -> int:
        """Which bar a moment falls into, or the nearest."""
        return max(min((moment - self.begin) // self.width, len(self.lines) - 1), 0)


NOTHING = Bars(0, SECOND, [], [], 0)


class _Counted(NamedTuple):
    """A segment's lines by time: only those times that have any, in order."""

    chosen: int | None
    width: int
    """Seconds that are told apart."""
    begins: Counts
    """When each stretch begins, seconds since the epoch."""
    lines: Counts
    errors: Counts


class Histogram:
    """Counts the lines of a log over and over while it grows."""

    def __init__(self) -> None:
        self._counted: dict[Segment, _Counted] = {}

    def bars(self, lines: Lines, most: int) -> Bars:
        """The lines in `most` bars or fewer. Segments beyond FRESH that are new to it are left for the next time."""
        counted, fresh = {}, FRESH
        for segment, chosen in lines.parts():
            known = self._counted.get(segment)
            if known is None or known.chosen != (None if chosen is None else len(chosen)):
                fresh -= 1
                known = _count(segment, chosen) if fresh >= 0 else None
            if known is not None:
                counted[segment] = known
        self._counted = counted
        return _bars([one for one in counted.values() if len(one.begins)], most)


def _count(segment: Segment, chosen: Chosen | None) -> _Counted:
    rows = segment.block.rows
    if chosen is not None:
        rows = rows[chosen]
    seconds, bad = rows["at"] // SECOND, rows["level"] >= Level.ERROR
    for width in WIDTHS:
        begins, where = np.unique(seconds // width, return_inverse=True)
        if len(begins) <= FINE:
            break
    lines, errors = np.bincount(where, minlength=len(begins)), np.bincount(where[bad], minlength=len(begins))
    return _Counted(None if chosen is None else len(chosen), width, begins * width, lines, errors)


def _bars(counted: list[_Counted], most: int) -> Bars:
    if not counted:
        return NOTHING
    begins, lines = (np.concatenate([one[field] for one in counted]) for field in (2, 3))
    errors = np.concatenate([one.errors for one in counted])
    order = np.argsort(begins, kind="stable")
    begins, lines, errors = begins[order], lines[order], errors[order]
    total = np.cumsum(lines)
    oldest, newest = int(begins[np.searchsorted(total, total[-1] * OLD)]), int(begins[-1])
    finest = max(one.width for one in counted if one.begins[-1] >= oldest)
    width = next(w for w in WIDTHS if w >= finest and (newest // w - oldest // w < most or w == WIDTHS[-1]))
    count = min(newest // width - int(begins[0]) // width + 1, most)
    first = newest // width - count + 1
    where = begins // width - first
    shown = where >= 0
    return Bars(
        first * width * SECOND,
        width * SECOND,
        np.bincount(where[shown], lines[shown], count).astype(int).tolist(),
        np.bincount(where[shown], errors[shown], count).astype(int).tolist(),
        int(lines[~shown].sum()),
    )
