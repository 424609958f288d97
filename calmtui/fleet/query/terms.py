"""A query as a tree. `str()` of any part is text that parses to the same tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN_VALUE = re.compile(r"([^\s()\"',\[\]\\]|\[[^\]\s\\]*\])+")
_PLAIN_WORD = re.compile(r"([^\s()\"',\[\]@=~<>!\\]|\[[^\]\s\\]*\])([^\s()\"',\[\]=~<>\\]|\[[^\]\s\\]*\])*")
_PLAIN_PATTERN = re.compile(r"[^\s()\"']+")
RESERVED = frozenset({"and", "or", "not", "marked", "stale", "linked"})
"""Words that mean something; in quotes they are ordinary text."""


def quote(text: str) -> str:
    """A text in double quotes, as the grammar reads it back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class Word:
    """The node's name contains it, or matches it where it is a glob or a host set. Case does not matter."""

    text: str
    literal: bool = False
    """Written in quotes: `*` and brackets are ordinary characters."""
    column: int = 0

    def __str__(self) -> str:
        plain = not self.literal and _PLAIN_WORD.fullmatch(self.text) and self.text.lower() not in RESERVED
        return self.text if plain else quote(self.text)


@dataclass(frozen=True)
class Flag:
    """`marked` or `stale`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Value:
    """One value of a comparison; a glob or a host set unless it was written in quotes."""

    text: str
    literal: bool = False

    def __str__(self) -> str:
        return self.text if not self.literal and _PLAIN_VALUE.fullmatch(self.text) else quote(self.text)


@dataclass(frozen=True)
class Equals:
    """The field is one of the values (`=`), or none of them (`!=`). Case does not matter."""

    field: str
    values: tuple[Value, ...]
    negated: bool = False
    column: int = 0

    def __str__(self) -> str:
        return f"{self.field}{'!=' if self.negated else '='}{','.join(map(str, self.values))}"


@dataclass(frozen=True)
class Matches:
    """A regular expression is found in the field (`~`), or is not (`!~`). Without capitals, case does not matter."""

    field: str
    pattern: str
    negated: bool = False
    column: int = 0

    def __str__(self) -> str:
        pattern = self.pattern if _PLAIN_PATTERN.fullmatch(self.pattern) else quote(self.pattern)
        return f"{self.field}{'!~' if self.negated else '~'}{pattern}"


@dataclass(frozen=True)
class Order:
    """The field is less or more than a number or a length of time. False where the field has no such value."""

    field: str
    operator: str
    value: str
    column: int = 0

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"


@dataclass(frozen=True)
class Named:
    """`@name`: a saved query or a group of the estate."""

    name: str
    column: int = 0

    def __str__(self) -> str:
        return f"@{self.name}"


@dataclass(frozen=True)
class Linked:
    """The node is linked to one that the inner query selects."""

    query: Query

    def __str__(self) -> str:
        return f"linked({self.query})"


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Query

    def __str__(self) -> str:
        return f"not {self.part}" if isinstance(self.part, Not) else f"not {_inside(self.part)}"


@dataclass(frozen=True)
class All:
    """Every part holds; without parts, always."""

    parts: tuple[Query, ...] = ()

    def __str__(self) -> str:
        return " and ".join(map(_inside, self.parts))


@dataclass(frozen=True)
class Any:
    """At least one part holds."""

    parts: tuple[Query, ...]

    def __str__(self) -> str:
        return " or ".join(f"({part})" if isinstance(part, Any) else str(part) for part in self.parts)


Query = Word | Flag | Equals | Matches | Order | Named | Linked | Not | All | Any


def _inside(part: Query) -> str:
    return f"({part})" if isinstance(part, All | Any) else str(part)
