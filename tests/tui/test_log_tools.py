"""What the log screen offers beside following: filters in a list, jumps, a closer look, pins."""

from __future__ import annotations

import time

import pytest
from textual.pilot import Pilot

from calmtui.logs.line import SECOND
from calmtui.providers.base import Skew
from tests.tui.logs_app import LogsApp, Script, until


def stamped(second: int, text: str) -> str:
    return f"2020-01-02T03:{4 + second // 60:02d}:{second % 60:02d}Z {text}"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def messages(app: LogsApp) -> list[str]:
    return list(dict.fromkeys(text.split(" ", 1)[-1] for text in app.rows))


def current(app: LogsApp) -> str:
    line = app.logs.view.current
    return line.text.split(" ", 1)[-1] if line else ""


async def filled(script: Script, app: LogsApp, pilot: Pilot[None]) -> None:
    """Three hundred lines of two nodes, one a second; every fiftieth of web-1 is an error."""
    for name, odd in (("web-1", 0), ("db-1", 1)):
        lines = (stamped(n, f"{'ERROR' if n % 50 == 0 else 'INFO'} line {n}") for n in range(odd, 300, 2))
        script.say(name, *lines)
    await until(pilot, lambda: app.logs.pane.account.kept == 300 and current(app) == "INFO line 299")


async def test_each_filter_is_switched_off_and_on_and_dropped_in_a_list() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(script, app, pilot)
        for line in ("include line 1", "include ~0$", "exclude level>=error"):
            await app.type(line)
        await until(pilot, lambda: len(messages(app)) == 9)
        await pilot.press("F", "j", "space")
        await until(pilot, lambda: "INFO line 199" in messages(app))
        assert any("off  in" in row and "~0$" in row for row in app.picture)
        await pilot.press("space", "k", "d")
        await until(pilot, lambda: messages(app)[-1] == "INFO line 290")
        await pilot.press("escape")
        assert [rule.typed for rule in app.logs.filtering.filter.rules] == ["~0$", "level>=error"]


async def test_errors_are_gone_to_in_turn_whatever_else_is_shown() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(script, app, pilot)
        await pilot.press("E")
        await until(pilot, lambda: current(app) == "ERROR line 250")
        await pilot.press("E")
        await until(pilot, lambda: current(app) == "ERROR line 200")
        await pilot.press("e")
        await until(pilot, lambda: current(app) == "ERROR line 250")
        await pilot.press("e")
        await until(pilot, lambda: "no later error" in app.picture[-1])
        assert current(app) == "ERROR line 250"


async def test_a_time_and_steps_of_time_are_gone_to() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(script, app, pilot)
        await app.type("at 2020-01-02T03:05:30")
        assert current(app) == "INFO line 90"
        await app.type("+1m30s")
        assert current(app) == "INFO line 180"
        await app.type("-10s")
        assert current(app) == "INFO line 170"
        await app.type("+2d")
        assert current(app) == "INFO line 299"
        await app.type("skip often")
        assert "not a length of time: 'often'" in app.picture[-1]


async def test_a_stream_is_muted_or_heard_alone_from_its_line() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(script, app, pilot)
        await pilot.press("m")
        await until(pilot, lambda: messages(app)[-2:] == ["INFO line 296", "INFO line 298"])
        assert "1 muted" in app.picture[-2]
        await pilot.press("escape", "M")
        await until(pilot, lambda: messages(app)[-2:] == ["INFO line 297", "INFO line 299"])
        await pilot.press("M")
        await until(pilot, lambda: messages(app)[-2:] == ["INFO line 298", "INFO line 299"])


async def test_a_node_is_muted_or_heard_alone_from_the_list_of_streams() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        await filled(script, app, pilot)
        await pilot.press("o", "m")
        await until(pilot, lambda: len(app.logs.view.shown.lines) == 150)
        assert any("muted" in row and "db-1" in row for row in app.picture)
        await pilot.press("m", "j", "M", "escape")
        await until(pilot, lambda: {line.origin.node for line in app.logs.view.shown.lines} == {"web-1"})


async def test_counted_rows_are_gone_to_by_key_and_by_a_click_on_the_count() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        script.say("web-1", note="reconnected", lost=12)
        await until(pilot, lambda: "✖ 12 lost" in app.picture[0])
        script.say("web-1", *(stamped(n, f"INFO line {n}") for n in range(100)))
        await until(pilot, lambda: len(app.logs.view.shown.lines) == 101)
        await pilot.press("g", "x")
        await until(pilot, lambda: current(app) == "reconnected")
        await pilot.press("x")
        await until(pilot, lambda: "nothing late, missing, failed or cut below" in app.picture[-1])
        await pilot.press("g")
        await pilot.click(offset=(app.picture[0].index("12 lost") + 1, 0))
        await until(pilot, lambda: current(app) == "reconnected")


async def test_the_line_is_looked_at_closer_json_laid_out_and_esc_closes_it() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, 'INFO got {"user": {"name": "ana"}, "took": 12}'), stamped(2, "INFO {not json}"))
        await until(pilot, lambda: len(app.rows) == 2)
        await pilot.press("k", "enter")
        await until(pilot, lambda: any(row.strip() == '"name": "ana"' for row in app.picture))
        assert any("ssh:lab/web-1 app.log" in row for row in app.picture)
        app.logs.detail.scroll_end(animate=False)
        await until(pilot, lambda: any(row.split() == ["user.name", "ana"] for row in app.picture))
        await pilot.press("j")
        await until(pilot, lambda: any(row.strip().endswith("INFO {not json}") for row in app.picture[8:]))
        await pilot.press("escape")
        assert not app.logs.detail.display
        assert app.screen is app.logs


