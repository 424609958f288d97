"""The lines of one container's log as the engine has them now, none lost and none twice.

A log that is only added to is followed in one request. Not so one that the engine rotates: engines before 23
(API 1.42, moby#43294) skip and repeat lines of a followed log when they rotate it, and stop in the middle.
They read what they keep without fault, though. So there the followed log only rings a bell, and at each ring
the end of what is kept is read; where that end no longer reaches back to what is known, all of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from calmtui.errors import Unreachable
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.frames import FramedLog, TerminalLog
from calmtui.transport.resume import Line, Resume, Silence

QUIET = 30.0
"""Seconds of silence of a followed log after which the engine is asked whether there is something newer."""
BREATH = 0.4
"""Seconds between two readings of a rotated log that goes on growing."""
LAST = 1000
"""Messages at the end of a rotated log that are read at the least."""
EXACT_API = (1, 42)
"""The first version of the API whose engines follow a rotated log exactly."""

Inspection = dict[str, Any]
"""A container as `GET /containers/ID/json` has it."""


class Reading:
    """Reads one container's log, over any number of connections."""

    def __init__(self, state: Inspection, request: LogRequest, stream: str) -> None:
        """`stream`: what its chunks are called."""
        self._path = f"/containers/{state['Id']}/logs"
        self._terminal = bool(state["Config"]["Tty"])
        self._rotates = _rotates(state["HostConfig"].get("LogConfig") or {})
        self._request = request
        self._stream = stream
        self._resume = Resume(0 if request.since is None else int(request.since * 10**9))
        self._last = LAST

    def follow(self, engine: Engine) -> AsyncGenerator[LogChunk, None]:
        """What has not been read, then what comes, until the engine ends it. Raises a SourceError."""
        if self._rotates and _api(engine.wire.version) < EXACT_API:
            return self._at_each_ring(engine)
        return self._followed(engine)

    async def rest(self, engine: Engine) -> AsyncGenerator[LogChunk, None]:
        """What has not been read, up to a last line without an end. Raises a SourceError."""
        log = self._log()
        async with contextlib.aclosing(self._sent(engine, log, **self._from_here())) as chunks:
            async for chunk in chunks:
                yield chunk
        for lines in (self._resume.new(log.end()), self._resume.settle()):
            if lines:
                yield self._chunk(lines)

    # -- a log that only grows -----------------------------------------------------

    async def _followed(self, engine: Engine) -> AsyncGenerator[LogChunk, None]:
        silence = Silence(self._resume, await self._left_out(engine))
        sent = self._sent(engine, self._log(), follow=True, quiet=QUIET, **self._from_here())
        async with contextlib.aclosing(sent) as chunks:
            async for chunk in chunks:
                if chunk.lines:
                    yield chunk
                    continue
                if held := self._resume.settle():
                    yield self._chunk(held)
                if silence.stalled(await self._newest(engine)):
                    raise Unreachable("the engine has stopped sending the log")

    async def _left_out(self, engine: Engine) -> int:
        """Up to which time the log was not asked for, when the request begins behind what is there already."""
        begins = self._request.tail == 0 or self._request.since is not None
        return await self._newest(engine) if begins and self._resume.since is None else 0

    async def _newest(self, engine: Engine) -> int:
        """The time of the last line that the engine has; 0 without one."""
        log = self._log()
        query = {"stdout": True, "stderr": True, "timestamps": True, "tail": 1}
        lines: list[Line] = []
        async with contextlib.aclosing(engine.stream(self._path, **query)) as pieces:
            async for piece in pieces:
                lines += log.feed(piece)
        return max((at for at, _ in lines if at is not None), default=0)

    # -- a log that is rotated -------------------------------------------------------

    async def _at_each_ring(self, engine: Engine) -> AsyncGenerator[LogChunk, None]:
        rung = asyncio.Event()
        bell = asyncio.create_task(self._listen(engine, rung), name=f"bell {self._path}")
        bell.add_done_callback(lambda _: rung.set())
        try:
            while True:
                rung.clear()
                ended = bell.done()
                async with contextlib.aclosing(self._kept(engine)) as chunks:
                    async for chunk in chunks:
                        yield chunk
                if ended:
                    bell.result()
                    return
                await asyncio.sleep(BREATH)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(QUIET):
                        await rung.wait()
        finally:
            bell.cancel()
            await asyncio.gather(bell, return_exceptions=True)

    async def _listen(self, engine: Engine, rung: asyncio.Event) -> None:
        """Ring when the log grows, until the engine ends it. Raises a SourceError when the connection breaks."""
        query = {"stdout": True, "stderr": True, "follow": True, "tail": 0}
        async with contextlib.aclosing(engine.stream(self._path, **query)) as pieces:
            async for _ in pieces:
                rung.set()

    async def _kept(self, engine: Engine) -> AsyncGenerator[LogChunk, None]:
        """What is new of what the engine keeps; the last line only when its end has come."""
        query = self._from_here()
        if self._resume.since is not None:
            log = self._log()
            lines: list[Line] = []
            async with contextlib.aclosing(engine.stream(self._path, **query | {"tail": self._last})) as pieces:
                async for piece in pieces:
                    lines += log.feed(piece)
            if self._resume.knows(lines):
                fresh = self._resume.new(lines)
                self._last = max(LAST, 2 * len(fresh))
                if fresh := fresh + self._resume.settle():
                    yield self._chunk(fresh)
                return
        async with contextlib.aclosing(self._sent(engine, self._log(), **query)) as chunks:
            async for chunk in chunks:
                yield chunk
        if held := self._resume.settle():
            yield self._chunk(held)

    # -- both --------------------------------------------------------------------------

    def _from_here(self) -> dict[str, Any]:
        """What to ask the engine for, to go on."""
        query: dict[str, Any] = {"stdout": True, "stderr": True, "timestamps": True}
        since = self._resume.since
        if since is not None:
            self._resume.again()
            return query | {"since": f"{since // 10**9}.{since % 10**9:09d}"}
        query["tail"] = "all" if self._request.tail is None else self._request.tail
        return query if self._request.since is None else query | {"since": f"{self._request.since:.9f}"}

    async def _sent(
        self, engine: Engine, log: FramedLog | TerminalLog, *, quiet: float | None = None, **query: Any
    ) -> AsyncGenerator[LogChunk, None]:
        """What is new of one answer; without lines when it is quiet."""
        async with contextlib.aclosing(engine.stream(self._path, quiet=quiet, **query)) as pieces:
            async for piece in pieces:
                lines = self._resume.new(log.feed(piece))
                if lines or not piece:
                    yield self._chunk(lines)

    def _chunk(self, lines: list[Line]) -> LogChunk:
        gap = self._resume.gap
        if gap is None:
            return LogChunk(self._stream, lines)
        begin, end = (datetime.fromtimestamp(at / 10**9, UTC).strftime("%H:%M:%S") for at in gap)
        note = f"lines from {begin} to {end} UTC may be missing: the engine has rotated them away"
        return LogChunk(self._stream, lines, note=note, gap=True)

    def _log(self) -> FramedLog | TerminalLog:
        return TerminalLog() if self._terminal else FramedLog()


def _api(version: str) -> tuple[int, ...]:
    """`1.41` as numbers that can be compared."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _rotates(config: dict[str, Any]) -> bool:
    """Whether the engine cuts off the beginning of such a log; the `local` driver does unless told otherwise."""
    return config.get("Type") == "local" or bool((config.get("Config") or {}).get("max-size"))
