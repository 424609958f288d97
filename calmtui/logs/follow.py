"""Follower: the logs of many nodes read at once, merged, with an account of how each stream is doing.

One task reads one node. When whoever shows the lines is slow, reading waits, and through the sources' own
flow control the far side does: nothing is dropped here. Nodes beyond `MAX_READING` wait their turn, counted.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import msgspec

from calmtui import sanitise
from calmtui.errors import CalmError, SourceError, Throttled, Unreachable
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.logs.block import Block, Origins
from calmtui.logs.ingest import Reader
from calmtui.logs.line import SECOND, Origin
from calmtui.logs.merge import LATENESS, Merger
from calmtui.logs.pace import Pace
from calmtui.logs.search import clock
from calmtui.providers.base import Clocks, LogChunk, LogRequest, Logs

log = logging.getLogger(__name__)

MAX_READING = 200
"""Nodes read at once; the rest are in a queue that is shown."""
MAX_PENDING = 200_000
"""Lines that nobody has taken yet, after which reading waits: more than come while one stream of many is waited for,
or those that are held up would all be late."""
MAX_PENDING_BYTES = 64 * 1024 * 1024
"""The same in bytes, for long lines."""
SLICE = 1_000
"""Lines read between two turns of the event loop: about 3 ms, so that keys are answered."""
COLLECTIONS = (3_000, 8, 100)
"""Thresholds of Python's garbage collection for a process that reads logs: each row that was drawn leaves a cycle of
Textual's behind. Often enough that none holds up a key (3 ms, every third second 10), and rarely all of them."""
SPARE = 60.0
"""Seconds by which a node's clock may be behind ours when it is asked whether the node is new."""
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0
"""Seconds until a stream that failed is opened again: doubled from the first to the longest."""
WORTH_SAYING = SECOND // 10
"""A clock that is so far out is told, in nanoseconds."""


class Reading(StrEnum):
    """What a stream is doing."""

    WAITING = "waiting"
    OPENING = "opening"
    READING = "reading"
    AWAY = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"


@dataclass
class Stream:
    """How the reading of one node is doing."""

    node: Node
    state: Reading = Reading.WAITING
    error: str = ""
    """Why it failed, for the operator; safe for a terminal."""
    opened: int = 0
    """When it was opened, nanoseconds since the epoch: lines from before are history."""
    readers: dict[str, Reader] = field(default_factory=dict)
    """By the name that the source gives the stream within the node."""
    positions: dict[str, str] = field(default_factory=dict)
    """By the same names, where the source said that the stream stands."""
    lines: int = 0
    """Lines that have come."""
    late: int = 0
    """Lines that came too late to be shown in order."""
    lost: int = 0
    """Lines that the source says were lost on the way."""
    gaps: int = 0
    """Places where lines are missing."""
    behind: int = 0
    """Bytes that the source has and has not sent yet, as far as it says."""
    skew: int = 0
    """Nanoseconds by which the node's clock is known to run ahead; 0 also when that is not known."""
    started: bool = False
    """Something has come from it, or it failed."""

    @property
    def cut(self) -> int:
        """Lines that were too long to be kept whole."""
        return sum(reader.cut for reader in self.readers.values())


