"""The fleet screen, by its keys: what is shown, marked and said."""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable

import pytest

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.actions import ActionsScreen
from calmtui.tui.screens.help import HelpScreen
from calmtui.tui.screens.logs import LogsScreen
from calmtui.tui.widgets.detail import Tab
from tests.tui.fleet_app import NOW, SHOP, at, console, lines, marked, names, pod, press, said, type_text, until


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


WIDE = (140, 40)
UNFOLDED = ["edge", "edge-1", "edge-2", "edge-3", "prod", "shop", "web", "web-1", "web-2", "web-3", "web-10"]


async def test_what_was_known_is_shown_folded_with_its_trouble() -> None:
    app = console()
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        assert names(app) == ["edge", "edge-1", "edge-2", "edge-3", "prod", "shop"]
        shop = lines(app)[5]
        assert "✖2" in shop
        assert "▲1" in shop
        assert "no answer" in lines(app)[0]


async def test_a_stale_node_says_how_old_it_is() -> None:
    app = console()
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        assert "seen" in lines(app)[1]
        assert "seen" not in lines(app)[5]


async def test_filtering_shows_matches_with_what_they_hang_under_and_esc_brings_all_back_around_the_same_node() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "state=failed")
        assert names(app) == ["prod", "shop", "web", "web-1", "web-3"]
        assert at(app) == "web-1"
        await press(pilot, "enter")
        assert names(app) == ["prod", "shop", "web", "web-1", "web-3"]
        await press(pilot, "escape")
        assert names(app) == UNFOLDED
        assert at(app) == "web-1"


async def test_a_query_that_cannot_be_read_says_why_and_the_last_good_one_stays() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "slash")
        await type_text(pilot, "edge")
        await press(pilot, "space", "left_parenthesis")
        assert app.fleet_screen.bar.has_class("-wrong")
        assert names(app) == ["edge", "edge-1", "edge-2", "edge-3"]


async def test_marks_survive_filters_and_refreshes_and_hidden_ones_are_counted() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "slash")
        await type_text(pilot, "web-")
        await press(pilot, "enter", "asterisk")
        assert marked(app) == {"web-1", "web-2", "web-3", "web-10"}
        await press(pilot, "slash")
        await type_text(pilot, " state=failed")
        await press(pilot, "enter")
        app.live.fleet.apply("prod", [Delta("", put=[pod("web-2", State.PENDING)])])
        await press(pilot, "a")
        assert isinstance(app.screen, ActionsScreen)
        assert marked(app) == {"web-1", "web-2", "web-3", "web-10"}
        assert app.fleet_screen.chosen() == sorted(app.fleet_screen.chosen(), key=lambda node: node.id)
        assert len(app.fleet_screen.chosen()) == 4


async def test_a_span_is_marked_from_the_last_mark_to_the_cursor() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "j", "space", "j", "ctrl+@")
        assert marked(app) == {"edge-1", "edge-2", "edge-3"}
        await press(pilot, "minus")
        assert marked(app) == set()


async def test_space_on_a_group_marks_its_nodes_and_again_unmarks_them() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "space")
        assert marked(app) == {"edge-1", "edge-2", "edge-3"}
        await press(pilot, "space")
        assert marked(app) == set()


async def test_invert_turns_only_what_the_filter_shows() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "space", "slash")
        await type_text(pilot, "edge-1 or web-1")
        await press(pilot, "enter", "tilde")
        assert marked(app) == {"edge-2", "edge-3", "web-1", "web-10"}


async def test_the_cursor_stays_with_the_node_when_rows_come_and_go_above_it() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "G", "k")
        assert at(app) == "web-3"
        app.live.fleet.apply("prod", [Delta("", put=[pod("web-0"), pod("aaa")], gone=[f"{SHOP}/pod/web-1"])])
        await until(pilot, lambda: "aaa" in names(app))
        assert at(app) == "web-3"
        app.live.fleet.apply("prod", [Delta("", gone=[f"{SHOP}/pod/web-3"])])
        await until(pilot, lambda: "web-3" not in names(app))
        assert at(app) == "web-10"


async def test_the_screen_position_stays_with_the_node_too() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        fleet, tree = app.live.fleet, app.fleet_screen.tree_view
        fleet.apply("prod", [Delta("", put=[pod(f"web-{number}") for number in range(20, 120)])])
        await press(pilot, "Z", "G")
        height = tree.cursor - tree.scroll_offset.y
        fleet.apply("prod", [Delta("", put=[pod(f"aa-{number}") for number in range(30)])])
        await until(pilot, lambda: "aa-29" in names(app))
        assert at(app) == "web-119"
        assert tree.cursor - tree.scroll_offset.y == height


async def test_n_goes_to_the_next_trouble() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "j", "n", "n", "n", "n")
        assert at(app) == "web-1"
        await press(pilot, "n")
        assert at(app) == "web-3"
        await press(pilot, "n")
        assert said(app) == "no further trouble below"
        await press(pilot, "N")
        assert at(app) == "web-1"


async def test_a_source_under_the_cursor_tells_its_whole_error() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "j", "k")
        text = app.fleet_screen.detail.query("Static").last().render()
        assert "check the jump host, then retry the source" in str(text)


