"""Buffer: the lines that are kept, in order, within bounds; View: those of them that pass a filter."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort

from calmtui.logs.filters import Filter
from calmtui.logs.line import LogLine, key

MAX_LINES = 200_000
MAX_CHARACTERS = 96 * 1024 * 1024
"""Bounds of what is kept: whichever is reached first. 200,000 lines of 110 characters take 65 MB."""
EVICT = 16
"""When it is full, this fraction of the lines makes room at once: one by one would move all the others."""
FEW = 200
"""So many times fewer lines than those they belong among are put in singly; more are sorted in."""


class Buffer:
    """A bounded, ordered store of lines. A line's number never changes through evictions: they are counted."""

    def __init__(self, max_lines: int = MAX_LINES, max_characters: int = MAX_CHARACTERS) -> None:
        self.max_lines = max_lines
        self.max_characters = max_characters
        self.lines: list[LogLine] = []
        """What is kept, ordered by `line.key`; not to be changed from outside."""
        self.first = 0
        """Number of the first kept line: how many were evicted or cleared before it."""
        self.evicted = 0
        """Lines let go to make room."""
        self.generation = 0
        """Grows with every change."""
        self._characters = 0
        self._views: list[View] = []

    @property
    def full(self) -> bool:
        """Whether the next lines will make the oldest go."""
        return len(self.lines) >= self.max_lines or self._characters >= self.max_characters

    def view(self, wanted: Filter) -> View:
        """The lines that pass a filter, now and later. `drop` it when it is not looked at any more."""
        view = View(self, wanted)
        self._views.append(view)
        return view

    def drop(self, view: View) -> None:
        """Stop keeping a view."""
        self._views.remove(view)

    def add(self, lines: list[LogLine]) -> None:
        """Put ordered lines in their places: most at the end, late ones and history among the others."""
        if not lines:
            return
        self.generation += 1
        self._characters += sum(len(line.text) for line in lines)
        begin = bisect_right(lines, key(self.lines[-1]), key=key) if self.lines else 0
        if begin:
            self._insert(lines[:begin])
        self.lines += lines[begin:]
        if self.full:
            self._evict()

    def clear(self) -> None:
        """Let go of every line; the views are empty then."""
        self.generation += 1
        self._release(len(self.lines))

    def _insert(self, lines: list[LogLine]) -> None:
        start = bisect_left(self.lines, key(lines[0]), key=key)
        tail = len(self.lines) - start
        for view in self._views:
            view.inserted(lines)
        if len(lines) * FEW < tail:
            for line in lines:
                insort(self.lines, line, lo=start, key=key)
        else:
            self.lines[start:] = sorted(self.lines[start:] + lines, key=key)

    def _evict(self) -> None:
        step = max(len(self.lines) // EVICT, 1)
        count, characters = 0, self._characters
        while len(self.lines) - count > self.max_lines or characters > self.max_characters:
            characters -= sum(len(line.text) for line in self.lines[count : count + step])
            count += step
        count = min(count, len(self.lines))
        self.evicted += count
        self._release(count)

    def _release(self, count: int) -> None:
        if not count:
            return
        gone = self.lines[:count]
        self._characters -= sum(len(line.text) for line in gone)
        del self.lines[:count]
        self.first += count
        for view in self._views:
            view.released(gone[-1])


class View:
    """The kept lines that pass a filter, found a stretch at a time so that a full buffer never holds up a key."""

    def __init__(self, buffer: Buffer, wanted: Filter) -> None:
        self.buffer = buffer
        self.filter = wanted
        self._matches: list[LogLine] = []
        self._next = buffer.first
        """Number of the first line that was not looked at yet."""

    @property
    def lines(self) -> list[LogLine]:
        """What passes, of what was looked at; not to be changed from outside."""
        return self.buffer.lines if self.filter.open else self._matches

    @property
    def behind(self) -> int:
        """Lines that were not looked at yet."""
        return 0 if self.filter.open else self.buffer.first + len(self.buffer.lines) - self._next

    def advance(self, count: int) -> None:
        """Look at so many more lines."""
        if self.behind:
            start = self._next - self.buffer.first
            self._matches += filter(self.filter.passes, self.buffer.lines[start : start + count])
            self._next = min(self._next + count, self.buffer.first + len(self.buffer.lines))

    def rank(self, line: LogLine) -> int:
        """Where a line stands in `lines`, or would stand if it is not among them."""
        return bisect_left(self.lines, key(line), key=key)

    def inserted(self, lines: list[LogLine]) -> None:
        """Told by the buffer before it puts lines among the others."""
        if self.filter.open or self._next == self.buffer.first:
            return
        last_seen = key(self.buffer.lines[self._next - self.buffer.first - 1])
        known = lines[: bisect_left(lines, last_seen, key=key)]
        self._next += len(known)
        matches = [line for line in known if self.filter.passes(line)]
        if len(matches) * FEW < len(self._matches):
            for line in matches:
                insort(self._matches, line, key=key)
        else:
            self._matches = sorted(self._matches + matches, key=key)

    def released(self, last: LogLine) -> None:
        """Told by the buffer when it has let go of every line up to `last`."""
        self._next = max(self._next, self.buffer.first)
        del self._matches[: bisect_right(self._matches, key(last), key=key)]
