"""The query language: what it means, that it prints as it reads, and that its errors point at the place."""

from __future__ import annotations

import re
import time
from fnmatch import fnmatchcase

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.linked import linked
from calmtui.fleet.links import Links
from calmtui.fleet.matcher import Matcher
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node, State
from calmtui.fleet.query import QueryError, Surroundings, compile_query, parse, terms
from calmtui.fleet.query.parse import TEXT_FIELDS
from tests.strategies import names, nodes

NOW = 1_000_000.0


def node(name: str = "web-7d9f", **more: object) -> Node:
    fields: dict[str, object] = {"kind": "pod", "source": "prod", "state": State.RUNNING, **more}
    return Node(id=f"x:{name}", name=name, **fields)  # type: ignore[arg-type]  # fields come by name


WEB = node(
    env="production", service="web", region="eu-west-1", labels={"app": "api", "app.kubernetes.io/name": "shop"},
    restarts=4, created=NOW - 7200, image="shop/web:1.9.2", addresses=("10.2.4.7", "web.local"), facts={"load": "4.5"},
)  # fmt: skip
AROUND = Surroundings(
    marked={"x:web-7d9f"}, stale=lambda node: node.source == "old", changed_at={"x:web-7d9f": NOW - 60}.get,
    linked=lambda selects: Matcher(lambda nodes: [selects(node("host-1", kind="host"))] * len(nodes)),
    named={"canary": "label.app=api", "loop": "@pool", "pool": "not @loop"}, now=lambda: NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "", "web", "WEB", "7d9f", "web-*", '"web-7d9f"', "kind=pod", "kind=host,pod", "kind!=host,node",
        "state=running", "kind = pod", "name~^web-", "name~^WEB-|9f$", "name!~^api", "image~1[.]9", "label.app=api",
        "label.app.kubernetes.io/name=shop", "label.none=\"\"", "env=prod*", "env=PRODUCTION", "restarts>3",
        "restarts<=4",
        "age<3h", "age>=1h59m", "changed<2m", "fact.load>4", "address=10.2.*", "marked", "not stale", "@canary",
        "linked(kind=host)", "env=production and (region=eu-* or age<1h)", "(web)", "web kind=pod", "web and kind=pod",
        "not (host)", "not not web", "nothing or web", "nothing or nothing or web", "not nothing web", "source=prod",
        "name~'(web|api)-.*'", "andy or web", 'name="web-7d9f"', "raw_state=\"\"", "id=x:web-7d9f", "Kind=pod",
    ],
)  # fmt: skip
def test_it_selects(query: str) -> None:
    assert compile_query(query, AROUND)(WEB)


@pytest.mark.parametrize(
    "query",
    [
        "api", "web-8*", '"web-*"', "kind=host", "kind!=pod,host", "state=failed", "name~^WEB", "name!~web",
        "label.app=web", "restarts>4", "restarts<4", "age<1h", "changed<30s", "fact.load>5", "fact.none<1",
        "not marked", "stale",
        "not @canary", "linked(kind=pod)", "web and nothing", "web nothing", "not web", "not (web or x)",
        "address=11.*", "\"marked\"", "host-[1-3]",
    ],
)  # fmt: skip
def test_it_does_not_select(query: str) -> None:
    assert not compile_query(query, AROUND)(WEB)


def test_a_host_set_names_exactly_its_hosts() -> None:
    chosen = compile_query("web[001-003,!002] or name=db-[1-2]")
    assert [n for n in ("web001", "web002", "web003", "web0010", "db-1", "db-3") if chosen(node(n))] == [
        "web001",
        "web003",
        "db-1",
    ]


def test_a_node_without_the_value_is_on_neither_side_of_a_comparison() -> None:
    bare = node("bare")
    assert not any(
        compile_query(query, AROUND)(bare) for query in ("restarts<9", "restarts>=0", "age<9w", "age>0s", "changed>0s")
    )


