"""The search at the source from the log screen, which goes on following beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from calmtui.errors import Unreachable
from calmtui.fleet.node import Node
from calmtui.providers.base import Counted, Finding, Found, FoundLine, Remark, SearchRequest
from calmtui.tui.screens.log_search import LogSearchScreen
from tests.tui.logs_app import LogsApp, Script, until

BEGIN = 1_577_934_240
"""2020-01-02T03:04:00Z"""


def stamped(second: int, text: str) -> str:
    return f"2020-01-02T03:{4 + second // 60:02d}:{second % 60:02d}Z {text}"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


class Searched(Script):
    """A source that finds what a test puts there; web-3 does not answer, web-4 is never done."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[SearchRequest] = []
        self.closed: list[str] = []

    async def search(self, node: Node, request: SearchRequest) -> AsyncGenerator[Finding, None]:
        self.requests.append(request)
        try:
            if node.name == "web-3":
                raise Unreachable("no answer in 10 s", where="web-3")
            yield Remark("", "its journal is slow")
            odd = node.name == "web-2"
            found = [n for n in range(40) if n % 2 == odd]
            cut = "only the first lines are shown" if odd else ""
            yield Counted("app.log", len(found), {BEGIN: len(found)}, 1_200, 3_400 if odd else 1_200, cut)
            yield Found(
                "app.log", [FoundLine((BEGIN + n) * 10**9, stamped(n, f"WARN slow {n}").encode()) for n in found]
            )
            if node.name == "web-4":
                await asyncio.Event().wait()
        finally:
            self.closed.append(node.name)


def opened(script: Searched, *names: str) -> LogsApp:
    return LogsApp(script, *names, offers=("logs", "search"))


def found(app: LogsApp) -> LogSearchScreen:
    assert isinstance(app.screen, LogSearchScreen)
    return app.screen


def head(app: LogsApp) -> str:
    return next(iter(app.picture), "")


async def searched(app: LogsApp, pilot: Pilot[None], words: str = "slow \\d+ --since 2020-01-02") -> LogSearchScreen:
    await app.type(f"grep {words}")
    await until(pilot, lambda: isinstance(app.screen, LogSearchScreen) and head(app).endswith("done"))
    return found(app)


async def test_counts_of_each_node_and_a_histogram_come_with_the_lines_of_all_in_the_order_of_time() -> None:
    script = Searched()
    app = opened(script, "web-1", "web-2", "web-3")
    async with app.run_test(size=(140, 30)) as pilot:
        screen = await searched(app, pilot)
        assert "40 in 2 of 3 nodes" in head(app)
        assert "1 failed" in head(app)
        assert "1 not whole" in head(app)
        assert "2.4 kB of 4.6 kB" in head(app)
        assert "█" in app.picture[1]
        rows = "\n".join(app.picture[2:6])
        assert "20  web-1" in rows
        assert "only the first lines are shown" in rows
        assert "web-3" in rows
        assert "no answer in 10 s" in rows
        assert "its journal is slow" in rows
        texts = [line.text.split(" ", 1)[1] for line in screen.view.shown.lines]
        assert texts == [f"WARN slow {n}" for n in range(40)]


