"""What the beginning of a query is completed to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.node import Node, State
from calmtui.fleet.query import QueryError, parse
from calmtui.fleet.query.complete import Existing, complete

NODES = [
    Node("a", "pod", "web-1", "prod", state=State.FAILED, labels={"app": "web", "odd key!": "x"}, env="production"),
    Node("b", "pod", "web-2", "prod", state=State.RUNNING, labels={"app": "web"}, env="production"),
    Node("c", "host", "edge one", "edge", state=State.RUNNING, labels={"app": "a*b"}, env="[x]"),
    Node("d", "pod", 'the "db"', "prod", state=State.RUNNING, addresses=("10.0.0.1", "db.lab"), actions=("stop",)),
]
EXISTING = Existing(NODES, ["canary", "web-front"])


def first(text: str) -> str | None:
    return next(complete(text, EXISTING), None)


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("st", "state="),
        ("kind", "kind="),
        ("kind=", "kind=pod"),  # the commonest first
        ("kind=h", "kind=host"),
        ("kind=host,P", "kind=host,Pod"),  # case does not matter, and what is typed stays
        ("state!=r", "state!=running"),
        ("env=production ki", "env=production kind="),
        ("env=production (ki", "env=production (kind="),
        ("label.", "label.app="),
        ("label.app=w", "label.app=web"),
        ("address=db", "address=db.lab"),
        ("not @c", "not @canary"),
        ("age<", "age<5m"),
        ("mar", "marked"),
        ("linked(kind = h", "linked(kind = host"),
    ],
)
def test_a_beginning_becomes_what_exists(typed: str, becomes: str) -> None:
    assert first(typed) == becomes


@pytest.mark.parametrize("typed", ["", "'kind=", "name~we", "restarts>", "web[001,", "kind=nothing", "kind=pod"])
def test_where_there_is_nothing_to_offer_nothing_is_offered(typed: str) -> None:
    assert first(typed) is None


def test_after_a_blank_fields_are_offered() -> None:
    assert list(complete("kind=pod ", EXISTING))[:3] == [f"kind=pod {name}=" for name in ("state", "kind", "env")]


def test_values_that_would_mean_something_else_are_quoted() -> None:
    assert set(complete("label.app=", EXISTING)) == {"label.app=web", 'label.app="a*b"'}
    assert 'name="edge one"' in set(complete("name=", EXISTING))


terms = st.one_of(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["kind", "state", "env", "name", "label.app", "label.odd", "address", "action", "parent"]),
        st.sampled_from(["=", "!="]),
        st.sampled_from(["pod", "running,failed", "web", "10.0", "[x]", '"edge one"', "'a'"]),
    ),
    st.sampled_from(["web", "marked", "not stale", "age<30m", "restarts>3", "@canary", "(web or api)", "linked(edge)"]),
)
queries = st.lists(terms, min_size=1, max_size=4).map(" ".join)


@given(queries, st.integers(1, 80))
def test_every_completion_begins_with_what_is_typed_and_can_be_read(query: str, length: int) -> None:
    typed = query[:length]
    closing = ")" * (typed.count("(") - typed.count(")"))
    for text in complete(typed, EXISTING):
        assert text.startswith(typed)
        if text.endswith("."):
            text += "key="
        if text.endswith(("=", "<", ">")):
            text += "3h" if text.endswith("<") else "3"
        if text.endswith(("(", "not ")):
            text += "web"
        parse(text + closing + (")" if text.endswith("(web") else ""))


@given(st.text(max_size=30))
def test_no_text_makes_completing_fail(text: str) -> None:
    for found in complete(text, EXISTING):
        assert found.startswith(text)


@given(st.lists(st.text(min_size=1, max_size=8).filter(str.isprintable), min_size=1, max_size=5))
def test_a_completed_value_selects_the_nodes_that_have_it(values: list[str]) -> None:
    from calmtui.fleet.query import compile_query

    nodes = [Node(f"n{at}", "pod", "n", "lab", env=value) for at, value in enumerate(values)]
    for text in complete("env=", Existing(nodes)):
        try:
            chosen = compile_query(text)
        except QueryError as error:
            pytest.fail(f"{text!r}: {error}")
        assert any(map(chosen, nodes)), text
