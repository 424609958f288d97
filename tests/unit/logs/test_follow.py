"""Following: what each stream's account says, and what is asked of a source after it failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

import pytest

from calmtui.errors import Forbidden, Unreachable
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.update import Update
from calmtui.logs import follow as follow_module
from calmtui.logs.follow import Follower, Reading
from calmtui.logs.line import SECOND, LogLine, Note
from calmtui.logs.sgr import MAX_BYTES
from calmtui.providers.base import LogChunk, LogRequest, Skew, SourceError

Said = LogChunk | SourceError
AT = 1_795_228_154 * SECOND
ONCE = LogRequest(tail=None, follow=False)
FOLLOWING = LogRequest(tail=5, follow=True)


class Source:
    """Says what it is told, one list for each time it is asked, then waits if it is asked to follow."""

    name = "lab"
    kind = "script"

    def __init__(self, *times: list[Said], skew: Skew | None = None) -> None:
        self._times = list(times)
        self._skew = skew
        self.requests: list[LogRequest] = []

    async def watch(self) -> AsyncGenerator[Update, None]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]  # it has nothing to report, and must be a generator all the same

    async def close(self) -> None:
        pass

    def skew(self, node: Node) -> Skew | None:
        return self._skew

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        self.requests.append(request)
        for said in self._times.pop(0) if self._times else []:
            if isinstance(said, SourceError):
                raise said
            yield said
        if request.follow:
            await asyncio.Event().wait()

    def follower(self, request: LogRequest, count: int = 1) -> Follower:
        live = LiveEstate(Estate("lab"))
        live.gatherer.sources[self.name] = self
        names = [f"web-{number}" for number in range(count)]
        return Follower(
            live,
            [
                Node(id=f"lab/{name}", kind="host", name=name, source="lab", parent=None, offers=("logs",))
                for name in names
            ],
            request,
        )


def chunk(*lines: bytes, at: int | None = AT, position: str = "", behind: int | None = None) -> LogChunk:
    return LogChunk("app.log", [(at, line) for line in lines], position=position, behind=behind)


async def taken(follower: Follower, enough: Callable[[list[LogLine]], bool]) -> list[LogLine]:
    """The lines given out until there are enough."""
    lines = list[LogLine]()
    async with asyncio.timeout(60):
        while not enough(lines):
            lines += follower.take(time.time_ns())
            await asyncio.sleep(0.01)
    return lines


async def test_every_count_has_its_rows() -> None:
    source = Source(
        [
            chunk(b"a", b"x" * (MAX_BYTES + 1)),
            LogChunk("app.log", note="rotated away", gap=True),
            LogChunk("app.log", note="entries dropped", lost=7),
            chunk(b"b", behind=4096),
        ]
    )
    async with source.follower(ONCE) as follower:
        lines = await follower.collect()
        totals = {name: follower.total(name) for name in ("lines", "late", "lost", "gaps", "cut", "behind")}
    assert totals == {"lines": 3, "late": 0, "lost": 7, "gaps": 2, "cut": 1, "behind": 4096}
    assert sum(line.cut for line in lines) == 1
    gaps = [line for line in lines if isinstance(line, Note) and line.gap]
    assert [(note.text, note.lost) for note in gaps] == [("rotated away", 0), ("entries dropped", 7)]


async def test_a_stream_is_opened_again_from_where_its_source_said_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "FIRST_RETRY", 0.01)
    source = Source([chunk(b"a", position="8:1:2"), Unreachable("gone", where="web-0")], [chunk(b"b")])
    async with source.follower(FOLLOWING) as follower:
        again = {"b", "opened again where it broke off"}
        await taken(follower, lambda lines: again <= {line.text for line in lines})
        assert follower.total("gaps") == 0
    assert source.requests[1].positions == {"app.log": "8:1:2"}


async def test_without_a_position_it_goes_on_by_time_and_says_that_lines_may_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_module, "FIRST_RETRY", 0.01)
    source = Source([chunk(b"a"), Unreachable("gone", where="web-0")], [chunk(b"b", at=AT + 1)])
    async with source.follower(FOLLOWING) as follower:
        await taken(follower, lambda lines: any(line.text == "b" for line in lines))
        assert follower.total("gaps") == 1
    assert source.requests[1] == LogRequest(tail=None, since=(AT + 1) / SECOND, follow=True)


async def test_what_no_new_attempt_mends_is_failed_and_said() -> None:
    async with Source([Forbidden("pods/log is forbidden", where="web-0")]).follower(FOLLOWING) as follower:
        await follower.finished()
        (note,) = follower.merger.rest()
    assert follower.count(Reading.FAILED) == 1
    assert isinstance(note, Note)
    assert note.trouble


async def test_nodes_beyond_those_read_at_once_wait_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "MAX_READING", 2)
    source = Source(*(list[Said]([chunk(b"a")]) for _ in range(5)))
    async with source.follower(FOLLOWING, 5) as follower:
        await taken(follower, lambda lines: len(lines) == 2)
        assert follower.count(Reading.WAITING) == 3
    source = Source(*(list[Said]([chunk(b"a")]) for _ in range(5)))
    async with source.follower(ONCE, 5) as follower:
        assert len(await follower.collect()) == 5


async def test_reading_waits_for_lines_to_be_taken_and_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "MAX_PENDING", 100)
    source = Source([chunk(*(b"line" for _ in range(90))) for _ in range(20)])
    async with source.follower(FOLLOWING) as follower:
        async with asyncio.timeout(60):
            while not follower.held:
                await asyncio.sleep(0.01)
        assert follower.received < 1800
        await taken(follower, lambda lines: len(lines) == 1800)


async def test_a_clock_that_is_out_is_told_and_its_lines_stand_where_they_belong() -> None:
    source = Source([chunk(b"a")], skew=Skew(5 * SECOND, SECOND // 100, 0.0))
    async with source.follower(ONCE) as follower:
        line, note = await follower.collect()
        assert (line.at, line.ts) == (AT - 5 * SECOND, AT)
        assert note.text == "the clock of web-0 is 5.0 s ahead"
        number = follower.origins.number(line.origin)
        assert follower.correct(on=False)[number] == 5 * SECOND
        assert follower.correct(on=True)[number] == -5 * SECOND
