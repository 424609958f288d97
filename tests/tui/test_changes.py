"""What changed, by the screen's keys: what is shown of the store, what is jumped to."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from textual.pilot import Pilot

from calmtui.fleet.update import Delta
from calmtui.store import changes
from calmtui.tui.app import CalmApp
from calmtui.tui.shown_changes import SLICE, ShownChanges
from calmtui.tui.whose import Whose
from calmtui.tui.widgets.change_chart import ChangeChart
from calmtui.tui.widgets.detail import Tab
from calmtui.tui.widgets.rows import Rows
from calmtui.tui.widgets.still import Still
from tests.tui.changes_app import (
    DEPLOYMENT,
    KEY,
    WIDE,
    clock,  # noqa: F401 -- a fixture for every test here
    deployed,
    failed,
    history,
    on,
    opened,
    rows,
    told,
)
from tests.tui.fleet_app import at, console, marked, names, press, said, shop, type_text, until


async def test_the_time_line_tells_time_node_and_what_was_and_is_the_newest_at_the_bottom() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        lines = rows(screen)
        assert [line.split()[2] for line in lines if "▌" not in line] == ["edge-9", "edge-1", "web", "web-1", "web-3"]
        assert lines[0].split()[:2] == ["01:42:47", "◇"]
        assert lines[1].split()[0] == "01:46–02:01", "nobody looked in between"
        assert "shop/web:1.9.1 → shop/web:1.9.2" in lines[2]
        assert "first bad" in lines[3]
        assert "state running → failed" in lines[3]
        assert "bad" in lines[4]
        assert "first" not in lines[4]
        assert on(screen) == "web-2"
        assert "6 changes · ✖ 2 bad" in told(screen, "head")
        assert "history begins 02:11 of prod" in told(screen, "notes")


async def test_keys_jump_to_bad_changes_and_to_where_the_outage_began() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "N")
        assert on(screen) == "web-3"
        await press(pilot, "G", "f")
        assert on(screen) == "web-1"
        await press(pilot, "n")
        assert on(screen) == "web-3"
        await press(pilot, "n")
        assert said(app) == "no later change is bad"


async def test_enter_goes_to_the_node_wherever_it_is_folded_or_filtered_away_and_esc_comes_back() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "edge")
        await press(pilot, "enter")
        screen = await opened(pilot)
        await press(pilot, "f", "enter")
        assert app.screen is app.fleet_screen
        await until(pilot, lambda: "web-1" in names(app))
        assert at(app) == "web-1"
        assert said(app) == "esc goes back to the changes"
        await press(pilot, "escape")
        assert app.screen is screen
        assert on(screen) == "web-1"
        await press(pilot, "escape")
        assert app.screen is app.fleet_screen
        await press(pilot, "escape")
        assert app.screen is app.fleet_screen


async def test_once_the_cursor_has_gone_elsewhere_esc_does_not_lead_back() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "f", "enter", "j", "escape")
        assert app.screen is app.fleet_screen
        await until(pilot, lambda: not screen.is_attached)


async def test_a_node_that_is_gone_is_said_to_be() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await press(pilot, "g", "enter")
        assert said(app) == "edge-9 is not there any more; t shows the tree as it was"


async def test_new_changes_are_followed_at_the_end_and_counted_elsewhere() -> None:
    history()
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        changes.append(KEY, [failed(50 - number / 10, f"old-{number}") for number in range(0, 400, 30)])
        screen = await opened(pilot)
        count = screen.line.count
        changes.append(KEY, [deployed(2)])
        await until(pilot, lambda: screen.line.count == count + 1)
        assert on(screen) == "web"
        assert screen.unseen == 0
        await press(pilot, "g")
        top = screen.rows.scroll_offset.y
        changes.append(KEY, [deployed(1), failed(1, "web-10")])
        await until(pilot, lambda: screen.line.count == count + 3)
        assert (on(screen), screen.rows.scroll_offset.y) == ("edge-9", top)
        assert "2 new" in told(screen, "head")
        await press(pilot, "G")
        assert on(screen) == "web-10"
        assert "new" not in told(screen, "head")


async def test_a_query_narrows_the_time_line_and_a_wrong_one_says_why() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "slash")
        await type_text(pilot, "kind=host")
        await press(pilot, "enter")
        assert [line.split()[-1] for line in rows(screen)] == ["running", "stopped"]
        assert screen.line.count == 2
        await press(pilot, "slash")
        await press(pilot, "space", "left_parenthesis")
        assert screen.line.count == 2
        await press(pilot, "escape")
        await until(pilot, lambda: screen.line.count == 6)


def test_many_changes_are_narrowed_in_slices_and_what_comes_in_or_goes_meanwhile_counts() -> None:
    shown = ShownChanges(shop(), Whose("everything", "everything"))
    shown.add([failed(9000 - number, f"web-{number % 10}") for number in range(4 * SLICE)])
    shown.chosen = lambda node: node.name == "web-1"
    narrowing = shown.narrow()
    next(narrowing)
    assert shown.line.count == 4 * SLICE
    shown.add([failed(1, "web-1"), failed(1, "web-2")])
    assert len(list(narrowing)) >= 3
    assert shown.line.count == 4 * SLICE // 10 + 1
    narrowing = shown.narrow()
    next(narrowing)
    shown.records = shown.records[-10:]
    list(narrowing)
    assert shown.line.count == 1


async def test_times_are_stepped_through_and_typed() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        assert "since 01:41 (1h)" in told(screen, "head")
        await press(pilot, "minus")
        await until(pilot, lambda: not screen.reading)
        assert screen.line.count == 4
        await press(pilot, "colon")
        await type_text(pilot, "since 2h")
        await press(pilot, "enter")
        await until(pilot, lambda: not screen.reading and screen.line.count == 6)
        assert "since 00:41" in told(screen, "head")
        await press(pilot, "colon")
        await type_text(pilot, "since yesterday")
        await press(pilot, "enter")
        assert said(app).startswith(":since: not a time: 'yesterday'")


async def test_whose_changes_goes_from_everything_to_the_marked_to_what_was_under_the_cursor() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "j", "space", "G")
        assert (marked(app), at(app)) == ({"edge-1"}, "web-10")
        await press(pilot, "h")
        assert at(app) == "web"
        screen = await opened(pilot)
        assert "everything" in told(screen, "head")
        await press(pilot, "w")
        assert "1 marked" in told(screen, "head")
        assert [on(screen), screen.line.count] == ["edge-1", 1]
        await press(pilot, "w")
        assert "web and beneath" in told(screen, "head")
        assert {entry.record.name for entry in screen.line.entries} == {"web", "web-1", "web-2", "web-3"}


async def test_a_change_tells_all_of_what_was_and_is() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "g", "j")
        text = told(screen, "details")
        assert "between 2026-02-03 01:46:07 and 02:01:07: its source did not answer in between" in text
        assert "running → stopped" in text


async def test_nothing_changed_says_where_else_to_look() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        assert "nothing is recorded yet of edge, prod" in told(screen, "notes")
        assert "nothing changed; + looks further back" in told(screen, "notes")
        await press(pilot, "j", "k", "g", "G", "n", "N", "f", "enter", "t", "space", "y", "d", "w", "tab")
        assert app.screen is screen


async def test_the_changes_of_a_node_stand_beside_the_tree() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "n", "n", "n", "n", "C")
        detail = app.fleet_screen.detail
        assert (at(app), detail.tab) == ("web-1", Tab.CHANGES)
        await until(pilot, lambda: "13m ago  ✖ state running → failed" in str(detail.query(Still).last().render()))


async def test_the_overview_says_of_what_changed_when_and_what_it_was() -> None:
    history()
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "n", "n", "n")
        assert at(app) == "web"
        app.live.fleet.apply("prod", [Delta("", [msgspec.structs.replace(DEPLOYMENT, image="shop/web:1.9.2")])])
        text = app.fleet_screen.detail.query(Still).last()
        await until(pilot, lambda: "shop/web:1.9.2  ← changed 15m ago, was shop/web:1.9.1" in str(text.render()))


@pytest.mark.parametrize(("size", "no_color"), [((80, 24), False), ((200, 50), False), ((80, 24), True)])
def test_the_time_line_looks_as_it_did(
    size: tuple[int, int], no_color: bool, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    history()

    async def wait(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await press(pilot, "f")

    assert snap_compare(console(), terminal_size=size, run_before=wait)


async def test_the_time_line_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calmtui.tui.glyphs.locale.getpreferredencoding", lambda _: "ANSI_X3.4-1968")
    history()
    app: CalmApp = console()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        shown = "\n".join(rows(screen)) + str(screen.query_one(ChangeChart).render()) + told(screen, "head")
        assert app.screen.query_one(Rows).count == 6
        assert shown.isascii(), shown


async def test_pages_go_by_in_the_time_line_and_in_the_details_while_they_have_the_focus() -> None:
    changes.append(KEY, [failed(3000 - 10 * number, f"web-{number}") for number in range(200)])
    app = console()
    async with app.run_test(size=(140, 24)) as pilot:
        screen = await opened(pilot)
        page, last = screen.rows.size.height - 1, screen.rows.count - 1
        assert screen.rows.cursor == last > 2 * page
        for key, cursor in (("pageup", last - page), ("pagedown", last), ("g", 0), ("pagedown", page), ("G", last)):
            await press(pilot, key)
            assert screen.rows.cursor == cursor, key
        await press(pilot, "tab", "j", "pageup")
        assert screen.rows.cursor == last, "the details have the keys"
