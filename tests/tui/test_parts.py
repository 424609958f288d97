"""Rows, lines, keys and themes as pure functions of what they show."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual.color import Color
from textual.screen import Screen

import calmtui.tui.screens
from calmtui.errors import UsageError
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.tui import columns, keys, moving, themes
from calmtui.tui.glyphs import ASCII, UNICODE
from calmtui.tui.screens.command import complete, read
from calmtui.tui.screens.help import found
from calmtui.tui.widgets import status_line, tree_row
from calmtui.tui.widgets.tree_row import Look, Styles
from tests.tui.fleet_app import console

PLAIN = Styles(*[Style() for _ in Styles._fields])
COLOURS = status_line.Colours(*[Style()] * 4)


def drawn(look: Look, width: int = 80) -> str:
    return tree_row.draw(look, width, UNICODE, PLAIN).text


@given(
    st.builds(
        Look,
        depth=st.integers(0, 30),
        name=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "So"]), max_size=60),
        opened=st.none() | st.booleans(),
        state=st.none() | st.sampled_from(State),
        health=st.none() | st.sampled_from(Health),
        word=st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=30),
        note=st.text(st.characters(codec="utf-8", categories=["L", "N"]), max_size=90),
        cells=st.lists(st.tuples(st.text(st.characters(categories=["L", "N"])), st.integers(2, 20))).map(tuple),
        total=st.integers(0, 100_000),
        failed=st.integers(0, 100_000),
    ),
    st.integers(20, 220),
)
def test_a_row_is_exactly_as_wide_as_its_line_whatever_is_in_it(look: Look, width: int) -> None:
    assert cell_len(drawn(look, width)) == width


def test_a_failed_node_has_a_glyph_a_word_and_its_reason() -> None:
    text = drawn(Look(1, "web-1", None, State.FAILED, kind="pod", age="12m", word="failed", note="CrashLoopBackOff"))
    assert text.split() == ["✖", "web-1", "pod", "12m", "failed", "CrashLoopBackOff"]


def test_what_is_well_says_no_more_than_its_name() -> None:
    assert drawn(Look(0, "web-1", None, State.RUNNING, kind="pod", age="4d")).split() == ["●", "web-1", "pod", "4d"]


def test_every_state_and_health_has_a_sign_of_its_own_in_both_sets_and_ascii_is_ascii() -> None:
    for glyphs in (UNICODE, ASCII):
        assert len(set(glyphs.states.values())) == len(State)
        assert len(set(glyphs.healths.values())) == len(Health)
    assert "".join([*ASCII.states.values(), *ASCII.healths.values(), ASCII.cut, ASCII.rule]).isascii()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "<1m"), (59, "<1m"), (60, "1m"), (7200, "2h"), (86400 * 3, "3d"), (86400 * 800, "2y")]
)
def test_an_age_is_one_figure(seconds: float, text: str) -> None:
    assert tree_row.age(seconds) == text


def situation(sources: int, **more: object) -> status_line.Situation:
    told = [SourceStatus(f"source-{number}", "ssh", Health.LIVE) for number in range(sources)]
    told.append(SourceStatus("broken", "aws", Health.STALE, "no answer", confirmed_at=-180))
    census = {State.FAILED: 3, State.DEGRADED: 11, State.RUNNING: 1270}
    return status_line.Situation("prod", census, 4, tuple(told), 0, **more)  # type: ignore[arg-type]


def test_the_first_line_tells_what_is_wrong_before_anything_else() -> None:
    text = status_line.line(situation(1), 120, UNICODE, COLOURS).plain
    assert text.startswith(" prod · 1,284 nodes · ✖ 3 failed ▲ 11 degraded · marked 4 ")
    assert "broken ✖ 3m" in text
    assert len(text) == 120


@pytest.mark.parametrize("width", [80, 64])
def test_a_narrow_first_line_hides_sources_that_are_well_before_one_that_is_not(width: int) -> None:
    text = status_line.line(situation(9), width, UNICODE, COLOURS).plain
    assert "✖3 ▲11" in text or "✖ 3 failed ▲ 11 degraded" in text
    assert "source-0" not in text
    assert "broken ✖" in text
    assert len(text) == width


def test_every_command_has_a_method_on_its_screen() -> None:
    from calmtui.tui.app import CalmApp
    from calmtui.tui.blueprint_verbs import BlueprintVerbs
    from calmtui.tui.log_finding import Finding
    from calmtui.tui.log_taking import Taking
    from calmtui.tui.opening import Opening
    from calmtui.tui.run_verbs import RunVerbs
    from calmtui.tui.screens.changes import ChangesScreen
    from calmtui.tui.screens.logs import LogsScreen

    screens: dict[str, type] = {"app": CalmApp}
    fleet = console().fleet_screen
    parts: dict[str, tuple[object, ...]] = {
        "app": (Opening,),
        "fleet": fleet.parts,
        "changes": ChangesScreen(fleet).parts,
        "logs": LogsScreen(fleet.live, []).parts,
        "search": (Finding, Taking),
        "run": (RunVerbs,),
        "blueprints": (BlueprintVerbs,),
        "blueprint": (BlueprintVerbs,),
    }
    for module in pkgutil.iter_modules(calmtui.tui.screens.__path__):
        for value in vars(importlib.import_module(f"calmtui.tui.screens.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Screen) and hasattr(value, "where"):
                screens[value.where] = value
    for told in keys.TABLE:
        assert told.where in screens, told.id
        places = [screens[told.where], *parts.get(told.where, ())]
        kinds = [place if isinstance(place, type) else type(place) for place in (*places, moving.Moving)]
        assert any(moving.ours(kind, told.method) for kind in kinds), told.id


def test_no_key_of_a_screen_means_two_things() -> None:
    for where in {told.where for told in keys.TABLE} - {"app"}:
        taken = [key for told in keys.offered(where) for key in told.keys.split(",") if key]
        assert sorted(taken) == sorted(set(taken)), where


def test_an_unknown_command_among_the_rebound_keys_is_a_problem_with_its_place() -> None:
    [problem] = keys.problems({"fleet.marc": "m", "fleet.mark": "m"}, {"keys.fleet.marc": "/etc/config.yaml:3:5"})
    assert str(problem) == (
        "/etc/config.yaml:3:5: there is no command 'fleet.marc'; `?` lists them; did you mean 'fleet.mark'?"
    )


def test_a_command_is_read_by_its_name_or_by_a_beginning_that_only_it_has() -> None:
    assert read("theme light", "fleet") == ("app.theme", "light")
    assert read("desc", "fleet") == ("fleet.describe", "")


def test_a_command_that_is_not_there_or_takes_nothing_says_so() -> None:
    assert "there is no command 'frobnicate' here" in read("frobnicate", "fleet")
    assert read("quit now", "fleet") == "nothing can follow 'quit'"


def test_completion_gives_names_and_then_what_may_follow() -> None:
    assert complete("the", "fleet", []) == ["theme"]
    assert complete("theme l", "fleet", []) == ["theme light"]
    assert complete("retry ", "fleet", ["prod", "edge"]) == ["retry prod", "retry edge"]


def test_help_finds_by_words_in_any_part() -> None:
    assert [told.id for told in found("fleet", "raw object")] == ["fleet.describe"]


def test_the_dark_theme_in_the_code_is_the_one_in_the_file() -> None:
    assert asdict(themes.read("dark")) == asdict(themes.DARK)


@pytest.mark.parametrize("name", themes.names())
def test_texts_of_every_theme_can_be_read_on_its_ground(name: str) -> None:
    colours = themes.read(name)
    least = 7.0 if name == "contrast" else 4.5
    for field, value in asdict(colours).items():
        if field not in ("dark", "background", "panel"):
            for ground in (colours.background, colours.panel):
                assert contrast(value, ground) >= (least if ground == colours.background else 4.0), (field, ground)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: the ratio of the relative luminances."""

    def luminance(text: str) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in Color.parse(text).normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_theme_that_is_not_there_or_not_whole_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="there are contrast, dark, light"):
        themes.load("neon")
    (tmp_path / "odd.yaml").write_text("dark: true\nbackground: red\n")
    monkeypatch.setattr(themes, "folder", lambda: tmp_path)
    with pytest.raises(UsageError, match="missing or unknown: fine, foreground"):
        themes.load("odd")


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (Node("p", "pod", "web-1", "prod", restarts=7, facts={"ready": "0/1", "node": "ip-10-2"}), "0/1 7x ip-10-2"),
        (Node("d", "deployment", "web", "prod", facts={"replicas": "2/4", "updated": "3"}), "2/4 updated 3"),
        (Node("i", "instance", "web", "aws", addresses=("10.0.0.1",), facts={"type": "t3.micro"}), "t3.micro 10.0.0.1"),
        (
            Node("h", "host", "h", "ssh", facts={"load": "0.42 0.10 0.01", "memory": "3.1 of 7.6 GiB, 41 %"}),
            "load 0.42 mem 41%",
        ),
        (Node("c", "container", "c", "docker", image="r.lab/shop/web:1", facts={"status": "Up 2 h"}), "web:1 Up 2 h"),
        (Node("u", "unit", "u", "ssh", raw_state="activating (auto-restart)"), "auto-restart"),
        (Node("x", "queue", "x", "other"), ""),
    ],
)
def test_each_kind_has_columns_of_its_own(node: Node, told: str) -> None:
    assert " ".join(text for text, _ in columns.cells(node) if text) == told


def test_columns_are_drawn_where_there_is_room_and_the_last_ones_go_first() -> None:
    look = Look(0, "web-1", None, State.RUNNING, cells=(("0/1", 6), ("7x", 6), ("ip-10-2-4-7", 18)))
    assert "0/1" not in drawn(look, 90)
    assert "7x" in drawn(look, 100)
    assert "ip-10" not in drawn(look, 100)
    assert "ip-10-2-4-7" in drawn(look, 130)


@given(st.text("ab1● ", max_size=12), st.text("ab1● ", max_size=12), st.text("ab1● ", max_size=12))
def test_of_a_line_that_stays_as_long_only_what_differs_is_drawn(left: str, was: str, now: str) -> None:
    before, after = f"{left}{was.ljust(12)}end", f"{left}{now.ljust(12)}end"
    [part] = status_line.differing(before, after) or [None]
    if before == after:
        assert part is None
    else:
        assert part is not None
        assert before[: part.x] == after[: part.x]
        assert before[part.right :] == after[part.right :]
        assert before[part.x] != after[part.x]
        assert before[part.right - 1] != after[part.right - 1]


def test_a_line_that_gets_longer_is_drawn_whole() -> None:
    assert status_line.differing("a", "ab") == []
