"""Around: the lines that pass a filter together with those around them, as `grep -C` gives them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from calmtui.logs.buffer import View
from calmtui.logs.filters import Filter
from calmtui.logs.line import LogLine
from calmtui.logs.segment import Lines


class Around:
    """A view, and `count` lines before and after each of its lines, whichever stream they are of."""

    def __init__(self, view: View, count: int) -> None:
        self.view = view
        self.count = count
        self._made: tuple[Lines, Lines] | None = None
        """What the view gave, and what was made of it."""

    @property
    def filter(self) -> Filter:
        """What the lines pass that the others stand around."""
        return self.view.filter

    @property
    def behind(self) -> int:
        """Lines that were not looked at yet."""
        return self.view.behind

    def advance(self, count: int) -> None:
        """Look at so many more lines."""
        self.view.advance(count)

    @property
    def lines(self) -> Lines:
        """What passes and what stands around it, of what was looked at."""
        lines = self.view.lines
        if self._made is None or self._made[0] is not lines:
            self._made = (lines, _around(lines, self.count))
        return self._made[1]

    def rank(self, line: LogLine) -> int:
        """Where a line stands in `lines`, or would stand if it is not among them."""
        return self.lines.rank(line)


def _around(lines: Lines, count: int) -> Lines:
    parts = list(lines.parts())
    chosen = [numbers for _, numbers in parts if numbers is not None]
    if len(chosen) < len(parts) or not parts:  # every line is there already
        return lines
    segments = [segment for segment, _ in parts]
    ends = np.cumsum([0, *(segment.count for segment in segments)])
    at = np.concatenate([numbers + begin for numbers, begin in zip(chosen, ends[:-1], strict=True)])
    edges = np.zeros(int(ends[-1]) + 1, np.int32)
    np.add.at(edges, np.maximum(at - count, 0), 1)
    np.add.at(edges, np.minimum(at + count + 1, int(ends[-1])), -1)
    near = np.cumsum(edges[:-1]) > 0
    return Lines(segments, [np.flatnonzero(near[begin:end]).astype(np.uint16) for begin, end in pairwise(ends)])
