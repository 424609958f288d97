"""The log screen, by its keys and what it shows."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from calmtui.errors import Forbidden
from tests.tui.logs_app import LogsApp, Script, until


def stamped(second: int, text: str) -> str:
    return f"2020-01-02T03:04:{second:02d}Z {text}"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def messages(app: LogsApp) -> list[str]:
    return [text.split(" ", 1)[-1] for text in app.rows]


def lines_of(app: LogsApp) -> list[str]:
    """What is drawn of the lines, without the column that says where in the log they are."""
    return [row[:79].rstrip() for row in app.picture[1:-2]]


async def hundred(script: Script, app: LogsApp, pilot: Pilot[None]) -> None:
    """A log of a hundred lines, followed to its end."""
    script.say("web-1", *(stamped(n // 2, f"INFO line {n}") for n in range(100)))
    await until(pilot, lambda: messages(app)[-1:] == ["INFO line 99"])


async def test_lines_of_all_nodes_stand_in_the_order_of_time_with_their_names() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, "INFO one"), stamped(3, "ERROR three"), "  at Web.java:12")
        script.say("db-1", stamped(2, "WARN two"), stamped(4, "INFO four"))
        await until(pilot, lambda: len(app.rows) == 5)
        assert messages(app) == ["INFO one", "WARN two", "ERROR three", " at Web.java:12", "INFO four"]
        assert app.picture[1:6] == [
            " 01-02 03:04:01.000 web-1   INFO one",
            " 01-02 03:04:02.000 db-1  ▲ WARN two",
            " 01-02 03:04:03.000 web-1 ✖ ERROR three",
            " 01-02 03:04:03.000 web-1 ✖   at Web.java:12",
            "▌01-02 03:04:04.000 db-1    INFO four",
        ]


async def test_a_line_that_comes_late_is_put_in_its_place() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, "one"), stamped(3, "three"))
        await until(pilot, lambda: len(app.rows) == 2)
        script.say("db-1", stamped(2, "two"))
        await until(pilot, lambda: messages(app) == ["one", "two", "three"])


async def test_scrolling_up_pauses_and_nothing_moves_while_lines_come() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("pageup")
        before = lines_of(app)
        assert not app.logs.view.following
        script.say("web-1", *(stamped(55, f"INFO new {n}") for n in range(30)))
        script.say("db-1", *(stamped(0, f"INFO early {n}") for n in range(7)))
        await until(pilot, lambda: "↓ 37 new" in app.picture[0])
        assert lines_of(app) == before
        await pilot.press("G")
        await until(pilot, lambda: messages(app)[-1] == "INFO new 29")
        assert app.logs.view.following
        assert "new" not in app.picture[0]


async def test_a_lost_connection_is_counted_until_the_node_is_heard_of_again() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        await hundred(script, app, pilot)
        script.say("db-1", note="connection lost; reconnecting", away=True)
        await until(pilot, lambda: "▲ 1 reconnecting" in app.picture[0])
        await pilot.press("o")
        await until(pilot, lambda: any("▲ db-1" in row and "reconnecting" in row for row in app.picture))
        await pilot.press("escape")
        script.say("db-1", note="opened again")
        await until(pilot, lambda: "reconnecting" not in app.picture[0])


async def test_what_a_filter_leaves_fills_the_screen_while_the_reader_stands_still() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("pageup")
        await app.type("include ~[0-8]$")
        await until(pilot, lambda: messages(app)[-1:] == ["INFO line 98"] and len(app.rows) == 21)
        before = messages(app)
        script.say("web-1", *(stamped(55, f"INFO new {n}") for n in range(5)))
        await until(pilot, lambda: "↓ 5 new" in app.picture[0])
        assert messages(app) == before


async def test_p_pauses_and_follows_again() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("p")
        await until(pilot, lambda: "paused" in app.picture[0])
        await pilot.press("p")
        await until(pilot, lambda: "following" in app.picture[0])


async def test_the_wheel_pauses_too() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        app.logs.view.post_message(MouseScrollUp(app.logs.view, 5, 5, 0, -1, 0, False, False, False))
        await until(pilot, lambda: not app.logs.view.following)
        line = app.logs.view.current
        assert line is not None
        assert line.text.endswith("line 96")


async def test_the_cursor_reaches_the_first_and_the_last_line() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("g")
        assert messages(app)[0] == "INFO line 0"
        await pilot.press(*["pagedown"] * 10)
        current = app.logs.view.current
        assert current is not None
        assert current.text.endswith("line 99")
        assert messages(app)[-1] == "INFO line 99"


async def test_filters_in_and_out_leave_what_passes_and_say_how_much() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("slash", *"~line .7$", "enter")
        await until(pilot, lambda: "in: ~line .7$" in app.picture[-2])
        assert messages(app) == [f"INFO line {n}7" for n in range(1, 10)]
        await pilot.press("backslash", *"LINE 4", "enter")
        await until(pilot, lambda: "9 of 100 lines" in app.picture[-2])
        await pilot.press("backslash", *"line 4", "enter")
        await until(pilot, lambda: "8 of 100 lines" in app.picture[-2])
        assert "INFO line 47" not in messages(app)
        await pilot.press("escape")
        await until(pilot, lambda: "9 of 100 lines" in app.picture[-2])
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(app.rows) > 9)


async def test_new_lines_pass_the_filter_or_not() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("L", "L")
        script.say("web-1", *(stamped(n, f"{level} x") for n, level in enumerate(["INFO", "WARN", "DEBUG", "ERROR"])))
        await until(pilot, lambda: messages(app) == ["WARN x", "ERROR x"])
        assert "level warn and above" in app.picture[-2]


async def test_a_wrong_expression_is_explained_and_changes_nothing() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("slash", *"~(a", "enter")
        await until(pilot, lambda: "not a regular expression: missing )" in app.picture[-1])
        assert app.logs.filtering.filter.open


async def test_search_goes_to_matches_in_turn_and_says_when_there_are_no_more() -> None:
    script = Script()
    app = LogsApp(script, "web-1")

    def current() -> str:
        line = app.logs.view.current
        return line.text.split(" ", 1)[1] if line else ""

    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("f", *"line 2", "enter")
        await until(pilot, lambda: current() == "INFO line 29")
        await pilot.press("N")
        await until(pilot, lambda: current() == "INFO line 28")
        await pilot.press("n")
        await until(pilot, lambda: current() == "INFO line 29")
        await pilot.press("n")
        await until(pilot, lambda: "no later line has 'line 2'" in app.picture[-1])
        assert current() == "INFO line 29"


async def test_long_lines_are_cut_moved_sideways_or_wrapped() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, f"INFO {'a' * 50}{'b' * 50}{'c' * 50}"))
        await until(pilot, lambda: len(app.rows) == 1)
        assert app.picture[1].endswith("INFO " + "a" * 46)
        await pilot.press("l", "l", "l", "l")
        assert app.picture[1].endswith("c")
        await pilot.press("w")
        assert len(app.rows) == 4
        assert len({len(row) for row in app.picture[1:4]}) == 1
        assert re.sub(r"\s", "", "".join(app.picture[1:5])).endswith(f"INFO{'a' * 50}{'b' * 50}{'c' * 50}")


async def test_the_time_column_gives_way_to_the_lines_as_they_came() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, "INFO one"))
        await until(pilot, lambda: len(app.rows) == 1)
        await pilot.press("t")
        assert app.picture[1] == "▌web-1   2020-01-02T03:04:01Z INFO one"


async def test_notes_losses_and_failures_are_rows_and_counted() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", note="reconnected", lost=12)
        script.fail("db-1", Forbidden("pods/log is forbidden to viewer", where="db-1"))
        await until(pilot, lambda: len(app.rows) == 2 and "12 lost" in app.picture[0])
        text = "\n".join(app.picture)
        assert "── reconnected · 12 lines lost ──" in text
        assert "── db-1: pods/log is forbidden to viewer ──" in text
        assert "✖ 1 failed" in app.picture[0]


async def test_every_stream_says_how_it_is_doing_those_in_trouble_first() -> None:
    script = Script()
    app = LogsApp(script, "web-1", "db-1")
    async with app.run_test(size=(100, 24)) as pilot:
        script.fail("web-1", Forbidden("pods/log is forbidden to viewer", where="web-1"))
        script.say("db-1", stamped(1, "one"), stamped(2, "two"))
        await until(pilot, lambda: len(app.rows) == 3)
        await pilot.press("o")
        await until(pilot, lambda: any("2 lines" in row for row in app.picture))
        web, db = (row for row in app.picture if " lines" in row and "-1" in row and "logs" not in row)
        assert re.search(r"✖ web-1 +failed +0 lines +web-1: pods/log is forbidden", web)
        assert re.search(r"● db-1 +reading +2 lines", db)
        await pilot.press("escape")
        assert app.screen is app.logs


async def test_the_line_and_the_lines_shown_can_be_taken_along(tmp_path: Path) -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        script.say("web-1", stamped(1, "INFO one"), stamped(2, "INFO \x1b]52;c;x\x07two"))
        await until(pilot, lambda: len(app.rows) == 2)
        await pilot.press("y")
        assert app.clipboard == "2020-01-02T03:04:02.000Z web-1 INFO ␛]52;c;x␇two"
        await pilot.press("S")
        await until(pilot, lambda: "2 lines saved to" in app.picture[-1])
        (saved,) = (tmp_path / "home/.local/state/calmtui/saved").iterdir()
        assert saved.read_text().splitlines()[0] == "2020-01-02T03:04:01.000Z web-1 INFO one"
        assert saved.stat().st_mode & 0o777 == 0o600


async def test_clearing_lets_go_of_the_lines_and_goes_on() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(80, 24)) as pilot:
        await hundred(script, app, pilot)
        await pilot.press("C")
        assert app.rows == []
        script.say("web-1", stamped(59, "INFO after"))
        await until(pilot, lambda: messages(app) == ["INFO after"])


async def test_a_reader_who_stands_still_at_full_memory_holds_up_reading_and_loses_nothing() -> None:
    script = Script()
    app = LogsApp(script, "web-1")
    async with app.run_test(size=(100, 24)) as pilot:
        app.logs.view.buffer.max_lines = 1000
        app.logs.view.buffer.spill = None
        script.say("web-1", *(stamped(0, f"line {n}") for n in range(1000)))
        await until(pilot, lambda: messages(app)[-1:] == ["line 999"])
        await pilot.press("g")
        for chunk in range(230):
            script.say("web-1", *(stamped(1, f"more {chunk * 1000 + n}") for n in range(1000)))
        await until(pilot, lambda: app.logs.pane.follower.held and "reading held" in app.picture[0])
        assert messages(app)[0] == "line 0"
        assert script.taken < 230
        await pilot.press("G")
        await until(pilot, lambda: messages(app)[-1] == "more 229999")
        assert app.logs.pane.follower.received == 231_000


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_the_screen_looks_as_it_did(snap_compare: object, size: tuple[int, int]) -> None:
    script = Script()
    app = LogsApp(script, "web-7d9f-x2x8q", "api-7c2", "edge-7")
    script.say(
        "web-7d9f-x2x8q",
        stamped(14, "WARN  upstream timeout shop-api:8080 attempt=3"),
        stamped(14, "ERROR refusing to start: missing DB_URL"),
        "\tat com.shop.Web.handle(Web.java:12)",
        stamped(15, "DEBUG \x1b[32mconnected\x1b[0m in \x1b[1;33m12 ms\x1b[0m " + "x" * 120),
    )
    script.say("api-7c2", *(stamped(n, f"INFO  GET /orders/{n} 200") for n in range(10, 30)))
    script.say("edge-7", stamped(20, "INFO up \x1b]0;owned\x07"))

    async def settle(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(app.logs.view.buffer.lines) == 25 and " 0 lines/s" in app.picture[0])
        await pilot.press("f", *"orders/1", "enter")
        await until(pilot, lambda: "paused" in app.picture[0] and app.logs.focused is app.logs.view)
        marks = 8 if size == (80, 24) else 0  # on the large screen everything is in sight
        await until(pilot, lambda: sum(row.endswith("■") for row in app.picture) >= marks)

    assert snap_compare(app, terminal_size=size, run_before=settle)  # type: ignore[operator]
