"""One container of one pod, followed from life to life for as long as its pod is there."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from calmtui.providers.base import Forbidden, LogChunk, LogRequest, NodeGone, SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.errors import Rejected
from calmtui.providers.kubernetes.kinds import POD
from calmtui.providers.kubernetes.reading import Reading
from calmtui.providers.kubernetes.wire import ContainerStatus, Pod

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds between attempts to open a stream again: doubled from the first to the longest, with jitter."""
TOLD_WITHIN = 10
"""Seconds in which a kubelet tells the API server that a container was restarted, also when both are busy."""

Put = Callable[[LogChunk], Awaitable[None]]
"""Takes a chunk, waiting while there are too many."""


@dataclass(frozen=True)
class Limits:
    """What all containers that are read together share."""

    opening: asyncio.Semaphore
    """Held while a stream is opened."""
    turns: asyncio.Semaphore
    """Held while a life of a container is read."""
    most: int
    """How many turns there are."""


class Lives:
    """Reads what a container writes, each of its lives once and in order."""

    def __init__(self, api: Api, pod: Pod, container: str, stream: str, put: Put, limits: Limits) -> None:
        """`stream`: what the chunks are called."""
        self._api = api
        self._pod = pod.metadata
        self._container = container
        self._stream = stream
        self._put = put
        self._limits = limits
        self._status: ContainerStatus | None = None
        self._over = self._gone = False
        self._changed = asyncio.Event()
        self.tell(pod)

    def tell(self, pod: Pod) -> None:
        """How the pod is now."""
        found = status_of(pod, self._container)
        if found is not None and (self._status is None or found.restart_count >= self._status.restart_count):
            self._status = found
        self._over = is_over(pod)
        self._changed.set()

    def gone(self) -> None:
        """The pod is gone."""
        self._status = None
        self._over = self._gone = True
        self._changed.set()

    async def once(self, request: LogRequest) -> None:
        """What there is. Raises a SourceError."""
        if self._status is None or not _has_log(self._status):
            await self._say_why_not()
            return
        async with self._limits.turns:
            reading = self._reading(request)
            held = await self._before(self._status, request, reading)
            await self._pass_on(reading.rest() if held is None else _given(held))

    async def follow(self, request: LogRequest) -> None:
        """What there is and what comes, until the pod is over. Raises Forbidden and faults of ours."""
        reading, read = self._reading(request), -1
        if self._status is None or not _has_log(self._status):
            await self._say_why_not()
        while (status := await self._next(read)) is not None:
            if self._limits.turns.locked():
                await self._note(f"waits for its turn: {self._limits.most} containers are being read")
            async with self._limits.turns:
                try:
                    if read < 0:
                        with contextlib.suppress(SourceError):  # following meets the same trouble, and tells of it
                            await self._pass_on(_given(await self._before(status, request, reading) or []))
                    elif status.restart_count > read + 1:
                        await self._missed(reading, read, status.restart_count)
                    read = await self._live(reading, status.restart_count, anew=read >= 0)
                except NodeGone:
                    await self._note("the pod is gone")
                    return
        if self._gone:
            await self._note("the pod is gone")

    async def _next(self, read: int) -> ContainerStatus | None:
        """Wait for a life that has not been read; None when there will be none."""
        while True:
            if self._status is not None and _has_log(self._status) and self._status.restart_count > read:
                return self._status
            if self._over:
                return None
            self._changed.clear()
            await self._changed.wait()

    async def _before(self, status: ContainerStatus, request: LogRequest, reading: Reading) -> list[LogChunk] | None:
        """Pass on the end of the life before, where a tail has room for it; what a crash left is wanted most.

        Gives what was read of the present life to find out; None when that was not needed.
        """
        ended = status.last_state.terminated
        if ended is None or status.state.waiting is not None:  # waiting to be restarted, it is still the one before
            return None
        held: list[LogChunk] | None = None
        tail = request.tail
        try:
            if tail is not None:
                held = []
                async with aclosing(reading.rest(growing=status.state.running is not None)) as chunks:
                    async for chunk in chunks:
                        held.append(chunk)
                tail -= sum(len(chunk.lines) for chunk in held)
            if tail is None or tail > 0:
                earlier = msgspec.structs.replace(request, tail=tail)
                await self._pass_on(self._reading(earlier).rest(previous=True))
                await self._note(f"the container ended: exit {ended.exit_code} ({ended.reason}); restarted")
        except Rejected:  # it is kept no longer
            return held
        except SourceError:
            await self._pass_on(_given(held or []))
            raise
        return held

    async def _missed(self, reading: Reading, read: int, count: int) -> None:
        """Read the life before the present one, and say how many others there were since the one that was read."""
        unread = count - read - 2
        if unread:
            await self._gap(f"the container was restarted {unread + 2} times meanwhile: {unread} of its logs are gone")
        try:
            await self._pass_on(reading.rest(previous=True, anew=True))
        except (Forbidden, NodeGone):
            raise
        except SourceError as error:
            await self._gap(f"the log before the last restart cannot be read: {error.what}")

    async def _live(self, reading: Reading, count: int, *, anew: bool) -> int:
        """Read one life, connecting anew while it lasts. Raises Forbidden and NodeGone.

        Returns which life it was: the container may have been restarted while nobody could read.
        """
        pause, broken, failures = FIRST_PAUSE, "", 0
        while True:
            try:
                async with aclosing(reading.follow(broken, anew=anew)) as chunks:
                    async for chunk in chunks:
                        pause, anew = FIRST_PAUSE, anew and not chunk.lines
                        if chunk.gap and (now := await self._restarted_since(count)):
                            if not await self._ended(reading, count):
                                await self._gap("the end of the log before the restart could not be read")
                            if now > count + 1:
                                await self._missed(reading, count, now)
                            count, chunk = now, LogChunk(self._stream, chunk.lines)
                        reading.settled()
                        await self._put(chunk)
                broken, failures = "", 0
            except (Forbidden, NodeGone):
                raise
            except SourceError as error:
                broken, failures = error.what, failures + 1
                if failures == 2:
                    await self._note(f"cannot be read: {broken}; trying again")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE)
            if await self._ended(reading, count):
                return count

    async def _ended(self, reading: Reading, count: int) -> bool:
        """Whether that life is over; if so what was left of it is passed on. Raises Forbidden and NodeGone."""
        try:
            status = status_of(await self._look(), self._container)
            if status is None:
                return False
            restarted = status.restart_count - count
            if restarted <= 0 and status.state.running is not None:
                return False
            if restarted <= 1:
                await self._pass_on(reading.rest(previous=restarted == 1))
        except (Forbidden, NodeGone):
            raise
        except Rejected as error:
            await self._gap(f"the end of the log cannot be read: {error.what}")
            return True
        except SourceError:
            return False
        if restarted > 1:
            await self._gap("the container ended more than once meanwhile: lines may be missing")
            return True
        ended = status.last_state.terminated if restarted else status.state.terminated or status.last_state.terminated
        how = f": exit {ended.exit_code} ({ended.reason})" if ended is not None else ""
        await self._note(f"the container ended{how}")
        return True

    async def _restarted_since(self, count: int) -> int:
        """Which life it is now, if not that one, else 0; the API server may not know it yet."""
        for _ in range(TOLD_WITHIN):
            with contextlib.suppress(SourceError):
                status = status_of(await self._look(), self._container)
                if status is not None and status.restart_count > count:
                    return status.restart_count
            await asyncio.sleep(1)
        return 0

    async def _look(self) -> Pod:
        """The pod as it is now. Raises a SourceError, NodeGone also when another has its name."""
        pod: Pod = POD.one.decode(await self._api.get(POD.path(self._pod.namespace, self._pod.name)))
        if pod.metadata.uid != self._pod.uid:
            raise NodeGone("the pod does not exist any more", where=self._pod.name)
        self.tell(pod)
        return pod

    def _reading(self, request: LogRequest) -> Reading:
        path = POD.path(self._pod.namespace, self._pod.name) + "/log"
        return Reading(self._api, path, self._container, self._stream, request, self._limits.opening)

    async def _pass_on(self, chunks: AsyncGenerator[LogChunk, None]) -> None:
        async with aclosing(chunks):
            async for chunk in chunks:
                await self._put(chunk)

    async def _say_why_not(self) -> None:
        waiting = self._status.state.waiting if self._status is not None else None
        await self._note(f"has not started: {waiting.reason if waiting is not None else 'waiting'}")

    async def _note(self, note: str) -> None:
        await self._put(LogChunk(self._stream, note=note))

    async def _gap(self, note: str) -> None:
        await self._put(LogChunk(self._stream, note=note, gap=True))


def status_of(pod: Pod, container: str) -> ContainerStatus | None:
    """What the kubelet says about a container of a pod, whatever its kind; None before it has said anything."""
    status = pod.status
    every = (
        *(status.init_container_statuses or ()),
        *(status.container_statuses or ()),
        *(status.ephemeral_container_statuses or ()),
    )
    return next((status for status in every if status.name == container), None)


def is_over(pod: Pod) -> bool:
    """Whether a pod has ended for good."""
    return pod.status.phase in ("Succeeded", "Failed")


def _has_log(status: ContainerStatus) -> bool:
    """Whether the container has begun at least once."""
    return bool(status.state.running or status.state.terminated or status.last_state.terminated)


async def _given(chunks: list[LogChunk]) -> AsyncGenerator[LogChunk, None]:
    for chunk in chunks:
        yield chunk
