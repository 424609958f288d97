"""Where in a file a stretch of time lies, found by looking at few pieces of it.

Lines are taken to be in the order of time, as logs are. What stands a little out of order at an edge is judged by
its own time later, if it is within what is searched.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from calmtui.providers.base import ReadTime

BLOCK = 4096
"""Bytes of a piece."""
_PIECES = 16
"""Looked at in one round trip."""
_NEAR = 16
"""Pieces that are read whole, once it is known that the edge lies in them."""

Probe = Callable[[Sequence[int]], Awaitable[dict[int, bytes]]]
"""Fetches the pieces of one file that begin with these blocks."""


class Slice(msgspec.Struct, frozen=True):
    """A part of a file, in bytes; `end` None: to its end."""

    start: int
    end: int | None
    first: int
    """Where to begin to read, for the context of what stands at the start."""
    last: int | None
    """Where to end."""

    @property
    def empty(self) -> bool:
        """Whether nothing of the file is in it."""
        return self.end is not None and self.end <= self.start


WHOLE = Slice(0, None, 0, None)


async def sliced(
    probe: Probe, size: int, read_time: ReadTime, since: int | None, until: int | None, context: int
) -> Slice | None:
    """The part of a file of `size` bytes between two times in nanoseconds; None when no times are recognised in it."""
    last_block = max(size - 1, 0) // BLOCK
    ends = await probe(sorted({0, *range(max(last_block - 1, 0), last_block + 1)}))
    known = {block: at for block, data in ends.items() if (at := first_time(data, block, read_time)) is not None}
    if not known:
        return None
    edges = _Edges(probe, last_block, read_time, known, context)
    start, first = (0, 0) if since is None else await edges.at(since, before=True)
    end, last = (None, None) if until is None else await edges.at(until, before=False)
    return Slice(start, end, first, last)


class _Edges:
    """Looks for the places of times in one file."""

    def __init__(self, probe: Probe, last_block: int, read_time: ReadTime, known: dict[int, int], context: int) -> None:
        self._probe = probe
        self._last = last_block
        self._read_time = read_time
        self._known = known
        """The first time that stands in a piece."""
        self._context = context

    async def at(self, moment: int, *, before: bool) -> tuple[int, int]:
        """The offset of the first line of that time or later, and one `context` lines before it, or after it."""
        while True:
            low, high = self._around(moment)
            if high == 0:
                return 0, 0
            if high - low <= _NEAR:
                return await self._exactly(moment, low, high, before=before)
            blocks = range(low, high, max((high - low) // _PIECES, 1))[1:]
            if not await self._look(blocks):  # no times between: it is all searched
                edge = await self._line_of(low if before else high)
                return edge, edge

    def _around(self, moment: int) -> tuple[int, int]:
        """The blocks between which the edge lies: the last that is known to begin earlier, the first that is not."""
        high = min((block for block, at in self._known.items() if at >= moment), default=self._last + 1)
        low = max((block for block in self._known if block < high), default=0)
        return low, high

    async def _look(self, blocks: Sequence[int]) -> bool:
        times = {
            block: at
            for block, data in (await self._probe(blocks)).items()
            if (at := first_time(data, block, self._read_time)) is not None
        }
        self._known |= times
        return bool(times)

    async def _line_of(self, block: int) -> int:
        """The offset of the first line that begins in a piece."""
        data = (await self._probe([block])).get(block, b"")
        return next((offset for offset, _ in whole_lines(data, block * BLOCK)), block * BLOCK)

    async def _exactly(self, moment: int, low: int, high: int, *, before: bool) -> tuple[int, int]:
        blocks = range(low, min(high + 1, self._last) + 1)
        pieces = await self._probe(blocks)
        data, begin = b"".join(pieces[block] for block in blocks), low * BLOCK
        if blocks[-1] == self._last and not data.endswith(b"\n"):
            data += b"\n"  # a last line without an end
        offsets, edge = [], None
        for offset, line in whole_lines(data, begin):
            offsets.append(offset)
            at = self._read_time(line)
            if edge is None and at is not None and at >= moment:
                edge = offset
        if edge is None:  # behind the last whole line
            return begin + len(data), begin + len(data)
        number = bisect_right(offsets, edge) - 1
        beside = number - self._context if before else number + self._context
        return edge, offsets[min(max(beside, 0), len(offsets) - 1)]


def first_time(data: bytes, block: int, read_time: ReadTime) -> int | None:
    """The first time that stands in a piece; None when none does."""
    times = (read_time(line) for _, line in whole_lines(data, block * BLOCK))
    return next((at for at in times if at is not None), None)


def whole_lines(data: bytes, begin: int) -> list[tuple[int, bytes]]:
    """The lines that are whole in a piece that stands at `begin` in its file, each with its offset there."""
    at = 0 if begin == 0 else data.find(b"\n") + 1
    if begin and not at:
        return []
    lines = []
    while (end := data.find(b"\n", at)) >= 0:
        lines.append((begin + at, data[at:end]))
        at = end + 1
    return lines
