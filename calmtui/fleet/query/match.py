"""Query to matcher: compiled once, cheap for each node, and unable to hang.

A term reads a column, one value for each of the nodes that are asked about, and tests all of it at once.
Values of fields with few different ones (kind, state, env…) are tested once each and remembered.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fnmatch import translate
from itertools import chain, compress
from operator import attrgetter, ge, gt, le, lt, or_
from typing import Any

from calmtui.errors import UsageError
from calmtui.fleet import hostset
from calmtui.fleet.matcher import EVERYTHING, Answers, Cost, Matcher, all_of, any_of, none_of
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.query import terms
from calmtui.fleet.query.parse import NUMBER_FIELDS, TIME_FIELDS, QueryError, number, parse
from calmtui.fleet.query.regex import finder
from calmtui.fleet.query.terms import Query

Tests = Callable[[Sequence[str]], list[bool]]
"""For each of some texts, whether it is what is looked for."""

Compare = Callable[[float, float], bool]
_ORDER: Mapping[str, Compare] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_MANY_VALUED = frozenset({"name", "id", "parent", "address"})
"""Fields with about as many values as nodes: remembering each would cost memory and gain nothing."""
_SEVERAL = frozenset({"address", "action"})
"""Fields with several values a node; one has to hold."""


@dataclass(frozen=True)
class Surroundings:
    """What a query may ask about beyond the node itself."""

    marked: AbstractSet[NodeId] = frozenset()
    stale: Callable[[Node], bool] = lambda node: False
    linked: Callable[[Matcher], Matcher] = lambda selects: none_of(EVERYTHING)
    """From what selects nodes to what selects those that are linked to them."""
    changed_at: Callable[[NodeId], float | None] = lambda node_id: None
    """When a node last changed, seconds since the epoch."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Saved queries and groups of the estate: name to query."""
    now: Callable[[], float] = time.time


NOWHERE = Surroundings()
"""Surroundings that know nothing."""


def compile_query(text: str, around: Surroundings = NOWHERE) -> Matcher:
    """What selects the nodes that a query is for. Raises QueryError."""
    return _Compiler(text, around, ()).compile(parse(text))


class _Compiler:
    """Turns the terms of one query text into matchers."""

    def __init__(self, text: str, around: Surroundings, within: tuple[str, ...]) -> None:
        self._text = text
        self._around = around
        self._within = within
        """The saved queries that led here, outermost first."""

    def compile(self, query: Query) -> Matcher:
        match query:
            case terms.All(parts):
                return all_of(map(self.compile, parts))
            case terms.Any(parts):
                return any_of(map(self.compile, parts))
            case terms.Not(part):
                return none_of(self.compile(part))
            case terms.Word():
                return self._word(query)
            case terms.Equals():
                return self._equals(query)
            case terms.Matches():
                return _on_field(query.field, self._pattern(query), query.negated)
            case terms.Order():
                return self._order(query)
            case terms.Flag("marked"):
                marked = self._around.marked
                return Matcher(lambda nodes: [node.id in marked for node in nodes], lasts=False)
            case terms.Flag():
                stale = self._around.stale
                return Matcher(lambda nodes: list(map(stale, nodes)), lasts=False)
            case terms.Named():
                return self._named(query)
            case terms.Linked(inner):
                return self._around.linked(self.compile(inner))

    def _word(self, word: terms.Word) -> Matcher:
        if not word.literal and (hostset.is_set(word.text) or _is_glob(word.text)):
            return _on_field("name", self._value(terms.Value(word.text), word.column))
        wanted = word.text.lower()
        return _on_field("name", lambda names: [wanted in name for name in map(str.lower, names)])

    def _equals(self, term: terms.Equals) -> Matcher:
        first, *others = [self._value(value, term.column) for value in term.values]

        def tests(texts: Sequence[str]) -> list[bool]:
            found = first(texts)
            for other in others:
                found = list(map(or_, found, other(texts)))
            return found

        return _on_field(term.field, tests, term.negated)

    def _value(self, value: terms.Value, column: int) -> Tests:
        if not value.literal and hostset.is_set(value.text):
            try:
                names = frozenset(name.lower() for name in hostset.expand(value.text))
            except UsageError as error:
                raise self._error(error.what, column, error.next_step) from None
            return lambda texts: list(map(names.__contains__, map(str.lower, texts)))
        if not value.literal and _is_glob(value.text):
            return _glob(value.text.lower())
        wanted = value.text.lower()
        return lambda texts: list(map(wanted.__eq__, map(str.lower, texts)))

    def _pattern(self, term: terms.Matches) -> Tests:
        try:
            return finder(term.pattern)
        except UsageError as error:
            raise self._error(error.what, term.column, error.next_step) from None

    def _order(self, term: terms.Order) -> Matcher:
        compare = _ORDER[term.operator]
        if term.field in TIME_FIELDS:
            limit = seconds(term.value)
            assert limit is not None  # the parser has seen to it
            return Matcher(self._since(term.field, compare, limit), lasts=False)
        wanted = number(term.value)
        assert wanted is not None
        if term.field in NUMBER_FIELDS:
            read = attrgetter(term.field)
            return Matcher(
                lambda nodes: [value is not None and compare(value, wanted) for value in map(read, nodes)], Cost.LITTLE
            )
        return _on_field(
            term.field,
            lambda texts: [value is not None and compare(value, wanted) for value in map(number, texts)],
        )

    def _since(self, name: str, compare: Compare, limit: float) -> Answers:
        """Whether the seconds since a moment of a node compare so to a limit; not when it has none."""
        around = self._around

        def answers(nodes: Sequence[Node]) -> list[bool]:
            now = around.now()
            if name == "age":
                return [(at := node.created) is not None and compare(now - at, limit) for node in nodes]
            return [(at := around.changed_at(node.id)) is not None and compare(now - at, limit) for node in nodes]

        return answers

    def _named(self, term: terms.Named) -> Matcher:
        if term.name in self._within:
            way = " → ".join(f"@{name}" for name in (*self._within, term.name))
            raise self._error(f"@{term.name} leads to itself: {way}", term.column)
        text = self._around.named.get(term.name)
        if text is None:
            known = ", ".join(f"@{name}" for name in sorted(self._around.named)) or "none yet"
            raise self._error(f"there is no saved query @{term.name}", term.column, f"saved: {known}")
        try:
            return _Compiler(text, self._around, (*self._within, term.name)).compile(parse(text))
        except QueryError as error:  # its column lies in the saved text, not in what was typed
            raise self._error(f"@{term.name}: {error.what}", term.column, error.next_step) from None

    def _error(self, what: str, column: int, next_step: str = "") -> QueryError:
        return QueryError(what, text=self._text, column=max(column, 1), next_step=next_step)


