"""Query to predicate: compiled once, cheap for each node, and unable to hang.

Values of fields with few different ones (kind, state, env…) are tested once each and remembered, so
that a query over 100,000 nodes costs little more than a dictionary look-up a node.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fnmatch import translate
from operator import attrgetter, ge, gt, le, lt

from calmtui.errors import UsageError
from calmtui.fleet import hostset
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.query import terms
from calmtui.fleet.query.parse import NUMBER_FIELDS, TIME_FIELDS, QueryError, number, parse
from calmtui.fleet.query.terms import Query

Matcher = Callable[[Node], bool]
Test = Callable[[str], bool]

_ORDER: Mapping[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_MANY_VALUED = frozenset({"name", "id", "parent", "address"})
"""Fields with about as many values as nodes: remembering each would cost memory and gain nothing."""


@dataclass(frozen=True)
class Surroundings:
    """What a query may ask about beyond the node itself."""

    marked: AbstractSet[NodeId] = frozenset()
    stale: Matcher = lambda node: False
    linked: Callable[[Matcher], Matcher] = lambda selects: lambda node: False
    """From a predicate to the one for the nodes that are linked to what it selects."""
    changed_at: Callable[[NodeId], float | None] = lambda node_id: None
    """When a node last changed, seconds since the epoch."""
    named: Mapping[str, str] = field(default_factory=dict)
    """Saved queries and groups of the estate: name to query."""
    now: Callable[[], float] = time.time


NOWHERE = Surroundings()
"""Surroundings that know nothing."""


def compile_query(text: str, around: Surroundings = NOWHERE) -> Matcher:
    """A predicate for the nodes that a query selects. Raises QueryError."""
    return _Compiler(text, around, ()).compile(parse(text))


class _Compiler:
    """Turns the terms of one query text into closures."""

    def __init__(self, text: str, around: Surroundings, within: tuple[str, ...]) -> None:
        self._text = text
        self._around = around
        self._within = within
        """The saved queries that led here, outermost first."""

    def compile(self, query: Query) -> Matcher:
        match query:
            case terms.All(parts):
                return _all([self.compile(part) for part in parts])
            case terms.Any(parts):
                return _any([self.compile(part) for part in parts])
            case terms.Not(part):
                inner = self.compile(part)
                return lambda node: not inner(node)
            case terms.Word():
                return self._word(query)
            case terms.Equals():
                return self._equals(query)
            case terms.Matches():
                test = self._pattern(query.pattern, query.column)
                return self._on_field(query.field, test, query.negated)
            case terms.Order():
                return self._order(query)
            case terms.Flag("marked"):
                marked = self._around.marked
                return lambda node: node.id in marked
            case terms.Flag():
                return self._around.stale
            case terms.Named():
                return self._named(query)
            case terms.Linked(inner_query):
                return self._around.linked(self.compile(inner_query))

    def _word(self, word: terms.Word) -> Matcher:
        if not word.literal and (hostset.is_set(word.text) or _is_glob(word.text)):
            test = self._value(terms.Value(word.text), word.column)
            return lambda node: test(node.name)
        wanted = word.text.lower()
        return lambda node: wanted in node.name.lower()

    def _equals(self, term: terms.Equals) -> Matcher:
        tests = [self._value(value, term.column) for value in term.values]
        if len(tests) == 1:
            return self._on_field(term.field, tests[0], term.negated)
        return self._on_field(term.field, lambda text: any(test(text) for test in tests), term.negated)

    def _value(self, value: terms.Value, column: int) -> Test:
        if not value.literal and hostset.is_set(value.text):
            try:
                names = frozenset(name.lower() for name in hostset.expand(value.text))
            except UsageError as error:
                raise self._error(error.what, column, error.next_step) from None
            return lambda text: text.lower() in names
        if not value.literal and _is_glob(value.text):
            found = re.compile(translate(value.text), re.IGNORECASE).match
            return lambda text: found(text) is not None
        wanted = value.text.lower()
        return lambda text: text.lower() == wanted

    def _pattern(self, pattern: str, column: int) -> Test:
        ignore_case = pattern == pattern.lower()
        try:
            search = _search(pattern, ignore_case)
        except UsageError as error:
            raise self._error(error.what, column, error.next_step) from None
        return lambda text: search(text) is not None

    def _on_field(self, name: str, test: Test, negated: bool) -> Matcher:
        if name not in _MANY_VALUED:
            test = _Remembered(test).__getitem__
        holds = _field_matcher(name, test)
        return (lambda node: not holds(node)) if negated else holds

    def _order(self, term: terms.Order) -> Matcher:
        compare = _ORDER[term.operator]
        if term.field in TIME_FIELDS:
            limit = seconds(term.value)
            assert limit is not None  # the parser has seen to it
            now = self._around.now
            if term.field == "age":
                return lambda node: node.created is not None and compare(now() - node.created, limit)
            changed_at = self._around.changed_at
            return lambda node: (at := changed_at(node.id)) is not None and compare(now() - at, limit)
        wanted = number(term.value)
        assert wanted is not None
        if term.field in NUMBER_FIELDS:
            read = attrgetter(term.field)
            return lambda node: (value := read(node)) is not None and compare(value, wanted)
        return self._on_field(
            term.field, lambda text: (value := number(text)) is not None and compare(value, wanted), negated=False
        )

    def _named(self, term: terms.Named) -> Matcher:
        if term.name in self._within:
            chain = " → ".join(f"@{name}" for name in (*self._within, term.name))
            raise self._error(f"@{term.name} leads to itself: {chain}", term.column)
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


class _Remembered(dict[str, bool]):
    """A test whose answer for each text is kept."""

    def __init__(self, test: Test) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, text: str) -> bool:
        answer = self[text] = self._test(text)
        return answer


def _field_matcher(name: str, test: Test) -> Matcher:
    family, _, key = name.partition(".")
    if family == "label":
        return lambda node: test(node.labels.get(key, ""))
    if family == "fact":
        return lambda node: test(node.facts.get(key, ""))
    if name == "address":
        return lambda node: any(map(test, node.addresses))
    if name == "action":
        return lambda node: any(map(test, node.actions))
    if name == "parent":
        return lambda node: test(node.parent or "")
    read = attrgetter(name)
    return lambda node: test(read(node))


def _all(parts: list[Matcher]) -> Matcher:
    if not parts:
        return lambda node: True
    if len(parts) == 2:
        first, second = parts
        return lambda node: first(node) and second(node)
    return lambda node: all(part(node) for part in parts)


def _any(parts: list[Matcher]) -> Matcher:
    if len(parts) == 2:
        first, second = parts
        return lambda node: first(node) or second(node)
    return lambda node: any(part(node) for part in parts)


def _is_glob(text: str) -> bool:
    return "*" in text or "?" in text


_BACKTRACKS = re.compile(r"\)[*+{?]|\\\d|\(\?[^:i]")
"""Constructs with which Python's own engine may take exponential time: repeated groups, back-references…"""


def _search(pattern: str, ignore_case: bool) -> Callable[[str], object]:
    """`search` of an engine that cannot hang: Python's, ten times faster here, where the pattern is harmless."""
    if not _BACKTRACKS.search(pattern) and len(re.findall(r"[*+{]", pattern)) <= 2:
        try:
            return re.compile(pattern, re.IGNORECASE if ignore_case else 0).search
        except re.error as error:
            raise UsageError(f"{pattern!r} is no regular expression: {error}") from None
    import re2

    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    try:
        search: Callable[[str], object] = re2.compile(pattern, options).search
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise UsageError(
            f"{pattern!r} is no regular expression that runs in linear time: {reason}",
            next_step="look-around and back-references are not supported",
        ) from None
    return search