async def test_a_line_is_pinned_with_a_note_listed_gone_to_and_forgotten() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        await filled(script, app, pilot)
        await pilot.press("E", "E")
        await until(pilot, lambda: current(app) == "ERROR line 200")
        await pilot.press("b", *"here it began", "enter")
        await until(pilot, lambda: "pinned; B lists" in app.picture[-1])
        await pilot.press("j")
        assert any(row.startswith("■") and "line 200" in row for row in app.picture)
        await pilot.press("G", "B")
        await until(pilot, lambda: any("web-1" in row and "here it began" in row for row in app.picture))
        await pilot.press("enter")
        await until(pilot, lambda: current(app) == "ERROR line 200")
        await pilot.press("B")
        await until(pilot, lambda: any("here it began" in row for row in app.picture))
        await pilot.press("d")
        await until(pilot, lambda: any("nothing is pinned" in row for row in app.picture))
        await pilot.press("escape")
        assert app.screen is app.logs


async def test_lines_around_what_passes_are_shown_wider_and_narrower() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(script, app, pilot)
        await app.type("include level>=error")
        await pilot.press("z")
        await until(pilot, lambda: messages(app)[-3:] == ["INFO line 249", "ERROR line 250", "INFO line 251"])
        assert "context 1" in app.picture[-2]
        await app.type("context 3")
        await until(pilot, lambda: messages(app)[-1] == "INFO line 253")
        await pilot.press("Z", "escape")
        await until(pilot, lambda: messages(app)[-2:] == ["ERROR line 200", "ERROR line 250"])


async def test_the_chart_counts_what_is_shown_and_its_bars_lead_to_their_lines() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await filled(script, app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: "errors/5s" in app.picture[1] and app.picture[1].endswith(" 5"))
        assert app.picture[0].startswith("<03:04:10    █")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: current(app) == "INFO line 290")
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: current(app) == "INFO line 295")
        await pilot.click(offset=(13, 0))
        await until(pilot, lambda: current(app) == "INFO line 10")
        await app.type("include line 5")
        await until(pilot, lambda: app.picture[1].endswith(" 1"))
        await pilot.press("i")
        assert "lines/s" in app.picture[0]


async def test_patterns_say_what_is_new_and_where_filter_the_log_and_mark_nodes() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        await filled(script, app, pilot)
        script.say("db-1", *(stamped(n, f"WARN disk at {n}%") for n in range(300, 304)))
        await until(pilot, lambda: current(app) == "WARN disk at 303%")
        await app.type("at 2020-01-02T03:08:50")
        await pilot.press("P")
        await until(
            pilot, lambda: app.picture[0].startswith(" patterns · 3 of 304 lines") and "to go" not in app.picture[0]
        )
        assert any("294" in row and "INFO line <num>" in row and "db-1,web-1" in row for row in app.picture)
        await pilot.press("n")
        await until(pilot, lambda: "1 of 304 lines · new since 01-02 03:08:50" in app.picture[0])
        await pilot.press("m")
        await until(pilot, lambda: app.marked == ["ssh:lab/db-1"])
        await pilot.press("escape", "o")
        await until(pilot, lambda: "1 of 304 lines · only on db-1" in app.picture[0])
        await pilot.press("escape", "n")
        await until(pilot, lambda: "WARN disk at <num>%" in app.picture[1])
        await pilot.press("enter")
        await until(pilot, lambda: messages(app) == [f"WARN disk at {n}%" for n in range(300, 304)])
        await pilot.press("escape", "P")
        await until(pilot, lambda: "patterns · 3 of" in app.picture[0] and "INFO line" in app.picture[1])
        await pilot.press("backslash")
        await until(pilot, lambda: len(app.logs.view.shown.lines) == 10)
        assert not any("INFO" in line.text for line in app.logs.view.shown.lines)


async def test_fields_stand_in_columns_before_the_lines() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, "INFO got path=/orders status=200"), stamped(2, "INFO nothing"))
        await until(pilot, lambda: len(app.rows) == 2)
        await app.type("columns status, path")
        assert "200          /orders      INFO got path=/orders" in app.picture[1], app.picture
        assert app.picture[2].endswith("·            ·            INFO nothing"), app.picture
        await app.type("columns")
        assert app.picture[2].endswith("web-1   INFO nothing")


async def test_clocks_that_are_out_are_corrected_or_taken_as_they_are() -> None:
    script = Script()
    script.skews["db-1"] = Skew(60 * SECOND, 1_000_000, time.time())
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        script.say("db-1", stamped(70, "INFO db"))
        await until(pilot, lambda: "INFO db" in messages(app))
        script.say("web-1", stamped(30, "INFO web"))
        await until(pilot, lambda: messages(app)[:2] == ["INFO db", "INFO web"])
        await pilot.press("o")
        await until(pilot, lambda: any("db-1" in row and "clock +60.0 s" in row for row in app.picture))
        await pilot.press("escape", "K")
        await until(pilot, lambda: messages(app)[:2] == ["INFO web", "INFO db"])
        await pilot.press("K")
        await until(pilot, lambda: messages(app)[:2] == ["INFO db", "INFO web"])
