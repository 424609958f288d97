"""The search of logs whose source cannot search: they are read from it, with a word on that, and searched here."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from calmtui.fleet.node import Node
from calmtui.logs.line import SECOND
from calmtui.providers.base import (
    Counted,
    Finding,
    Found,
    FoundLine,
    LogChunk,
    LogRequest,
    Logs,
    Remark,
    SearchRequest,
)

READ_BYTES = 256 << 20
"""Bytes that are read of one node at the most."""
NEWS = 0.5
"""Seconds between two accounts of what was found so far."""
_TURN = 500
"""Lines looked at between two turns of the event loop."""


async def search_here(source: Logs, node: Node, request: SearchRequest) -> AsyncGenerator[Finding, None]:
    """What the logs of a node hold, found by reading all of them from `since` on; see `providers.base.Search`."""
    how_much = "all of its log" if request.since is None else "its log from then on"
    yield Remark(
        "",
        f"its source cannot search: {how_much} is read over the network, nobody knows how much that is"
        + ("; --since reads less" if request.since is None else ""),
    )
    streams: dict[str, _Stream] = {}
    read, cut = 0, ""
    loop = asyncio.get_running_loop()
    deadline, news = loop.time() + request.seconds, loop.time() + NEWS
    wanted = LogRequest(tail=None, since=request.since, follow=False, clock=request.clock)
    async with aclosing(source.logs(node, wanted)) as chunks:
        while not cut:
            chunk = await _next(chunks, deadline)
            if chunk is None:
                break
            if isinstance(chunk, str):
                cut = chunk
                break
            stream = streams.setdefault(chunk.stream, _Stream(chunk.stream, request))
            if chunk.note or chunk.lost:
                yield Remark(chunk.stream, chunk.note or f"{chunk.lost:,} lines were lost")
            for begin in range(0, len(chunk.lines), _TURN):
                stream.take(chunk.lines[begin : begin + _TURN])
                await asyncio.sleep(0)
            read = sum(each.read for each in streams.values())
            if read >= READ_BYTES:
                cut = f"{READ_BYTES >> 20} MiB were read, the rest was not"
            if loop.time() >= news:
                news = loop.time() + NEWS
                yield stream.counted("")
    for stream in streams.values():
        yield stream.counted(cut)
    for stream in streams.values():
        if stream.kept:
            yield Found(stream.name, stream.kept)
    if cut and not streams:
        yield Counted("", cut=cut)


async def _next(chunks: AsyncGenerator[LogChunk, None], deadline: float) -> LogChunk | str | None:
    """The next chunk; None at the end, and why when time is up."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(chunks, None)
    except TimeoutError:
        return "time was up, the rest was not read"


class _Stream:
    """One stream of the node, searched as it comes."""

    def __init__(self, name: str, request: SearchRequest) -> None:
        self.name = name
        self.read = 0
        """Bytes."""
        self.kept: list[FoundLine] = []
        self._request = request
        self._read_time = request.clock()
        self._matches = 0
        self._histogram: Counter[int] = Counter()
        self._before: deque[FoundLine] = deque(maxlen=request.context)
        self._after = 0
        """Lines that are still context of the last match."""
        self._last: int | None = None
        self._adjacent = False
        """The last line was kept."""
        self._bytes = request.max_bytes
        self._cut = False

    def counted(self, cut: str) -> Counted:
        """What was found so far."""
        shown = f"only the first lines are shown: {self._request.max_lines:,} of a stream"
        cuts = "; ".join(filter(None, [cut, shown if self._cut and self._request.max_lines else ""]))
        return Counted(self.name, self._matches, dict(self._histogram), self.read, self.read, cuts)

    def take(self, lines: Sequence[tuple[int | None, bytes]]) -> None:
        """Search some more lines."""
        for given, text in lines:
            self.read += len(text) + 1
            at = given if given is not None else self._read_time(text)
            self._last = at = self._last if at is None else at
            line = FoundLine(at, text, self._in_time(at) and self._request.matches(text.removesuffix(b"\r")))
            if line.match:
                self._count(at)
            self._keep(line)

    def _in_time(self, at: int | None) -> bool:
        since, until = self._request.since, self._request.until
        if at is None:
            return True
        return (since is None or at >= since * SECOND) and (until is None or at < until * SECOND)

    def _count(self, at: int | None) -> None:
        self._matches += 1
        if at is not None:
            seconds = at // SECOND
            self._histogram[seconds - seconds % self._request.bucket] += 1

    def _keep(self, line: FoundLine) -> None:
        full = self._matches > self._request.max_lines or self._bytes < len(line.text)
        if line.match and full:
            self._cut, self._after = True, 0
        if (line.match and not full) or self._after:
            self._after = self._request.context if line.match else self._after - 1
            for each in (*self._before, line):
                self.kept.append(msgspec.structs.replace(each, joined=self._adjacent))
                self._bytes -= len(each.text)
                self._adjacent = True
            self._before.clear()
            return
        if len(self._before) == self._before.maxlen:
            self._adjacent = False
        self._before.append(line)