def _is_glob(text: str) -> bool:
    return "*" in text or "?" in text


def _glob(pattern: str) -> Tests:
    """Texts that a glob of small letters fits."""
    beginning = pattern.removesuffix("*")
    if not _is_glob(beginning):  # most are so, and it takes a third
        return lambda texts: [text.startswith(beginning) for text in map(str.lower, texts)]
    found = re.compile(translate(pattern)).match
    return lambda texts: [found(text) is not None for text in map(str.lower, texts)]


# -- columns ------------------------------------------------------------------------


def _on_field(name: str, tests: Tests, negated: bool = False) -> Matcher:
    """What selects the nodes of which a field passes the test, or does not."""
    many = name in _MANY_VALUED
    if not many:
        tests = _Remembered(tests).answers
    matcher = Matcher(_answers(name, tests), Cost.SOME if many else Cost.LITTLE)
    return none_of(matcher) if negated else matcher


def _answers(name: str, tests: Tests) -> Answers:
    read = _reader(name)
    if name not in _SEVERAL:
        return lambda nodes: tests(read(nodes))

    def answers(nodes: Sequence[Node]) -> list[bool]:
        held = read(nodes)
        values = list(chain.from_iterable(held))
        wanted = set(compress(values, tests(values)))
        return [not wanted.isdisjoint(texts) for texts in held] if wanted else [False] * len(nodes)

    return answers


def _reader(name: str) -> Callable[[Sequence[Node]], list[Any]]:
    """From nodes to what each holds in a field: a text, or several of them."""
    family, _, key = name.partition(".")
    if family == "label":
        return lambda nodes: [node.labels.get(key, "") for node in nodes]
    if family == "fact":
        return lambda nodes: [node.facts.get(key, "") for node in nodes]
    if name == "parent":
        return lambda nodes: [node.parent or "" for node in nodes]
    read = attrgetter({"address": "addresses", "action": "actions"}.get(name, name))
    return lambda nodes: list(map(read, nodes))


class _Remembered(dict[str, bool]):
    """Tests whose answer for each text is kept."""

    def __init__(self, tests: Tests) -> None:
        super().__init__()
        self._tests = tests

    def answers(self, texts: Sequence[str]) -> list[bool]:
        return list(map(self.__getitem__, texts))

    def __missing__(self, text: str) -> bool:
        answer = self[text] = self._tests((text,))[0]
        return answer
