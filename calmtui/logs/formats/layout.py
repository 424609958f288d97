"""Layout: how the lines of one kind of system are laid out, and what its parts are called."""

from __future__ import annotations

import re
from typing import NamedTuple

Fields = dict[str, str | int | float]

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?")


_SEEN = {"message", "time"}
"""Parts that are no fields: they are shown as themselves."""


class Parsed(NamedTuple):
    """A line taken apart."""

    name: str
    """Of its layout: `access`, `json`, `syslog`; empty when it has none that is known."""
    message: tuple[int, int]
    """Begin and end of what the line has to say, without time, level and the like."""
    fields: Fields


class Layout:
    """A regular expression for a whole line; its named groups are the fields, `message` what the line says."""

    def __init__(self, name: str, expression: str) -> None:
        self.name = name
        self.expression = expression
        self._expression = re.compile(expression)
        self.names = frozenset(self._expression.groupindex) - _SEEN
        """The fields that it may give."""

    def fits(self, text: str) -> bool:
        """Whether the line is laid out like that."""
        return self._expression.fullmatch(text) is not None

    def parse(self, text: str) -> Parsed | None:
        """The line taken apart; None when it is laid out otherwise. Parts that are empty or `-` are left out."""
        found = self._expression.fullmatch(text)
        if found is None:
            return None
        parts = found.groupdict()
        fields = {name: value(part) for name, part in parts.items() if name not in _SEEN and part and part != "-"}
        return Parsed(self.name, found.span("message") if "message" in parts else (0, len(text)), fields)


def value(text: str) -> str | int | float:
    """A part as a number where it is one: without leading zeros, which only names have."""
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)
