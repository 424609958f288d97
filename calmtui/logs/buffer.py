"""Buffer: the lines that are kept, in order, within bounds; View: those of them that pass a filter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from calmtui.errors import CalmError
from calmtui.logs.block import NOTE, ROW, Block, joined, key_at, place
from calmtui.logs.filters import Filter
from calmtui.logs.line import LogLine
from calmtui.logs.segment import SEGMENT, SEGMENT_BYTES, Chosen, Lines, Segment
from calmtui.logs.sieve import passing
from calmtui.logs.spill import Spill

MAX_LINES = 1_000_000
MAX_BYTES = 192 * 1024 * 1024
"""Bounds of what is kept in memory: whichever is reached first. A million lines of 100 bytes take 135 MB."""
EVICT = 16
"""A bound of few lines is kept to within such a fraction of it."""


class Shifted(NamedTuple):
    """The lines in memory, moved in time."""

    early: Block | None
    """Those that belong among the lines on disk now."""
    segments: list[Segment]
    """The others."""


class Buffer:
    """A bounded, ordered store of lines: the newest in memory, older ones on disk while there is room.

    A line's number never changes through evictions: they are counted.
    """

    def __init__(self, max_lines: int = MAX_LINES, max_bytes: int = MAX_BYTES, spill: Spill | None = None) -> None:
        self.max_lines = max_lines
        self.max_bytes = max_bytes
        self.spill = spill
        """Where lines go that memory has no room for; None: they go for good."""
        self.trouble: CalmError | None = None
        """Why nothing is put on disk any more."""
        self.lines = Lines([])
        """What is kept, ordered by `line.key`."""
        self.first = 0
        """Number of the first kept line: how many were evicted or cleared before it."""
        self.evicted = 0
        """Lines let go to make room."""
        self.generation = 0
        """Grows with every change."""
        self._segments: list[Segment] = []
        self._on_disk = 0
        """How many of the segments, the oldest ones, are on disk."""
        self._views: list[View] = []

    @property
    def full(self) -> bool:
        """Whether the next lines may make the oldest go for good."""
        kept = self._segments[self._on_disk :]
        lines, size = sum(segment.count for segment in kept), sum(segment.size for segment in kept)
        if lines + self._limit <= self.max_lines and size + self._limit_bytes <= self.max_bytes:
            return False
        return self.spill is None or self._disk_bytes + kept[0].size > self.spill.max_bytes

    @property
    def spilled(self) -> int:
        """Lines that are on disk."""
        return sum(segment.count for segment in self._segments[: self._on_disk])

    @property
    def segments(self) -> list[Segment]:
        """What the lines are kept in; not to be changed from outside."""
        return self._segments

    @property
    def _disk_bytes(self) -> int:
        return sum(segment.size for segment in self._segments[: self._on_disk])

    def view(self, wanted: Filter) -> View:
        """The lines that pass a filter, now and later. `drop` it when it is not looked at any more."""
        view = View(self, wanted)
        self._views.append(view)
        return view

    def drop(self, view: View) -> None:
        """Stop keeping a view."""
        self._views.remove(view)

    def add(self, lines: Block) -> None:
        """Put ordered lines in their places: most at the end, late ones and history among the others."""
        if not len(lines):
            return
        self.generation += 1
        late = place(lines, self._segments[-1].last) if self._segments else 0
        if late:
            self._insert(lines.stretch(0, late))
        self._append(lines.stretch(late, len(lines)))
        self._make_room()
        self._changed()

    def shifted(self, moves: Mapping[int, int]) -> Shifted:
        """What `shift` takes to move the lines of streams, by their numbers, so many nanoseconds in time.

        Takes about a second for a million lines, in whatever thread; it holds as long as the `generation` stays.
        """
        kept = self._segments[self._on_disk :]
        if not kept:
            return Shifted(None, [])
        lines = joined([segment.block for segment in kept])
        rows = lines.rows.copy()
        for number, by in moves.items():
            rows["at"][(rows["origin"] == number) & (rows["flags"] & NOTE == 0)] += by
        lines = Block(lines.data, rows, lines.origins).ordered()
        early = place(lines, self._segments[self._on_disk - 1].last) if self._on_disk else 0
        return Shifted(lines.stretch(0, early), self._segmented(lines.stretch(early, len(lines))))

    def shift(self, moved: Shifted) -> None:
        """Put lines that were moved in time in place of those in memory; those on disk stay where they are."""
        self.generation += 1
        for view in self._views:
            view.forgotten(self._on_disk)
        self._segments[self._on_disk :] = moved.segments
        if moved.early:
            self._insert(moved.early)
        self._make_room()
        self._changed()

    def clear(self) -> None:
        """Let go of every line; the views are empty then."""
        self.generation += 1
        while self._segments:
            self._release()
        self._changed()

    def _append(self, lines: Block) -> None:
        if not len(lines):
            return
        if len(self._segments) > self._on_disk and not self._whole(self._segments[-1]):
            lines = joined([self._segments.pop().block, lines])
        self._segments += self._segmented(lines)

    def _insert(self, lines: Block) -> None:
        """Put lines among the others, segment by segment."""
        done = 0
        while done < len(lines):
            which = bisect_left(self._segments, key_at(lines, done), key=_last)
            end = place(lines, self._segments[which].last)
            mixed = joined([self._segments[which].block, lines.stretch(done, end)]).ordered()
            pieces = [Segment(mixed)] if len(mixed) <= 2 * self._limit else self._segmented(mixed)
            self._segments[which : which + 1] = pieces
            for view in self._views:
                view.replaced(which, pieces)
            if which < self._on_disk:
                self._on_disk += len(pieces) - 1
                for piece in pieces:
                    self._put_on_disk(piece)
            done = end

    @property
    def _limit(self) -> int:
        """Lines of a segment."""
        return max(min(SEGMENT, self.max_lines // EVICT), 1)

    @property
    def _limit_bytes(self) -> int:
        return min(SEGMENT_BYTES, self.max_bytes // EVICT)

    def _whole(self, segment: Segment) -> bool:
        return segment.count >= self._limit or segment.size >= self._limit_bytes

    def _segmented(self, lines: Block) -> list[Segment]:
        """Lines in segments, each but the last whole."""
        sizes = lines.rows["end"] + np.arange(1, len(lines) + 1, dtype=np.int64) * ROW.itemsize
        segments, begin, size = [], 0, 0
        while begin < len(lines):
            end = min(begin + self._limit, int(np.searchsorted(sizes, size + self._limit_bytes)) + 1, len(lines))
            segments.append(Segment(lines.stretch(begin, end)))
            begin, size = end, int(sizes[end - 1])
        return segments

    def _make_room(self) -> None:
        kept = self._segments[self._on_disk :]
        count, size = sum(segment.count for segment in kept), sum(segment.size for segment in kept)
        while count > self.max_lines or size > self.max_bytes:
            oldest = self._segments[self._on_disk]
            count, size = count - oldest.count, size - oldest.size
            if self._put_on_disk(oldest):
                self._on_disk += 1
            else:
                while oldest in self._segments:
                    self._evict()
        while self.spill is not None and self._disk_bytes > self.spill.max_bytes:
            self._evict()

    def _put_on_disk(self, segment: Segment) -> bool:
        """Move a segment to disk; False when that cannot be."""
        if self.spill is None:
            return False
        try:
            segment.put_on(self.spill)
        except OSError as error:
            self.trouble = CalmError(
                f"older log lines cannot be kept on disk: {error.strerror}",
                where=str(self.spill.folder),
                next_step="they are let go instead",
            )
            self.spill = None
        return segment.spilled

    def _evict(self) -> None:
        self.evicted += self._segments[0].count
        self._release()

    def _release(self) -> None:
        self.first += self._segments.pop(0).count
        self._on_disk = max(self._on_disk - 1, 0)
        for view in self._views:
            view.released()

    def _changed(self) -> None:
        self.lines = Lines(tuple(self._segments))


_last = attrgetter("last")


class View:
    """The kept lines that pass a filter, found a stretch at a time so that a full buffer never holds up a key."""

    def __init__(self, buffer: Buffer, wanted: Filter) -> None:
        self.buffer = buffer
        self.filter = wanted
        self._chosen: list[Chosen] = []
        """What passes, of each segment from the oldest on that was looked at."""
        self._seen = 0
        """Lines of the last of those segments that were looked at."""
        self._lines: tuple[int, Lines] | None = None

    @property
    def lines(self) -> Lines:
        """What passes, of what was looked at."""
        if self.filter.open:
            return self.buffer.lines
        if self._lines is None or self._lines[0] != self.buffer.generation:
            self._lines = (self.buffer.generation, Lines(tuple(self.buffer.segments), tuple(self._chosen)))
        return self._lines[1]

    @property
    def behind(self) -> int:
        """Lines that were not looked at yet."""
        if self.filter.open:
            return 0
        before = self.buffer.lines.before(len(self._chosen) - 1) if self._chosen else 0
        return len(self.buffer.lines) - before - self._seen

    def advance(self, count: int) -> None:
        """Look at so many more lines."""
        while count > 0 and self.behind:
            if not self._chosen or self._seen == self.buffer.segments[len(self._chosen) - 1].count:
                self._chosen.append(np.zeros(0, np.uint16))
                self._seen = 0
            segment = self.buffer.segments[len(self._chosen) - 1]
            end = min(self._seen + count, segment.count)
            found = self._passing(segment.block.stretch(self._seen, end)) + np.uint16(self._seen)
            self._chosen[-1] = np.concatenate([self._chosen[-1], found])
            count -= end - self._seen
            self._seen = end
            self._lines = None

    def rank(self, line: LogLine) -> int:
        """Where a line stands in `lines`, or would stand if it is not among them."""
        return self.lines.rank(line)

    def replaced(self, which: int, pieces: list[Segment]) -> None:
        """Told by the buffer when lines were put among those of a segment."""
        if which >= len(self._chosen):
            return
        if which == len(self._chosen) - 1:
            self._seen = pieces[-1].count
        self._chosen[which : which + 1] = [self._passing(piece.block) for piece in pieces]

    def forgotten(self, count: int) -> None:
        """Told by the buffer when all but so many of the oldest segments are to be looked at anew."""
        if count < len(self._chosen):
            del self._chosen[count:]
            self._seen = self.buffer.segments[count - 1].count if count else 0

    def released(self) -> None:
        """Told by the buffer when it has let go of the oldest segment."""
        del self._chosen[:1]
        if not self._chosen:
            self._seen = 0

    def _passing(self, block: Block) -> Chosen:
        return np.flatnonzero(passing(self.filter, block)).astype(np.uint16)