class Follower:
    """Reads the logs of nodes until they end or it is left. Used as an async context manager."""

    def __init__(self, live: LiveEstate, nodes: Iterable[Node], request: LogRequest) -> None:
        self.live = live
        self.request = request
        self.streams = {node.id: Stream(node) for node in nodes}
        self.origins = Origins()
        self.merger = Merger(self.origins, LATENESS if request.follow else None)
        self.received = 0
        """Lines that have come, since the beginning."""
        self.pace = Pace()
        """When what is read is taken in; a screen puts its own here."""
        self.corrected = True
        """Whether lines stand where they would if the clocks of their nodes were right."""
        self._places = asyncio.Semaphore(MAX_READING)
        self._room = asyncio.Event()
        self._turn = asyncio.Lock()
        self._tasks: dict[NodeId, asyncio.Task[None]] = {}
        self._began = 0.0
        self._news = asyncio.Event()

    async def __aenter__(self) -> Follower:
        gc.set_threshold(*COLLECTIONS)
        self._room.set()
        self._began = time.time()
        for stream in self.streams.values():
            self._begin(stream, self.request)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def join(self, nodes: Iterable[Node]) -> None:
        """Read these too: what they have written since all this began, and what comes. For requests that follow.

        A node that is being read goes on; one whose log has ended is read on after its last line.
        """
        for node in nodes:
            task = self._tasks.get(node.id)
            if task is not None and not task.done():
                continue
            stream = self.streams.setdefault(node.id, Stream(node))
            new = node.created is not None and node.created > self._began - SPARE
            self._note(stream, f"{node.name} joined")
            since = None if new else self._began
            self._begin(stream, _resumed(stream, LogRequest(tail=None, since=since, clock=clock)))

    def _begin(self, stream: Stream, request: LogRequest) -> None:
        task = asyncio.create_task(self._keep(stream, request), name=f"logs {stream.node.id}")
        self._tasks[stream.node.id] = task

    def count(self, state: Reading) -> int:
        """How many nodes are in that state."""
        return sum(stream.state is state for stream in self.streams.values())

    def total(self, count: Literal["lines", "late", "lost", "gaps", "cut", "behind"]) -> int:
        """A figure of all streams together. Each line or note that it counts is flagged: see `block.flags`."""
        return sum(getattr(stream, count) for stream in self.streams.values())

    def correct(self, *, on: bool) -> dict[int, int]:
        """From now on, put lines where they would stand if the nodes' clocks were right, or where they say.

        Returns by how many nanoseconds the lines of each stream that were given out move: see `Buffer.shift`.
        """
        self.corrected = on
        moves = {}
        for stream in self.streams.values():
            for reader in stream.readers.values():
                before, reader.offset = reader.offset, stream.skew if on else 0
                if before != reader.offset:
                    moves[reader.number] = before - reader.offset
        return moves

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return all(task.done() for task in self._tasks.values())

    @property
    def held(self) -> bool:
        """Whether reading waits for lines to be taken."""
        return not self._room.is_set()

    def take(self, now: int) -> Block:
        """The lines whose turn it is at `now`, nanoseconds since the epoch, in order; see `Merger.take`."""
        lines = self.merger.take(now, pressed=self.held)
        if not self._full:
            self._room.set()
        return lines

    @property
    def _full(self) -> bool:
        """Whether more than enough has come that nobody has taken."""
        return len(self.merger) >= MAX_PENDING or self.merger.size >= MAX_PENDING_BYTES

    async def finished(self) -> None:
        """Wait until every stream has ended; lines may be left to take."""
        await asyncio.gather(*self._tasks.values())

    async def collect(self) -> Block:
        """Wait until every stream has ended; all lines in the exact order of time. For requests that do not follow."""
        await self.finished()
        return self.merger.rest()

    async def begun(self, timeout: float) -> None:
        """Wait until something has come from every node, or it failed, or `timeout` seconds passed."""
        try:
            async with asyncio.timeout(timeout):
                while not all(stream.started for stream in self.streams.values()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return

    async def _keep(self, stream: Stream, request: LogRequest) -> None:
        """One node, from its turn in the queue to its end."""
        async with self._places:
            pause = FIRST_RETRY
            while True:
                stream.state = Reading.OPENING
                stream.opened = stream.opened or time.time_ns()
                try:
                    await self._read(stream, request)
                except CalmError as error:
                    again = request.follow and isinstance(error, Unreachable | Throttled)
                    if stream.state is Reading.READING:
                        pause = FIRST_RETRY
                    self._failed(stream, error, pause if again else None)
                    if not again:
                        return
                except Exception as error:  # a fault of ours must not take the other streams down
                    log.exception("logs of %s", stream.node.id)
                    what = f"internal error: {type(error).__name__}: {error}"
                    self._failed(stream, CalmError(what, next_step="calmtui's log file has the details"), None)
                    return
                else:
                    stream.state = Reading.ENDED
                    if request.follow:
                        self._note(stream, "the log ended")
                    return
                await asyncio.sleep(pause)
                resumed = _resumed(stream, request)
                if resumed.positions:
                    self._note(stream, "opened again where it broke off")
                elif resumed is not request:
                    unsure = "opened again where it broke off; lines may be missing or come twice there"
                    self._note(stream, unsure, gap=True)
                request = resumed
                pause = min(pause * 2, LONGEST_RETRY)

    async def _read(self, stream: Stream, request: LogRequest) -> None:
        source = self.live.able(stream.node, Logs)
        if source is None:
            raise SourceError("it offers no logs", where=stream.node.name)
        async with aclosing(source.logs(stream.node, request)) as chunks:
            async for chunk in chunks:
                stream.state = Reading.AWAY if chunk.away else Reading.READING
                stream.error = ""
                await self._take_in(stream, chunk)

    async def _take_in(self, stream: Stream, chunk: LogChunk) -> None:
        reader = self._reader(stream, chunk.stream)
        if chunk.note or chunk.lost or chunk.gap:
            self._note(
                stream, chunk.note or "lines were lost", name=chunk.stream, lost=chunk.lost, gap=chunk.gap
            )  # fmt: skip
        for start in range(0, len(chunk.lines), SLICE):
            await self._room.wait()
            async with self._turn:
                came = time.time_ns()
                lines = reader.lines(chunk.lines[start : start + SLICE], came)
                self.received += len(lines)
                stream.lines += len(lines)
                stream.late += self.merger.add(lines, came, history_before=stream.opened)
                if self.request.follow and self._full:
                    self._room.clear()
                await self.pace.turn()
        if chunk.position:
            stream.positions[chunk.stream] = chunk.position
        if chunk.behind is not None:
            stream.behind = chunk.behind
        self._started(stream)

    def _reader(self, stream: Stream, name: str) -> Reader:
        """The reader of one of a node's streams."""
        reader = stream.readers.get(name)
        if reader is None:
            node = stream.node
            origin = Origin(node.source, node.id, node.name, sanitise.word(name))
            reader = stream.readers[name] = Reader(origin, self.origins, live=self.request.follow)
            self._measure(stream)
            reader.offset = stream.skew if self.corrected else 0
        return reader

    def _measure(self, stream: Stream) -> None:
        """Ask what is known of the node's clock, and say so when it is far out."""
        source = self.live.source(stream.node)
        skew = source.skew(stream.node) if isinstance(source, Clocks) else None
        if skew is None or not skew.real:
            return
        known, stream.skew = stream.skew, skew.offset
        if abs(skew.offset - known) >= WORTH_SAYING:
            way = "ahead" if skew.offset > 0 else "behind"
            self._note(stream, f"the clock of {stream.node.name} is {abs(skew.offset) / SECOND:,.1f} s {way}")

    def _note(
        self, stream: Stream, text: str, *, name: str = "", lost: int = 0, trouble: bool = False, gap: bool = False
    ) -> None:
        came = time.time_ns()
        stream.lost += lost
        stream.gaps += gap or lost > 0
        note = self._reader(stream, name).note(text, came, lost=lost, trouble=trouble, gap=gap)
        self.merger.add(note, came)

    def _failed(self, stream: Stream, error: CalmError, retry: float | None) -> None:
        stream.state = Reading.FAILED
        stream.error = sanitise.word(str(error))
        then = f" · next attempt in {retry:.0f} s" if retry else ""
        self._note(stream, f"{stream.error}{then}", trouble=True)
        self._started(stream)

    def _started(self, stream: Stream) -> None:
        stream.started = True
        self._news.set()


def _resumed(stream: Stream, request: LogRequest) -> LogRequest:
    """What to ask after a failure: what was asked at first, or from where each stream stood or its last line on."""
    last = max((reader.last_time for reader in stream.readers.values() if reader.last_time), default=None)
    if last is None and not stream.positions:
        return request
    since = request.since if last is None else (last + 1) / SECOND
    return msgspec.structs.replace(request, tail=None, since=since, follow=True, positions=dict(stream.positions))
