"""Segment: a block of kept lines, in memory or on disk, and `Lines`, what segments hold as one sequence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from calmtui.logs.block import ROW, Block, Key, key_at, place
from calmtui.logs.line import LogLine, key
from calmtui.logs.spill import Spill, Spilled

SEGMENT = 4096
"""Lines of a segment: what is filtered or sorted in one go, in 6 ms at the most."""
SEGMENT_BYTES = 1024 * 1024
"""Bytes of a segment's lines: fewer than SEGMENT of long ones."""

Chosen = NDArray[np.uint16]
"""Lines of a segment, by their numbers in it."""


class Segment:
    """Lines in order. It never changes but for where it is."""

    __slots__ = ("_kept", "count", "flags", "last", "size")

    def __init__(self, block: Block) -> None:
        self._kept: Block | Spilled = block
        self.count = len(block)
        self.size = len(block.data) + self.count * ROW.itemsize
        """Bytes that it takes."""
        self.last: Key = key_at(block, self.count - 1)
        """The place of its last line in the order."""
        self.flags = int(np.bitwise_or.reduce(block.rows["flags"]))
        """Every flag that one of its lines has."""

    @property
    def block(self) -> Block:
        """Its lines. Raises OSError when they are on disk and cannot be read."""
        return self._kept if isinstance(self._kept, Block) else self._kept.read()

    @property
    def spilled(self) -> bool:
        """Whether it is on disk."""
        return isinstance(self._kept, Spilled)

    def put_on(self, spill: Spill) -> None:
        """Move its lines to disk. Raises OSError."""
        self._kept = spill.write(self.block)


class Lines(Sequence[LogLine]):
    """Lines of segments: all, or those chosen of each. It is as it was made; later lines need another."""

    def __init__(self, segments: Sequence[Segment], chosen: Sequence[Chosen] | None = None) -> None:
        self._segments = segments
        self._chosen = chosen
        counts = (len(one) for one in chosen) if chosen is not None else (segment.count for segment in segments)
        self._ends = list(accumulate(counts))
        """How many lines there are up to the end of each segment."""
        self._read: tuple[Segment, Block] | None = None

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> LogLine: ...
    @overload
    def __getitem__(self, index: slice) -> list[LogLine]: ...
    def __getitem__(self, index: int | slice) -> LogLine | list[LogLine]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        which = bisect_right(self._ends, number)
        within = number - self.before(which)
        return self._block(which)[within if self._chosen is None else int(self._chosen[which][within])]

    def __iter__(self) -> Iterator[LogLine]:
        for block in self.blocks():
            yield from block

    def before(self, which: int) -> int:
        """How many lines there are in the segments before that one."""
        return self._ends[which - 1] if which else 0

    def parts(self) -> Iterator[tuple[Segment, Chosen | None]]:
        """The segments in order, and which lines of each there are; None: all."""
        for which in range(len(self._ends)):
            yield self._segments[which], None if self._chosen is None else self._chosen[which]

    def blocks(self) -> Iterator[Block]:
        """The lines in order, a block at a time."""
        for which, segment in enumerate(self._segments[: len(self._ends)]):
            yield segment.block if self._chosen is None else segment.block.chosen(self._chosen[which].astype(np.intp))

    def rank(self, line: LogLine) -> int:
        """Where a line stands, or would stand if it is not among them."""
        which = bisect_left(self._segments, key(line), hi=len(self._ends), key=lambda segment: segment.last)
        if which == len(self._ends):
            return len(self)
        before = self.before(which)
        within = place(self._block(which), key(line))
        return before + (within if self._chosen is None else int(np.searchsorted(self._chosen[which], within)))

    def flagged(self, flags: int, start: int, step: int) -> int | None:
        """The first line from `start` on that has one of the flags, forwards (step 1) or backwards (-1)."""
        which = min(bisect_right(self._ends, start), len(self._ends) - 1)
        while 0 <= which < len(self._ends):
            if self._segments[which].flags & flags:
                having = self._block(which).rows["flags"]
                if self._chosen is not None:
                    having = having[self._chosen[which]]
                found = np.flatnonzero(having & flags) + self.before(which)
                found = found[found >= start] if step > 0 else found[found <= start]
                if len(found):
                    return int(found[0 if step > 0 else -1])
            which += step
        return None

    def _block(self, which: int) -> Block:
        """A segment's lines; the one read last from disk is at hand."""
        segment = self._segments[which]
        if not segment.spilled:
            return segment.block
        if self._read is None or self._read[0] is not segment:
            self._read = (segment, segment.block)
        return self._read[1]