@pytest.mark.parametrize(
    ("query", "column", "says"),
    [
        ("kind=", 6, "ends too early"), ("(web", 5, "ends too early"), ("web)", 4, "not expected"),
        ("kine=pod", 1, "did you mean 'kind'"), ("web and nosuch=1", 9, "fields: name"), ("age<soon", 5, "30m"),
        ("kind<3", 1, "cannot be compared"), ("restarts>many", 10, "no number"), ('name="web', 6, "never closed"),
        ("@nowhere", 2, "saved: @canary"), ("name~[", 1, "no regular expression"), ("or web", 1, "not expected"),
        ("web[1-99999999]", 1, "more than"), ("@loop", 2, "leads to itself"), ("name~(a)(?=b)", 6, "quotes"),
        ("linked(kind=pod", 16, "ends too early"), ("label.app<x", 11, "no number"), ("not", 4, "ends too early"),
    ],
)  # fmt: skip
def test_errors_point_at_the_place_and_say_what_was_expected(query: str, column: int, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        compile_query(query, AROUND)
    assert caught.value.column == column
    assert says in str(caught.value)
    assert caught.value.caret().splitlines()[1].index("^") == column - 1


def test_no_regular_expression_of_a_user_freezes_anything() -> None:
    patterns = ["(a+)+$", "(a|aa)+$", "a*a*a*a*a*a*b", "a*a*b", "a?" * 30 + "a" * 30 + "b", "(a|a)" * 30 + "b", "a*b"]
    evil = compile_query(" or ".join(f"name~'{pattern}'" for pattern in patterns))
    began = time.process_time()
    assert evil.among([node("a" * 5000 + "!"), node("a" * 100 + "!"), node("a" * 40 + "!")]) == []
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("query", "name"),
    [("name~^web\\S+", "WEB-1"), ("name~[[:alpha:]]{3}", "web"), ("name~'o.*x'", "o" * 4000 + "x"), ("name~^$", "")],
)
def test_a_pattern_means_the_same_whichever_engine_reads_it(query: str, name: str) -> None:
    assert compile_query(query)(node(name))


texts = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["and", "OR", "not", "marked", "a b", 'q"', "\\", "web[1-2]", "*", "@x"]
)
fields = st.sampled_from([*TEXT_FIELDS, "label.app", "label.a/b.c-d"])
values = st.builds(terms.Value, texts, st.just(True)) | st.builds(
    terms.Value, st.sampled_from(["a", "a*", "x[1-3]", "1.9"])
)
leaves = st.one_of(
    st.builds(terms.Word, texts, st.just(True)),
    st.builds(terms.Word, st.sampled_from(["web", "web-*", "web[1-3]", "a/b", "x.y:z"])),
    st.builds(terms.Flag, st.sampled_from(["marked", "stale"])),
    st.builds(terms.Equals, fields, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(terms.Matches, fields, st.sampled_from(["^a", "a b", "(x|y)", '"', "b$"]), st.booleans()),
    st.builds(
        terms.Order, st.just("restarts"), st.sampled_from(["<", "<=", ">", ">="]), st.sampled_from(["0", "3", "2.5"])
    ),
    st.builds(terms.Named, st.sampled_from(["canary", "a-b.c"])),
)
pairs = {"min_size": 2, "max_size": 3}
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(terms.Not, inner), st.builds(terms.Linked, inner),
        st.builds(terms.All, st.lists(inner, **pairs).map(tuple)),
        st.builds(terms.Any, st.lists(inner, **pairs).map(tuple)),
    ),
    max_leaves=8,
)  # fmt: skip


def without_places(query: terms.Query) -> str:
    return re.sub(r", column=\d+", "", repr(query))


@given(queries)
def test_a_query_prints_as_text_that_reads_back_the_same(query: terms.Query) -> None:
    printed = str(query)
    assert without_places(parse(printed)) == without_places(query)


@given(
    st.text(max_size=30)
    | st.lists(st.sampled_from([*"()=~<>!@\"',*[] ", "and ", "not ", "kind", "web", "linked"]), max_size=10).map(
        "".join
    )
)
def test_any_text_is_a_query_or_an_error_within_it(text: str) -> None:
    try:
        compile_query(text, AROUND)(WEB)
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1


