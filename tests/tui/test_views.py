"""How the tree is looked at: faults only, orders, completion, what stays with the node, what is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.matcher import Matcher
from calmtui.fleet.node import Node, State
from calmtui.fleet.outline import Outline
from calmtui.fleet.sifting import Sifting
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta
from calmtui.fleet.view import View, of_values
from calmtui.store import marks, views
from calmtui.store.database import StoreError
from calmtui.tui.keeping import kept
from calmtui.tui.widgets.footer import Footer
from tests.tui.fleet_app import at, console, host, marked, names, pod, press, shop, type_text, until

WIDE = (200, 50)


def hosts(*numbers: int) -> Fleet:
    fleet = Fleet()
    fleet.set_source(SourceStatus("edge", "ssh", Health.LIVE))
    fleet.apply("edge", [Delta("", put=[host(f"edge-{number:03}") for number in numbers])])
    return fleet


async def test_f_shows_what_is_not_well_and_what_it_hangs_under_and_f_again_everything() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "f")
        assert names(app) == ["prod", "shop", "web", "web-1", "web-3"]
        app.live.fleet.apply("prod", [Delta("", put=[pod("web-2", State.FAILED)])])
        await until(pilot, lambda: "web-2" in names(app))
        await press(pilot, "f")
        assert "edge" in names(app)


async def test_faults_only_and_the_filter_hold_together() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "f", "slash")
        await type_text(pilot, "web-1")
        await press(pilot, "enter")
        assert names(app)[-1] == "web-1"
        assert app.fleet_screen.outline.matching == 1
        await press(pilot, "escape")
        assert names(app)[-2:] == ["web-1", "web-3"]


async def test_t_goes_through_the_orders_and_says_which() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z")
        said = []
        for _ in range(4):
            await press(pilot, "t")
            said.append(app.screen.query_one(Footer).news)
        assert said == ["trouble first", "youngest first", "most restarts first", "by name"]
        assert names(app)[-4:] == ["web-1", "web-2", "web-3", "web-10"]


async def test_tab_takes_the_completion_that_stands_dim_behind_the_query() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "stat")
        await until(pilot, lambda: app.fleet_screen.bar._input._suggestion == "state=")
        await press(pilot, "tab")
        await type_text(pilot, "f")
        await until(pilot, lambda: app.fleet_screen.bar._input._suggestion == "state=failed")
        await press(pilot, "tab")
        assert app.fleet_screen.bar.text == "state=failed"
        assert app.fleet_screen.outline.matching == 2


async def test_the_caret_stands_below_the_place_in_80_columns() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "web kid")
        await press(pilot, "equals_sign", "x")
        picture = [strip.text for strip in app.screen._compositor.render_strips()]
        assert picture[2].index("^") == picture[1].index("kid")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_cursor_height_marks_and_folds_stay_with_the_node_when_rows_come_and_go(seed: int) -> None:
    rng = random.Random(seed)
    app = console(hosts(*range(0, 200, 2)))
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "pagedown", "pagedown", "space")
        tree = app.fleet_screen.tree_view
        name, height, before = at(app), tree.cursor - tree.scroll_offset.y, marked(app)
        for _ in range(5):
            numbers = {f"edge-{rng.randrange(200):03}" for _ in range(12)} - {name, *before}
            gone = [f"ssh:edge/{known.name}" for known in list(app.live.fleet) if known.name in numbers]
            new = [host(new) for new in numbers if f"ssh:edge/{new}" not in gone]
            app.live.fleet.apply("edge", [Delta("", put=new, gone=gone)])
            known = {known.name for known in app.live.fleet}
            await until(pilot, lambda known=known: set(names(app)[1:]) == known)  # type: ignore[misc]
            assert at(app) == name
            assert tree.cursor - tree.scroll_offset.y == height
            assert marked(app) == before


async def test_the_view_is_what_it_was_at_the_last_start() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "b", "t", "j", "h", "f")
        before = names(app)
        kept = app.fleet_screen.viewing.view.values(app.live.fleet)
    again = console(view=of_values(kept))
    async with again.run_test(size=WIDE):
        assert names(again) == before
        assert again.fleet_screen.viewing.view == app.fleet_screen.viewing.view


async def test_marks_and_view_are_kept_while_the_console_runs_and_when_it_ends() -> None:
    app = console()
    told: list[StoreError] = []
    async with app.run_test(size=WIDE) as pilot:
        async with kept(app, "lab", told.append):
            await press(pilot, "b", "space")
            await until(pilot, lambda: views.load("lab").get("group") == "service")
            await until(pilot, lambda: marks.load("lab") == set(app.fleet_screen.marks) != set())
            await press(pilot, "t")
        assert views.load("lab")["sort"] == "trouble"
    assert told == []


@pytest.mark.parametrize("stored", [{}, {"group": 3}, {"folds": {"a": "b"}}, {"sort": "colour"}, {"group": "nowhere"}])
def test_a_view_that_cannot_be_used_is_the_first_one(stored: dict[str, object]) -> None:
    view = of_values(stored)
    assert (view.grouping, view.order) == (View().grouping, View().order)


def test_folds_of_nodes_that_are_gone_are_not_kept() -> None:
    fleet = shop()
    folds = {"k8s:prod/shop": True, "k8s:prod/gone": True, "\0prod": False}
    assert set(View(folds=folds).values(fleet)["folds"]) == {"k8s:prod/shop", "\0prod"}


def test_a_query_is_worked_out_in_slices_and_what_changed_meanwhile_is_asked_again() -> None:
    fleet = hosts(*range(2000))
    asked: list[str] = []

    def answers(nodes: Sequence[Node]) -> list[bool]:
        asked.extend(node.name for node in nodes)
        return [node.name.endswith("7") for node in nodes]

    matcher = Matcher(answers)
    sifting = Sifting(fleet, matcher)
    slices: Iterator[bool] = iter(lambda: sifting.advance(0.0), True)
    assert len(list(slices)) > 1
    count = len(asked)
    outline = Outline(fleet)
    came = host("edge-9997")
    fleet.apply(came.source, [Delta("", [came])])
    outline.refresh([came.id])
    outline.filter(matcher, sifting.matching())
    assert [node.name for node in outline.matches()] == [
        *(f"edge-{number:03}" for number in range(7, 2000, 10)),
        came.name,
    ]
    assert asked[count:] == [came.name]


async def test_arrows_and_page_keys_move_the_cursor_and_do_not_scroll_away_from_it() -> None:
    app = console(hosts(*range(100)))
    async with app.run_test(size=(80, 24)) as pilot:
        for key, cursor in (("down", 1), ("pagedown", 20), ("end", 100), ("up", 99), ("pageup", 80), ("home", 0)):
            await press(pilot, key)
            tree = app.fleet_screen.tree_view
            assert tree.cursor == cursor, key
            assert tree.scroll_offset.y <= cursor < tree.scroll_offset.y + tree.size.height, key


async def test_a_filter_by_marks_follows_them() -> None:
    app = console(hosts(1, 2, 3))
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "j", "space", "space")
        app.fleet_screen.bar.put("marked")
        await until(pilot, lambda: names(app) == ["edge", "edge-001", "edge-002"])
        app.fleet_screen.mark_only(["ssh:edge/edge-003"])
        await until(pilot, lambda: names(app) == ["edge", "edge-003"])
