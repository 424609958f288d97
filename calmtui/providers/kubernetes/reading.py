"""The log of one container read exactly, over any number of connections and through its restarts.

The API takes a time in whole seconds only (`sinceTime`), and gives the log of the present life of a container
and of the one before (`previous`). Which life it gives is known only afterwards: the kubelet knows of a restart
before it tells. So one position serves all lives, and lines that were read too early do not come again.

A stream that ends says nothing: the kubelet ends it when the container exits, but also when it rotates the log or
restarts, and when it has been quiet for four hours.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from calmtui.providers.base import LogChunk, LogRequest, Unreachable
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.lines import SECOND, parse
from calmtui.transport.resume import Line, Resume, Silence

if TYPE_CHECKING:
    import aiohttp

QUIET = 60.0
"""Seconds of silence after which the API server is asked whether there is something newer."""
LONGEST_SILENCE = 5 * 3600.0
"""Seconds: the kubelet itself ends a stream after 4 hours of it."""


class Reading:
    """Reads one container's log."""

    def __init__(
        self, api: Api, path: str, container: str, stream: str, request: LogRequest, opening: asyncio.Semaphore
    ) -> None:
        """`path`: where the pod's logs are served; `stream`: what the chunks are called.

        `opening`: held while a stream is opened, shared by all that read together.
        """
        self._api = api
        self._path = path
        self._container = container
        self._stream = stream
        self._request = request
        self._opening = opening
        self._resume = Resume(0 if request.since is None else int(request.since * SECOND))
        self._before: Resume | None = None
        """Where the life before the present one was left, when the log has begun anew while it was read."""

    async def follow(self, after: str, *, anew: bool) -> AsyncGenerator[LogChunk, None]:
        """What has not been read, then what comes, until the stream ends. Raises a SourceError.

        `after`: what broke the stream before, if anything; `anew`: the container has been restarted since.
        """
        silence = Silence(self._resume, await self._left_out())
        left = copy.deepcopy(self._resume)
        rest = b""
        async with self._opened(self._from_here(self._resume, anew=anew) | {"follow": "true"}) as response:
            if after:
                yield LogChunk(self._stream, note=f"reconnected after: {after}")
            while True:
                try:
                    async with asyncio.timeout(QUIET) as quiet:
                        piece = await response.content.readany()
                except TimeoutError:
                    if not quiet.expired():
                        raise
                    if held := self._resume.settle():
                        self._before = left
                        yield self._chunk(self._resume, held)
                    if silence.stalled(await self._newest()):
                        raise Unreachable("the log was no longer sent", where=self._api.where) from None
                    continue
                if not piece:
                    return
                *raw, rest = (rest + piece).split(b"\n")
                if lines := _new(self._resume, raw):
                    if self._resume.gap is not None:
                        self._before = left
                    yield self._chunk(self._resume, lines)

    async def rest(
        self, *, previous: bool = False, anew: bool = False, growing: bool = False
    ) -> AsyncGenerator[LogChunk, None]:
        """What has not been read of the present life, or of the one before. Raises a SourceError.

        `anew`: nothing of that life has been read. `growing`: without a last line whose end has not come.
        """
        resume = self._resume
        if previous and self._before is not None:
            resume, self._before = self._before, None
        query = self._from_here(resume, anew=anew) | ({"previous": "true"} if previous else {})
        rest = b""
        async with self._opened(query) as response:
            async for piece in response.content.iter_any():
                *raw, rest = (rest + piece).split(b"\n")
                if lines := _new(resume, raw):
                    yield self._chunk(resume, lines)
        if lines := _new(resume, [rest] if rest and not growing else []):
            yield self._chunk(resume, lines)
        if held := resume.settle():
            yield self._chunk(resume, held)

    def settled(self) -> None:
        """What came last is known to be of which life."""
        self._before = None

    def _chunk(self, resume: Resume, lines: list[Line]) -> LogChunk:
        gap = resume.gap
        if gap is None:
            return LogChunk(self._stream, lines)
        begin, end = (datetime.fromtimestamp(at / SECOND, UTC).strftime("%H:%M:%S") for at in gap)
        note = f"lines from {begin} to {end} UTC may be missing: the kubelet has rotated them away"
        return LogChunk(self._stream, lines, note=note, gap=True)

    # -- requests ----------------------------------------------------------------------

    @asynccontextmanager
    async def _opened(self, query: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        async with AsyncExitStack() as stack:
            async with self._opening:
                opened = self._api.stream(self._path, query, silence=LONGEST_SILENCE)
                response = await stack.enter_async_context(opened)
            yield response

    def _from_here(self, resume: Resume, *, anew: bool) -> dict[str, str]:
        """What to ask for, to go on."""
        query = {"container": self._container, "timestamps": "true"}
        since = resume.since
        if since is not None:
            resume.again(anew=anew)
        elif self._request.tail is not None:
            query["tailLines"] = str(self._request.tail)
        if since is None and self._request.since is not None:
            since = int(self._request.since * SECOND)
        if since is not None:
            query["sinceTime"] = datetime.fromtimestamp(since // SECOND, UTC).isoformat()
        return query

    async def _newest(self) -> int:
        """The time of the last line that there is, nanoseconds since the epoch; 0 without one."""
        query = {"container": self._container, "timestamps": "true", "tailLines": "1"}
        raw = (await self._api.get(self._path, query)).splitlines()
        return (parse(raw[-1])[0] or 0) if raw else 0

    async def _left_out(self) -> int:
        """Up to which time the log was not asked for, when the request begins behind what is there already."""
        begins = self._request.tail == 0 or self._request.since is not None
        return await self._newest() if begins and self._resume.since is None else 0


def _new(resume: Resume, raw: list[bytes]) -> list[Line]:
    return resume.new([parse(line) for line in raw])
