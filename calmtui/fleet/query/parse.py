"""Text to query: parsing, and errors that point at the column and say what was expected."""

from __future__ import annotations

import difflib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.fleet.moment import seconds
from calmtui.fleet.query import terms
from calmtui.fleet.query.terms import Query

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

TEXT_FIELDS = (
    "name", "kind", "state", "source", "env", "service", "region", "image", "reason", "raw_state",
    "address", "action", "id", "parent",
)  # fmt: skip
TIME_FIELDS = ("age", "changed")
"""Since it was created, and since its last change: compared with a length of time."""
NUMBER_FIELDS = ("restarts",)
FAMILIES = ("label", "fact")
"""Fields with a key: `label.app`, `fact.load`; numbers in them can be compared."""

_EXPECTED = {
    "FIELD": "a comparison such as kind=pod", "WORD": "a name", "VALUE": "a value", "PATTERN": "a regular expression",
    "NUMBER": "a number or a length of time such as 30m", "QUOTED": "a text in quotes", "LPAR": "(", "RPAR": ")",
    "GROUP": "the name of a saved query", "EQUALS": "=", "MATCHES": "~", "ORDER": "<", "AT": "@", "_NOT": "not",
    "_AND": "and", "_OR": "or", "_LINKED": "linked(", "COMMA": ",", "$END": "the end",
}  # fmt: skip


class QueryError(UsageError):
    """A query that cannot be read. `column` counts from 1; `caret()` shows the place."""

    def __init__(self, what: str, *, text: str, column: int, next_step: str = "") -> None:
        super().__init__(what, where=f"column {column}", next_step=next_step)
        self.text = text
        self.column = column

    def caret(self) -> str:
        """The query with a caret below the place, in two lines."""
        return f"{self.text}\n{' ' * (self.column - 1)}^"


def parse(text: str) -> Query:
    """Read a query; an empty one selects everything. Raises QueryError."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

    try:
        tree = _parser().parse(text)
    except UnexpectedToken as error:
        ended = error.token.type == "$END"
        column = len(text) + 1 if ended else error.token.column or 1
        what = "the query ends too early" if ended else f"{str(error.token)!r} is not expected here"
        raise QueryError(what, text=text, column=column, next_step=_expected(error.accepts or error.expected)) from None
    except UnexpectedEOF as error:
        raise QueryError(
            "the query ends too early", text=text, column=len(text) + 1, next_step=_expected(set(error.expected))
        ) from None
    except UnexpectedCharacters as error:
        raise QueryError(
            _stray(text, error.column), text=text, column=error.column, next_step=_expected(error.allowed or set())
        ) from None
    return _build(tree, text)


@cache
def _parser() -> Lark:
    from lark import Lark  # 0.13 s: paid with the first query, not at the start

    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _expected(kinds: set[str]) -> str:
    words = sorted({_EXPECTED[kind] for kind in kinds if kind in _EXPECTED})
    return f"expected {', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else f"expected {''.join(words)}"


def _stray(text: str, column: int) -> str:
    character = text[column - 1 : column]
    if character in {'"', "'"}:
        return f"the quote {character} is never closed"
    return f"{character!r} is not expected here"


def _build(tree: Tree[Token], text: str) -> Query:
    """The tree of terms for a tree of lark's."""
    parts = tree.children
    if tree.data == "start":
        return _build_child(parts[0], text) if parts else terms.All()
    if tree.data in {"any", "all"}:
        built = tuple(_build_child(part, text) for part in parts)
        return terms.Any(built) if tree.data == "any" else terms.All(built)
    if tree.data == "not_":
        return terms.Not(_build_child(parts[0], text))
    if tree.data == "linked":
        return terms.Linked(_build_child(parts[0], text))
    return _leaf(tree, text)


def _build_child(part: Tree[Token] | Token, text: str) -> Query:
    assert not isinstance(part, str)
    return _build(part, text)


def _leaf(tree: Tree[Token], text: str) -> Query:
    first = tree.children[0]
    assert isinstance(first, str)
    column = first.column or 1
    if tree.data == "word":
        if first.lower() in {"marked", "stale"}:
            return terms.Flag(first.lower())
        return terms.Word(str(first), column=column)
    if tree.data == "quoted":
        return terms.Word(_unquote(first), literal=True, column=column)
    if tree.data == "named":
        return terms.Named(str(first), column=column)
    field = _field(str(first), text, column)
    operator = str(tree.children[1])
    if tree.data == "equals":
        values = tuple(_value(child) for child in tree.children[2:])
        return terms.Equals(field, values, operator == "!=", column)
    raw = tree.children[2]
    assert isinstance(raw, str)
    value = _unquote(raw) if raw.type == "QUOTED" else str(raw)
    if tree.data == "matches":
        return terms.Matches(field, value, operator == "!~", column)
    return _order(field, operator, value, text, column, raw.column or column)


def _value(child: Tree[Token] | Token) -> terms.Value:
    assert not isinstance(child, str)
    token = child.children[0]
    assert isinstance(token, str)
    return terms.Value(_unquote(token), literal=True) if token.type == "QUOTED" else terms.Value(str(token))


def _unquote(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _field(name: str, text: str, column: int) -> str:
    family, dot, key = name.partition(".")
    if dot and family.lower() in FAMILIES:
        return f"{family.lower()}.{key}"
    known = (*TEXT_FIELDS, *TIME_FIELDS, *NUMBER_FIELDS)
    if name.lower() in known:
        return name.lower()
    near = difflib.get_close_matches(name.lower(), known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"fields: {', '.join(known)}, label.KEY, fact.KEY"
    raise QueryError(f"there is no field {name!r}", text=text, column=column, next_step=hint)


def _order(field: str, operator: str, value: str, text: str, column: int, at: int) -> terms.Order:
    family = field.partition(".")[0]
    if field in TIME_FIELDS:
        if seconds(value) is None:
            raise QueryError(
                f"{value!r} is no length of time", text=text, column=at, next_step="write 90s, 30m, 2h, 7d"
            )
    elif field in NUMBER_FIELDS or family in FAMILIES:
        if number(value) is None:
            raise QueryError(f"{value!r} is no number", text=text, column=at, next_step="write 3 or 0.5")
    else:
        raise QueryError(
            f"{field} is a text: it cannot be compared with {operator}",
            text=text,
            column=column,
            next_step=f"use = or ~, or one of {', '.join((*TIME_FIELDS, *NUMBER_FIELDS))}",
        )
    return terms.Order(field, operator, value, column)


def number(text: str) -> float | None:
    """A decimal number, or None."""
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII) else None
