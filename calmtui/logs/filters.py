"""Which lines to show: rules that they must keep, a least level, and whose lines are heard.

What operators type is compiled with RE2, whose time grows with the text alone: no expression can freeze the screen.
How a rule is typed is read in `rules`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import re2

from calmtui.errors import UsageError
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Note, Origin

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
"""What stands between a level or a field and what it is compared with; a field may have `~`, an expression, too."""

_OF_A_TEXT = re.compile(r"\\[AzZCQ]|\(\?\w*-\w*m")
"""Expressions that mean something else among many lines, or when more stands behind them."""


class Pattern:
    """A text to look for, or with `~` before it a regular expression. Without capitals it ignores case.

    Raises UsageError for an expression that RE2 cannot compile: it has no look-around and no back-references.
    """

    def __init__(self, typed: str) -> None:
        self.typed = typed
        plain = not typed.startswith("~")
        wanted = typed if plain else typed[1:]
        ignore_case = wanted == wanted.lower()
        expression = re2.escape(wanted) if plain else wanted
        options = re2.Options()
        options.log_errors = False
        options.never_nl = True  # a match never reaches from one line into the next
        options.case_sensitive = not ignore_case
        try:
            self._expression: Any = re2.compile(expression, options)
            options.never_capture = True
            self.blockwise = None if _OF_A_TEXT.search(expression) else re2.compile(f"(?m)(?:{expression}).*", options)
            """Matches once in each line of many that holds it; None where it asks for begin or end of a whole text."""
        except re2.error as error:
            reason = error.args[0]
            raise UsageError(
                f"not a regular expression: {reason.decode() if isinstance(reason, bytes) else reason}",
                where=typed,
                next_step="RE2 syntax, without look-around and back-references; without ~ the text is taken as it is",
            ) from error

    def found_in(self, text: str) -> bool:
        """Whether a text of one line holds it."""
        return self._expression.search(text.encode()) is not None

    def holds(self, line: LogLine) -> bool:
        """Whether the line's text holds it."""
        return self.found_in(line.text)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Begin and end of each place where a text holds it; empty matches left out."""
        return [found.span() for found in self._expression.finditer(text) if found.end() > found.start()]


@dataclass(frozen=True)
class OfLevel:
    """Lines whose level compares like that; a line that does not say its level is below all others."""

    compare: str
    """A key of `COMPARE`."""
    level: Level

    def holds(self, line: LogLine) -> bool:
        """Whether the line's level does."""
        return bool(COMPARE[self.compare](line.level, self.level))


@dataclass(frozen=True)
class OfField:
    """Lines that have a field whose value compares like that: numbers as numbers, all else as text."""

    name: str
    """As `formats.fields` gives it: `http.status` for one within another."""
    compare: str
    """A key of `COMPARE`, or `~`."""
    wanted: str
    pattern: Pattern | None = None
    """With `~`, the expression that the value has to hold."""

    @property
    def number(self) -> float | None:
        """What numbers are compared with; None when it asks for something else."""
        return None if self.pattern is not None else _number(self.wanted)

    def holds(self, line: LogLine) -> bool:
        """Whether the line has it; a line without the field holds nothing, `!=` neither."""
        return self.found_in(line.text)

    def found_in(self, text: str) -> bool:
        """Whether a text of one line has it."""
        from calmtui.logs.formats.fields import fields  # its tables are not needed before somebody asks for a field

        value = fields(text).get(self.name)
        if value is None:
            return False
        if self.pattern is not None:
            return self.pattern.found_in(str(value))
        compare = COMPARE[self.compare]
        if isinstance(value, int | float) and (number := _number(self.wanted)) is not None:
            return bool(compare(value, number))
        return bool(compare(str(value), self.wanted))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


Test = Pattern | OfLevel | OfField
"""What a rule asks of a line."""


@dataclass(frozen=True)
class Rule:
    """One filter: lines that hold the test pass, or with `out` those that do not."""

    typed: str
    """As the operator wrote it."""
    test: Test
    out: bool = False
    on: bool = True
    """Switched off, it is kept for later and lets every line pass."""


Heard = tuple[str, str | None]
"""A node's id, and the name of one of its streams or None for all of them."""


@dataclass(frozen=True)
class Filter:
    """Lines pass that keep every rule, are at least of `level`, and whose source is heard."""

    rules: tuple[Rule, ...] = ()
    """Each narrows what the others leave."""
    level: Level = Level.NONE
    """A line that does not say its level passes only with NONE."""
    muted: frozenset[Heard] = frozenset()
    solo: frozenset[Heard] = frozenset()
    """When there are any, only these are heard."""
    notes: bool = True
    """Whether rows about streams pass whatever they say; else they are judged as lines are, which is for searching."""

    @property
    def active(self) -> tuple[Rule, ...]:
        """The rules that are switched on."""
        return tuple(rule for rule in self.rules if rule.on)

    @property
    def open(self) -> bool:
        """Whether every line passes."""
        return self.notes and not self.active and self.level is Level.NONE and not self.muted and not self.solo

    @property
    def slow(self) -> bool:
        """Whether each line has to be taken apart by itself, 5 to 50 µs each."""
        return any(isinstance(rule.test, OfField) for rule in self.active)

    def hears(self, origin: Origin) -> bool:
        """Whether lines of this stream are to be shown at all."""
        ways = {(origin.node_id, None), (origin.node_id, origin.stream)}
        return ways.isdisjoint(self.muted) and (not self.solo or not ways.isdisjoint(self.solo))

    def passes(self, line: LogLine) -> bool:
        """Whether the line is to be shown."""
        if self.notes and isinstance(line, Note):
            return True
        if line.level < self.level or not ((not self.muted and not self.solo) or self.hears(line.origin)):
            return False
        return all(not rule.on or rule.test.holds(line) is not rule.out for rule in self.rules)