def naive(query: terms.Query, node: Node, links: Links) -> bool:
    """What a query means, said without any cleverness."""
    match query:
        case terms.All(parts):
            return all(naive(part, node, links) for part in parts)
        case terms.Any(parts):
            return any(naive(part, node, links) for part in parts)
        case terms.Not(part):
            return not naive(part, node, links)
        case terms.Linked(inner):
            return any(naive(inner, link.node, links) for link in links.of(node))
        case terms.Matches(field, pattern, negated):
            text = ",".join(node.addresses) if field == "address" else getattr(node, field)
            return (re.search(pattern, text, re.IGNORECASE) is not None) != negated
        case terms.Equals("address", wanted, negated):
            return any(fnmatchcase(text, value.text) for text in node.addresses for value in wanted) != negated
        case terms.Word(text, literal):
            return (
                fnmatchcase(node.name.lower(), text.lower())
                if "*" in text and not literal
                else text.lower() in node.name.lower()
            )
        case terms.Equals(field, wanted, negated):
            actual = (node.labels.get("app", "") if field == "label.app" else getattr(node, field)).lower()
            return any(fnmatchcase(actual, value.text.lower()) for value in wanted) != negated
        case terms.Order(_, operator, value):
            if node.restarts is None:
                return False
            limit = float(value)
            return {"<": node.restarts < limit, "<=": node.restarts <= limit, ">": node.restarts > limit}.get(
                operator, node.restarts >= limit
            )
        case terms.Flag("marked"):
            return len(node.id) % 2 == 0
    raise AssertionError(query)


simple_values = st.sampled_from(["pod", "host", "p*", "production", "", "web", "running", "fail*", "a*"]).map(
    lambda text: terms.Value(text, literal=not text)
)
simple_leaves = st.one_of(
    st.builds(terms.Word, st.sampled_from(["a", "B", "a*", "*0", "nothing"])),
    st.builds(terms.Equals, st.sampled_from(["kind", "env", "service", "state", "name", "label.app"]),
              st.lists(simple_values, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(terms.Order, st.just("restarts"), st.sampled_from(["<", "<=", ">", ">="]),
              st.sampled_from(["0", "3", "7.5"])),
    st.builds(terms.Matches, st.sampled_from(["name", "kind", "env"]),
              st.sampled_from(["^p", "o.*o", "(d|t)$", "[ab]+", "(a+)+$"]), st.booleans()),
    st.builds(terms.Equals, st.just("address"),
              st.lists(st.sampled_from(["10.*", "10.0.0.1", "*.2"]).map(terms.Value), min_size=1).map(tuple),
              st.booleans()),
    st.just(terms.Flag("marked")),
)  # fmt: skip
simple_queries = st.recursive(
    simple_leaves,
    lambda inner: (
        st.builds(terms.Not, inner)
        | st.builds(terms.Linked, inner)
        | st.builds(terms.All, st.lists(inner, **pairs).map(tuple))
        | st.builds(terms.Any, st.lists(inner, **pairs).map(tuple))
    ),
    max_leaves=8,
)


@st.composite
def linked_nodes(draw: st.DrawFn) -> Node:
    """A node that may be the same as others, or run on one."""
    node = draw(nodes())
    return msgspec.structs.replace(
        node,
        addresses=tuple(draw(st.lists(st.sampled_from(["10.0.0.1", "10.0.0.2"]), max_size=2))),
        aliases=tuple(draw(st.lists(st.sampled_from(["ec2:1", "container:1"]), max_size=1))),
        runs_on=draw(st.just("") | names),
    )


@given(simple_queries, st.lists(linked_nodes(), max_size=12, unique_by=lambda node: node.id))
def test_a_compiled_query_selects_what_a_naive_interpreter_does(query: terms.Query, some: list[Node]) -> None:
    fleet = Fleet()
    fleet.restore(some, [])
    links = Links(fleet)
    around = Surroundings(
        marked={node.id for node in some if len(node.id) % 2 == 0}, linked=lambda selects: linked(links, selects)
    )
    wanted = [naive(query, node, links) for node in some]
    assert compile_query(str(query), around).answers(some) == wanted
    assert list(map(compile_query(str(query), around), some)) == wanted


def test_lengths_of_time() -> None:
    assert [seconds(text) for text in ("90s", "1h30m", "7d", "1.5h", "", "5", "5x", "s")] == [
        90,
        5400,
        604800,
        5400,
        None,
        None,
        None,
        None,
    ]
