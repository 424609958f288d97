"""How filters are typed, and what they let through."""

from __future__ import annotations

import pytest

from calmtui.errors import UsageError
from calmtui.logs.filters import Filter, OfLevel
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Note, Origin
from calmtui.logs.rules import rule

WEB, DB = Origin("lab", "ssh:lab/web", "web", "/var/log/app.log"), Origin("lab", "ssh:lab/db", "db", "journal")


def line(text: str, level: Level = Level.NONE, origin: Origin = WEB) -> LogLine:
    return LogLine(1, 1, origin, 1, text, level)


@pytest.mark.parametrize(
    ("typed", "level", "passes"),
    [
        ("level>=warn", Level.WARN, True), ("level>=warn", Level.INFO, False), ("level >= WARNING", Level.ERROR, True),
        ("level=err", Level.ERROR, True), ("level=err", Level.FATAL, False), ("level!=info", Level.INFO, False),
        ("level<info", Level.DEBUG, True), ("level<info", Level.NONE, True), ("level>debug", Level.NONE, False),
    ],
)  # fmt: skip
def test_levels_are_compared_as_they_are_typed(typed: str, level: Level, passes: bool) -> None:
    assert Filter((rule(typed),)).passes(line("x", level)) is passes
    assert Filter((rule(typed, out=True),)).passes(line("x", level)) is not passes


@pytest.mark.parametrize(
    ("typed", "passes"),
    [
        ("field.status>=500", True), ("field.status>=504", False), ("field.status=503", True),
        ("field.status!=503", False),
        ("field.user.name=ana", True), ("field.user.name = bob", False), ("field.user.name~^an", True),
        ("field.user.name~^na", False), ("field.path!=/x", False), ("field.user.name>aaa", True),
    ],
)  # fmt: skip
def test_fields_are_compared_as_numbers_or_as_text_and_a_missing_one_passes_nothing(typed: str, passes: bool) -> None:
    text = '{"msg": "status=200", "status": 503, "user": {"name": "ana"}}'
    assert Filter((rule(typed),)).passes(line(text)) is passes


def test_every_rule_that_is_on_narrows_what_the_others_leave() -> None:
    wanted = Filter((rule("timeout"), rule("~attempt=[3-9]"), rule("healthz", out=True)))
    assert wanted.passes(line("timeout attempt=3"))
    assert not wanted.passes(line("timeout attempt=2"))
    assert not wanted.passes(line("timeout attempt=3 /healthz"))
    off = Filter(tuple(type(each)(each.typed, each.test, each.out, on=False) for each in wanted.rules))
    assert off.open
    assert off.passes(line("anything"))


def test_a_level_that_does_not_exist_is_refused_and_the_others_are_named() -> None:
    with pytest.raises(UsageError, match=r"no level 'loud'.*warn, error, fatal"):
        rule("level>=loud")


def test_words_that_only_begin_like_a_level_are_looked_for_as_they_are() -> None:
    assert not isinstance(rule("levels >= 3").test, OfLevel)
    assert Filter((rule("level"),)).passes(line("water level: 3"))


def test_muted_streams_are_not_heard_and_of_solo_ones_nothing_else_is() -> None:
    one_file = Filter(muted=frozenset({("ssh:lab/web", "/var/log/app.log")}))
    whole_node = Filter(solo=frozenset({("ssh:lab/db", None)}))
    assert not one_file.passes(line("x"))
    assert one_file.passes(line("x", origin=Origin("lab", "ssh:lab/web", "web", "/var/log/other.log")))
    assert not whole_node.passes(line("x"))
    assert whole_node.passes(line("x", origin=DB))


def test_rows_about_a_stream_pass_every_filter() -> None:
    note = Note(1, None, WEB, 1, "gap", lost=3)
    assert Filter((rule("nothing"),), Level.FATAL, muted=frozenset({("ssh:lab/web", None)})).passes(note)


def test_a_search_takes_rows_about_a_stream_by_what_they_say() -> None:
    note = Note(1, None, WEB, 1, "gap", lost=3)
    assert Filter((rule("gap"),), notes=False).passes(note)
    assert not Filter((rule("timeout"),), notes=False).passes(note)
