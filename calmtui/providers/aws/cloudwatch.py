"""A log group's events, exactly: asked for again and again, each taken once by its id.

StartLiveTail is not used: by its contract it shows samples above 500 events a second, drops what waits too long
and ends after three hours. FilterLogEvents misses nothing that has been ingested, but events come late: agents
send in batches, and CloudWatch takes what is up to two weeks old. So every look goes back a little behind the
newest event, and now and then a good deal further; what comes later than that is not seen by a follower.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from calmtui.providers.aws.connect import Account
from calmtui.providers.base import Forbidden, LogChunk, LogRequest, NodeGone, SourceError, Throttled

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilterLogEventsRequestTypeDef, FilterLogEventsResponseTypeDef

EVERY, SLOWEST = 2.0, 60.0
"""Seconds between two looks while following; doubled up to the second while AWS refuses to answer so often."""
OVERLAP = 30.0
"""Seconds behind the newest event that every look goes back."""
SWEEP_EVERY, SWEEP = 60.0, 300.0
"""Seconds from one long look back to the next, and how far it goes back."""
FIRST_WINDOW, WIDER = 300.0, 4
"""For the newest events of a group: seconds to look back at first, and by how much more each time there are too few."""
BACKLOG = 14 * 86400.0
"""Seconds by which an event may be older than its group: as late as CloudWatch takes them."""
LONGEST = 10 * 365 * 86400.0
"""Seconds: no log group is older."""

REMEMBERED = 1000
"""Events that are remembered before the old ones are let go."""


class Event(NamedTuple):
    """One event: its time in milliseconds since the epoch, its stream, its text."""

    at: int
    stream: str
    text: bytes


class Group:
    """Reads one log group, or some of its streams."""

    def __init__(
        self, account: Account, region: str, name: str, created: float | None = None, streams: Sequence[str] = ()
    ) -> None:
        """`created`: when the group was, seconds since the epoch; `streams`: none given: all."""
        self._account = account
        self._region = region
        self._name = name
        self._oldest = (time.time() - LONGEST if created is None else created) - BACKLOG
        self._streams = list(streams)
        self._known: dict[tuple[str, str], int] = {}
        """The events of the last minutes by stream and id, with their times."""
        self._newest = 0
        """The newest time of an event, milliseconds since the epoch."""

    async def read(self, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """What the request asks for, `tail` being of the group as a whole. Raises a SourceError.

        A chunk's `stream` is the log stream.
        """
        begun = time.time()
        if request.tail is None:
            async with aclosing(self._pages(request.since or 0)) as pages:
                async for events in pages:
                    for chunk in _chunks(events):
                        yield chunk
        else:
            for chunk in _chunks(await self._last(request.tail, request.since or self._oldest, begun)):
                yield chunk
        if request.follow:
            async with aclosing(self._follow(begun, request.since or 0)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def _last(self, tail: int, floor: float, now: float) -> list[Event]:
        """The newest events: looked for further and further back until there are enough of them."""
        found: list[Event] = []
        begin, end, window = max(now - FIRST_WINDOW, floor), None, FIRST_WINDOW
        while True:
            earlier: list[Event] = []
            async with aclosing(self._pages(begin, end)) as pages:
                async for events in pages:
                    earlier = _newest([*earlier, *events], tail)
            found = _newest([*earlier, *found], tail)
            if len(found) >= tail or begin <= floor:
                return found
            window *= WIDER
            end, begin = begin, max(now - window, floor)

    async def _follow(self, begun: float, floor: float) -> AsyncGenerator[LogChunk, None]:
        """What comes, without end. `begun`: up to when all has been read."""
        looked = swept = begun
        pause, trouble = EVERY, ""
        while True:
            await asyncio.sleep(pause)
            now = time.time()
            far = now - swept > SWEEP_EVERY
            newest = min(self._newest / 1000, looked)
            back = looked - SWEEP if far else min(looked - OVERLAP, max(newest - OVERLAP, now - SWEEP))
            try:
                async with aclosing(self._pages(max(back, begun - SWEEP, floor))) as pages:
                    async for events in pages:
                        for chunk in _chunks(events):
                            yield chunk
            except NodeGone:
                yield LogChunk("", note="the log group or its stream is gone")
                return
            except Forbidden:
                raise
            except SourceError as error:
                if error.what != trouble:
                    trouble = error.what
                    yield LogChunk("", note=f"{trouble}; trying again")
                pause = min(pause * 2, SLOWEST) if isinstance(error, Throttled) else EVERY
                continue
            if trouble:
                yield LogChunk("", note="answered again, reading on after the last event")
            looked, swept = now, now if far else swept
            pause, trouble = EVERY, ""
            self._forget(now - 2 * SWEEP)

    async def _pages(self, begin: float, end: float | None = None) -> AsyncGenerator[list[Event], None]:
        """The events that are not known yet, page by page, in the order of time. They count as known then."""
        token: str | None = ""
        while token is not None:
            page = await self._account.call_logs(self._region, self._page(begin, end, token))
            token = page.get("nextToken")
            fresh = []
            for event in page.get("events", ()):
                at, text = event.get("timestamp", 0), event.get("message", "")
                stream = event.get("logStreamName", "")
                key = stream, event.get("eventId", "")
                if key not in self._known:
                    self._known[key] = at
                    fresh.append(Event(at, stream, text.encode()))
            self._newest = max([self._newest, *(event.at for event in fresh)])
            if fresh:
                yield fresh

    def _page(
        self, begin: float, end: float | None, token: str
    ) -> Callable[[CloudWatchLogsClient], FilterLogEventsResponseTypeDef]:
        query: FilterLogEventsRequestTypeDef = {
            "logGroupName": self._name,
            "startTime": int(begin * 1000),
            "interleaved": True,
        }
        if end is not None:
            query["endTime"] = int(end * 1000) - 1  # it is inclusive
        if self._streams:
            query["logStreamNames"] = self._streams
        if token:
            query["nextToken"] = token
        return lambda logs: logs.filter_log_events(**query)

    def _forget(self, before: float) -> None:
        """Let go of events that no look will meet again."""
        limit = before * 1000
        if len(self._known) > REMEMBERED:
            self._known = {key: at for key, at in self._known.items() if at >= limit}


def _newest(events: list[Event], count: int) -> list[Event]:
    return events[-count:] if count else []


def _chunks(events: list[Event]) -> list[LogChunk]:
    """A chunk for each stream; an event of several lines is as many, of one time."""
    streams: dict[str, list[tuple[int | None, bytes]]] = {}
    for event in events:
        lines = streams.setdefault(event.stream, [])
        lines += [(event.at * 1_000_000, line) for line in event.text.rstrip(b"\n").split(b"\n")]
    return [LogChunk(stream, lines) for stream, lines in streams.items()]


def has_stream(logs: CloudWatchLogsClient, group: str, name: str) -> bool:
    """Whether a group has a stream of that name. Blocks."""
    found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name)["logStreams"]
    return any(stream.get("logStreamName") == name for stream in found)