async def test_the_request_is_what_was_typed() -> None:
    script = Searched()
    app = opened(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await searched(app, pilot, r"slow  \d --since 2020-01-02 --until 2020-01-03 -C 2 -i --max 5")
        request = script.requests[0]
        assert (request.expression, request.context, request.max_lines) == (r"slow  \d", 2, 5)
        assert request.ignore_case
        assert (request.since, request.until) == (BEGIN - 11_040, BEGIN + 75_360)


async def test_s_asks_with_an_hour_ready_and_what_cannot_be_read_is_told_where_it_was_typed() -> None:
    script = Searched()
    app = opened(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("s", "a", "(", "enter")
        await until(pilot, lambda: "not a regular expression" in app.picture[-1])
        await pilot.press("s", "s", "l", "o", "w", "enter")
        await until(pilot, lambda: isinstance(app.screen, LogSearchScreen))
        await until(pilot, lambda: len(script.requests) == 1)
        since = script.requests[0].since
        assert since is not None
        assert 3600 <= time.time() - since < 3700


async def test_esc_stops_the_search_at_the_source_and_keeps_what_was_found_and_the_log_goes_on() -> None:
    script = Searched()
    app = opened(script, "web-1", "web-4")
    async with app.run_test(size=(120, 24)) as pilot:
        await app.type("grep slow")
        await until(pilot, lambda: isinstance(app.screen, LogSearchScreen) and len(found(app).view.shown.lines) == 40)
        await until(pilot, lambda: "searching 1, esc stops" in head(app))
        script.say("web-1", stamped(50, "INFO meanwhile"))
        await until(pilot, lambda: len(app.logs.view.shown.lines) == 1)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in head(app))
        assert "web-4" in script.closed
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.logs)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, LogSearchScreen) and len(found(app).view.shown.lines) == 40)


async def test_a_found_line_is_looked_at_closer_and_found_in_the_log_that_is_followed() -> None:
    script = Searched()
    app = opened(script, "web-1", "web-2")
    async with app.run_test(size=(100, 30)) as pilot:
        script.say("web-1", *(stamped(n, f"WARN slow {n}" if n % 2 == 0 else "INFO") for n in range(10, 60)))
        await until(pilot, lambda: len(app.logs.view.shown.lines) == 50)
        screen = await searched(app, pilot)
        await pilot.press("g", "enter")
        await until(pilot, lambda: any("ssh:lab/web-1 app.log" in row for row in app.picture))
        await pilot.press("escape", "o")
        await until(pilot, lambda: "this line is older" in app.picture[-1])
        for _ in range(12):
            await pilot.press("j")
        assert screen.view.current is not None
        assert screen.view.current.text.endswith("slow 12")
        await pilot.press("o")
        await until(pilot, lambda: app.screen is app.logs)
        assert app.logs.view.current is not None
        assert app.logs.view.current.text.endswith("WARN slow 12")


async def test_enter_on_a_node_shows_its_lines_alone_and_m_marks_those_that_hold_it() -> None:
    script = Searched()
    app = opened(script, "web-1", "web-2", "web-3")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await searched(app, pilot)
        await pilot.press("tab", "j", "j", "enter")
        await until(pilot, lambda: len(screen.view.shown.lines) == 20)
        assert {line.origin.node for line in screen.view.shown.lines} == {"web-2"}
        assert any("app.log: only the first lines are shown" in row for row in app.picture)
        await pilot.press("enter", "m")
        await until(pilot, lambda: app.marked == ["ssh:lab/web-1", "ssh:lab/web-2"])
        assert len(screen.view.shown.lines) == 40


async def test_what_was_found_is_saved(tmp_path: Path) -> None:
    script = Searched()
    app = opened(script, "web-1", "web-2")
    async with app.run_test(size=(100, 30)) as pilot:
        await searched(app, pilot)
        target = tmp_path / "found.log"
        await app.type(f"save {target}")
        await until(pilot, lambda: f"40 lines saved to {target}" in app.picture[-1])
        assert target.read_text().splitlines()[0] == "2020-01-02T03:04:00.000Z web-1 WARN slow 0"


async def test_another_search_takes_the_place_of_the_one_before_and_leaving_the_log_ends_it() -> None:
    script = Searched()
    app = opened(script, "web-4")
    async with app.run_test(size=(100, 30)) as pilot:
        await app.type("grep slow")
        await until(pilot, lambda: isinstance(app.screen, LogSearchScreen) and len(script.requests) == 1)
        first = found(app)
        await until(pilot, lambda: len(first.view.shown.lines) == 20)
        await app.type("grep slower")
        await until(pilot, lambda: len(script.requests) == 2 and script.closed == ["web-4"])
        assert app.screen is not first
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.screen is app.logs)
        assert script.closed == ["web-4", "web-4"]
