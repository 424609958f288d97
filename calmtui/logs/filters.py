"""Which lines to show: what they must hold, what they must not, and how grave they must be.

What operators type is compiled with RE2, whose time grows with the text alone: no expression can freeze the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import re2

from calmtui.errors import UsageError
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Note


class Pattern:
    """A text to look for, or with `~` before it a regular expression. Without capitals it ignores case.

    Raises UsageError for an expression that RE2 cannot compile: it has no look-around and no back-references.
    """

    def __init__(self, typed: str) -> None:
        self.typed = typed
        plain = not typed.startswith("~")
        wanted = typed if plain else typed[1:]
        ignore_case = wanted == wanted.lower()
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not ignore_case
        try:
            self._expression = re2.compile(re2.escape(wanted) if plain else wanted, options)
        except re2.error as error:
            reason = error.args[0]
            raise UsageError(
                f"not a regular expression: {reason.decode() if isinstance(reason, bytes) else reason}",
                where=typed,
                next_step="RE2 syntax, without look-around and back-references; without ~ the text is taken as it is",
            ) from error
        self.found_in = self._test(wanted, plain=plain, ignore_case=ignore_case)
        """Whether a text holds it."""

    def _test(self, wanted: str, *, plain: bool, ignore_case: bool) -> Callable[[str], bool]:
        if plain and ignore_case:
            return lambda text: wanted in text.lower()
        if plain:
            return lambda text: wanted in text
        search = self._expression.search
        return lambda text: search(text) is not None

    def places(self, text: str) -> list[tuple[int, int]]:
        """Begin and end of each place where a text holds it; empty matches left out."""
        return [found.span() for found in self._expression.finditer(text) if found.end() > found.start()]


@dataclass(frozen=True)
class Filter:
    """Lines pass that hold `include`, do not hold `exclude` and are at least of `level`. Notes always pass."""

    include: Pattern | None = None
    exclude: Pattern | None = None
    level: Level = Level.NONE
    """A line that does not say its level passes only with NONE."""

    @property
    def open(self) -> bool:
        """Whether every line passes."""
        return self.include is None and self.exclude is None and self.level is Level.NONE

    def passes(self, line: LogLine) -> bool:
        """Whether the line is to be shown."""
        if isinstance(line, Note):
            return True
        if line.level < self.level:
            return False
        if self.include is not None and not self.include.found_in(line.text):
            return False
        return self.exclude is None or not self.exclude.found_in(line.text)
