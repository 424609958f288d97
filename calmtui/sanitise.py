"""Untrusted text made safe for a terminal, at the border where it comes in.

Everything a source says (names, labels, errors, log lines) may hold escape sequences that would
retitle the window, write to the clipboard or hide what follows. Here control characters become
visible symbols; nothing is dropped without a trace. Colours (SGR) are parsed by `logs`, which
calls `line` for the rest.
"""

from __future__ import annotations

import re
from typing import Any

_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20)}
_VISIBLE[0x7F] = "␡"
_VISIBLE |= dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")  # C1: 8-bit escapes
# Bidirectional overrides and isolates, line and paragraph separators, and invisible marks can make
# a line read as something it is not.
_HIDDEN = (
    0x00AD, 0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2060, 0x2070),
    0xFEFF, *range(0xFFF9, 0xFFFC), 0xE0001, *range(0xE0020, 0xE0080),
)  # fmt: skip
_VISIBLE |= dict.fromkeys(_HIDDEN, "\N{REPLACEMENT CHARACTER}")
# Surrogates cannot be encoded for the terminal at all.
_UNSAFE = re.compile("[" + "".join(map(re.escape, map(chr, _VISIBLE))) + "\ud800-\udfff]")


def _symbol(match: re.Match[str]) -> str:
    return _VISIBLE.get(ord(match[0]), "\N{REPLACEMENT CHARACTER}")


def word(text: str) -> str:
    """One line of text in which every control character is a visible symbol (a tab too)."""
    return text if text.isprintable() else _UNSAFE.sub(_symbol, text)


def line(text: str) -> str:
    """Like `word`, but tabs are kept: for log lines and command output."""
    if text.isprintable():
        return text
    return "\t".join(map(word, text.split("\t")))


def deep(value: Any) -> Any:
    """A JSON-like value with `line` applied to every string and key; newlines stay in strings."""
    if isinstance(value, str):
        return "\n".join(map(line, value.split("\n")))
    if isinstance(value, dict):
        return {word(str(key)): deep(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [deep(item) for item in value]
    return value