async def test_grouping_goes_round_and_the_command_line_names_one() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "b")
        assert names(app)[:3] == ["production", "web", "pod"]
        await press(pilot, "colon")
        await type_text(pilot, "group label.tier")
        await press(pilot, "enter")
        assert names(app)[0] == "front"
        await press(pilot, "colon")
        await type_text(pilot, "group colour")
        await press(pilot, "enter")
        assert said(app).startswith("there is no grouping 'colour'")


async def test_the_panes_take_turns_where_it_is_narrow() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "enter")
        assert app.fleet_screen.detail.display
        assert not app.fleet_screen.tree_view.region
        await press(pilot, "escape")
        assert app.fleet_screen.tree_view.region.width == 80


async def test_a_tab_that_the_source_does_not_offer_says_so() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "j", "e")
        assert app.fleet_screen.detail.tab is Tab.EVENTS
        text = app.fleet_screen.detail.query("Static").last().render()
        assert "edge offers no events of a host" in str(text)


async def test_a_node_that_is_looked_at_for_no_time_at_all_leaves_nothing_unfinished_behind() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z")
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", RuntimeWarning)
            for node in app.live.fleet:  # one after the other, before any has had its turn
                app.fleet_screen.detail.show(node)
            await pilot.pause()
            gc.collect()
        assert [str(warning.message) for warning in warned if warning.category is RuntimeWarning] == []


async def test_logs_of_the_marked_nodes_open_and_esc_comes_back_to_the_same_place() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "j", "space", "l")
        assert isinstance(app.screen, LogsScreen)
        await press(pilot, "escape")
        assert app.screen is app.fleet_screen
        assert at(app) == "edge-2"


async def test_what_changes_while_another_screen_is_in_front_is_there_on_return() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "j", "l")
        app.live.fleet.apply("prod", [Delta("", put=[pod("web-4")])])
        await press(pilot, "escape")
        assert "web-4" in names(app)


async def test_read_only_says_why_a_shell_is_refused() -> None:
    app = console(read_only=True)
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "s")
        assert said(app) == "shell is off: this console is read-only"


async def test_help_lists_what_can_be_done_here_and_does_it() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await type_text(pilot, "unfold everything")
        await press(pilot, "enter")
        assert app.screen is app.fleet_screen
        assert names(app) == UNFOLDED


async def test_a_key_can_be_rebound_and_footer_and_help_show_the_new_one() -> None:
    app = console(rebound={"fleet.mark": "m"})
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "j", "space")
        assert marked(app) == set()
        await press(pilot, "m")
        assert marked(app) == {"edge-1"}
        assert "m mark" in said(app)


async def test_news_stands_in_the_footer_until_the_next_key() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        app.say("the store is full")
        assert said(app) == "the store is full"
        await press(pilot, "j")
        assert "space mark" in said(app)


async def test_an_empty_estate_is_a_screen_and_not_a_crash() -> None:
    from calmtui.fleet.fleet import Fleet

    app = console(Fleet())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "j", "space", "enter", "l", "a", "s", "n", "h", "right", "ctrl+@", "y", "G")
        assert app.screen is app.fleet_screen
        assert app.fleet_screen.tree_view.render_line(1).text.strip() == "reading the estate"
    app = CalmApp(LiveEstate(Estate("lab")))
    async with app.run_test(size=(80, 24)):
        assert app.fleet_screen.tree_view.render_line(1).text.strip().startswith("nothing is connected")


async def test_a_source_that_appears_gets_a_row_before_it_has_nodes() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        app.live.fleet.set_source(SourceStatus("cloud", "aws", Health.CONNECTING))
        await until(pilot, lambda: "cloud" in names(app))


async def test_lines_that_look_the_same_are_drawn_from_the_cache() -> None:
    app = console()
    async with app.run_test(size=WIDE) as pilot:
        await press(pilot, "Z", "j")
        tree = app.fleet_screen.tree_view
        before = tree.strips.hits
        tree.refresh()
        await pilot.pause()
        assert tree.strips.hits - before >= len(UNFOLDED)


async def test_a_change_of_one_node_draws_one_line() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "Z")
        tree, drawn = app.fleet_screen.tree_view, []
        draw = tree.render_line

        def counted(y: int) -> object:
            drawn.append(y)
            return draw(y)

        tree.render_line = counted  # type: ignore[method-assign, assignment]
        app.live.fleet.apply("prod", [Delta("", put=[pod("web-2", State.PENDING)])])
        await until(pilot, lambda: drawn)
        await pilot.pause()
        assert sorted(set(drawn)) == [UNFOLDED.index("web-2")]


async def test_an_estate_that_cannot_be_read_ends_the_console_with_the_reason() -> None:
    from calmtui.errors import UsageError

    async def broken(app: CalmApp) -> Estate:
        raise UsageError("the file is not a mapping")

    app = console()
    app._declare = broken
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.failure is not None)
    assert isinstance(app.failure, UsageError)


@pytest.mark.parametrize("theme", ["light", "contrast"])
async def test_the_theme_is_switched_by_name(theme: str) -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "colon")
        await type_text(pilot, f"theme {theme}")
        await press(pilot, "enter")
        assert app.theme == theme


@pytest.mark.parametrize(("size", "no_color"), [((80, 24), False), ((200, 50), False), ((80, 24), True)])
def test_the_fleet_looks_as_it_did(
    size: tuple[int, int], no_color: bool, snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(console(), terminal_size=size, press=["Z", *"jjjjjjj", "space", "j", "space"])
