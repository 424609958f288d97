"""Which layouts a line may have, told for all of them in one look: of 34 expressions few are worth trying on it.

RE2 knows no look-around, so that what the expressions say with it is left out here: a line that has the layout always
passes, one that has not may pass too.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import re2

from calmtui.logs.formats.access import ACCESS
from calmtui.logs.formats.layout import Layout
from calmtui.logs.formats.servers import SERVERS

LAYOUTS: tuple[Layout, ...] = (*ACCESS, *SERVERS)
"""In the order in which they are tried."""
MEMORY = 32 << 20
"""Bytes that RE2 may take for what it learns of the lines."""


def fitting(text: str) -> tuple[Layout, ...]:
    """The layouts that a line may have, in their order."""
    if not text.isascii() or not text.replace("\t", " ").isprintable():
        return LAYOUTS  # Python's classes know more digits, letters and blanks than RE2's
    return tuple(LAYOUTS[number] for number in sorted(_together().Match(text) or ()))


@cache
def _together() -> Any:
    options = re2.Options()
    options.never_capture = True
    options.max_mem = MEMORY
    every = re2.Set.FullMatchSet(options)
    for layout in LAYOUTS:
        every.Add(without_lookaround(layout.expression))
    every.Compile()
    return every


def without_lookaround(expression: str) -> str:
    """An expression without its groups of look-around, which matches all that it matches, and more."""
    kept, at = list[str](), 0
    while at < len(expression):
        end = _end(expression, at)
        if not expression.startswith(("(?=", "(?!", "(?<=", "(?<!"), at):
            end = end if expression[at] in "\\[" else at + 1
            kept.append(expression[at:end])
        at = end
    return "".join(kept)


def _end(expression: str, at: int) -> int:
    """Where the escape, class or group that begins there ends; the next place where none does."""
    if expression[at] == "\\":
        return at + 2
    if expression[at] == "[":
        at += 2 if expression[at + 1] == "^" else 1
        at += 1  # a bracket that stands first closes nothing
        while expression[at] != "]":
            at = at + 2 if expression[at] == "\\" else at + 1
        return at + 1
    if expression[at] != "(":
        return at + 1
    at += 1
    while expression[at] != ")":
        at = _end(expression, at)
    return at + 1
