"""What is put into a command or a query stays one value, whatever it holds: real shells say so."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.runbooks import template

PLACES = {
    "plain": "printf %s {{ a }}",
    "single": "printf %s '{{ a }}'",
    "double": 'printf %s "{{ a }}"',
    "substituted": 'printf %s "$x"$(printf %s {{ a }} >&2)',
    "behind a comment": "# it's\nprintf %s {{ a }}",
    "behind an escape": r"printf %s\\ '' >/dev/null; printf %s \''' >/dev/null; printf %s {{ a }}",
}
values = st.text(
    alphabet=st.one_of(st.sampled_from(" '\"\\$`;|&<>(){}*?#!~\n\t-="), st.characters(codec="ascii", min_codepoint=32)),
    max_size=12,
)


@pytest.mark.parametrize("place", PLACES)
@given(value=values)
@settings(max_examples=25)
def test_a_shell_gets_the_very_value(place: str, value: str) -> None:
    line = template.shell(PLACES[place], {"a": value})
    for shell in ("sh", "bash"):
        done = subprocess.run([shell, "-c", line], capture_output=True, timeout=20)
        assert (done.returncode, (done.stdout + done.stderr).decode()) == (0, value)


@pytest.mark.parametrize("line", ["`echo {{ a }}`", 'x "$(echo {{ a }})"', "cat <<E\n{{ a }}\nE"])
def test_where_nothing_can_be_quoted_nothing_is_put_in(line: str) -> None:
    with pytest.raises(UsageError, match="safely"):
        template.shell(line, {"a": "x"})


@given(value=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12))
def test_a_query_selects_that_very_value_and_no_other(value: str) -> None:
    selects = compile_query(template.query("service={{ a }}", {"a": value}))
    assert selects(Node("i", "host", "n", "s", service=value))
    assert not selects(Node("i", "host", "n", "s", service=f"{value}x"))


def test_only_names_stand_in_braces_and_those_of_other_programs_are_left_alone() -> None:
    assert template.text("{{ a }}-{{a}} {{.Names}} {{}}", {"a": "1"}) == "1-1 {{.Names}} {{}}"
    for text in ("{{ a.__class__ }}", "{{ node.secret }}", "{{ b }}"):
        with pytest.raises(UsageError, match="there is no"):
            template.check(text, {"a": ""})
    for text in ("{{ a() }}", "{{ a|b }}", "{{ 'x'*9 }}"):
        with pytest.raises(UsageError, match="is no name"):
            template.check(text, {"a": ""})


def test_fields_of_the_node_can_be_put_in() -> None:
    node = Node("ssh:w/a", "host", "a", "w", addresses=("10.0.0.1", "b"), labels={"team": "x y"})
    filled = template.of_node(node)
    assert (
        template.shell("{{ node.address }} {{ node.label.team }} {{ node.label.none }}", filled) == "10.0.0.1 'x y' ''"
    )
