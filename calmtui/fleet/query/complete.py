"""Completing a query: from its beginning to texts that it may become, out of fields and of values that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from calmtui.fleet.node import Node
from calmtui.fleet.query.parse import FAMILIES, NUMBER_FIELDS, TEXT_FIELDS, TIME_FIELDS
from calmtui.fleet.query.terms import Value, quote

_TERM = re.compile(r"(?:^|[\s(])([A-Za-z_]\w*(?:\.[\w./-]+)?)\s*(!=|!~|<=|>=|[=~<>])\s*([^\s()\"']*)$")
_WORD = re.compile(r"(?:^|[\s(])([^\s()\"'\[\]=~<>!,]*)$")
_FIRST = ("state", "kind", "env", "service", "source", "name")
"""Fields that are asked for most, to be offered first."""
_LENGTHS = ("5m", "30m", "1h", "24h", "7d")
_WHOLE = ("not ", "marked", "stale", "linked(")
"""What else a term may begin with."""


class Existing:
    """Values and keys that there are among some nodes, the commonest first; each field is counted when first asked."""

    def __init__(self, nodes: Iterable[Node], names: Iterable[str] = ()) -> None:
        self.names = sorted(names)
        """What may follow `@`."""
        self._nodes = list(nodes)
        self._values: dict[str, list[str]] = {}

    def values(self, field: str) -> Sequence[str]:
        """The values of a field, such as `kind` or `label.app`."""
        if field not in self._values:
            self._values[field] = _by_number(Counter(value for node in self._nodes for value in _read(node, field)))
        return self._values[field]

    def keys(self, family: str) -> Sequence[str]:
        """The keys of `label` or `fact`."""
        if family not in self._values:
            found = Counter(key for node in self._nodes for key in (node.labels if family == "label" else node.facts))
            self._values[family] = _by_number(found)
        return self._values[family]


def complete(text: str, existing: Existing) -> Iterator[str]:
    """Texts that begin with this one, the likeliest first; none while nothing is typed, or within quotes."""
    if not text or _in_quotes(text):
        return
    if (term := _TERM.search(text)) is not None:
        field, operator, value = term.groups()
        yield from (text + rest for rest in _values(field.lower(), operator, value, existing))
    elif (word := _WORD.search(text)) is not None:
        yield from (text + rest for rest in _beginnings(word[1], existing))


def _values(field: str, operator: str, typed: str, existing: Existing) -> Iterator[str]:
    if operator in ("<", "<=", ">", ">="):
        if field in TIME_FIELDS:
            yield from _rests(typed, _LENGTHS)
    elif operator in ("=", "!="):
        if typed.count("[") > typed.count("]"):
            return  # within a host set
        yield from _rests(typed.rpartition(",")[2], map(_written, existing.values(field)))


def _beginnings(typed: str, existing: Existing) -> Iterator[str]:
    if typed.startswith("@"):
        yield from _rests(typed[1:], existing.names)
        return
    family, dot, key = typed.partition(".")
    if dot and family.lower() in FAMILIES:
        known = (name for name in existing.keys(family.lower()) if re.fullmatch(r"[\w./-]+", name))
        yield from (f"{rest}=" for rest in _rests(key, known, whole=True))
        return
    fields = dict.fromkeys((*_FIRST, *TEXT_FIELDS))
    yield from (f"{rest}=" for rest in _rests(typed, fields, whole=True))
    yield from (f"{rest}<" for rest in _rests(typed, TIME_FIELDS, whole=True))
    yield from (f"{rest}>" for rest in _rests(typed, NUMBER_FIELDS, whole=True))
    yield from (f"{rest}." for rest in _rests(typed, FAMILIES, whole=True))
    yield from _rests(typed, _WHOLE)


def _rests(typed: str, known: Iterable[str], *, whole: bool = False) -> Iterator[str]:
    """What is missing of each that begins with what is typed; of `whole` ones, nothing may be missing too."""
    wanted = typed.lower()
    for text in known:
        if text.lower().startswith(wanted) and (whole or len(text) > len(typed)):
            yield text[len(typed) :]


def _read(node: Node, field: str) -> Iterable[str]:
    family, _, key = field.partition(".")
    match family:
        case "label" | "fact":
            value = (node.labels if family == "label" else node.facts).get(key, "")
        case "address":
            return node.addresses
        case "action":
            return node.actions
        case _ if field in TEXT_FIELDS:
            value = getattr(node, field) or ""
        case _:
            value = ""
    return (value,) if value else ()


def _written(value: str) -> str:
    """A value as it is typed; one that would be read as a glob or a host set is quoted."""
    return quote(value) if any(sign in value for sign in "*?[") else str(Value(value))


def _by_number(found: Counter[str]) -> list[str]:
    return [value for value, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def _in_quotes(text: str) -> bool:
    inside, escaped = "", False
    for sign in text:
        if escaped:
            escaped = False
        elif inside:
            escaped = sign == "\\"
            inside = "" if sign == inside else inside
        elif sign in "\"'":
            inside = sign
    return bool(inside)
