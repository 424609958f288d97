"""From the bytes of a line to text that is safe for a terminal, with its colours apart.

Only colours and weights (SGR, `ESC [ … m`) are understood, bounded in length and number. They become
spans; backgrounds, blinking and concealment do not, so that no line can hide text. Every other control
character becomes a visible symbol.
"""

from __future__ import annotations

import re

from calmtui import sanitise
from calmtui.logs.line import Span

MAX_BYTES = 64 * 1024
"""What is kept of one line."""
MAX_SPANS = 256
"""Coloured stretches kept of one line; the text beyond them stays, uncoloured."""

_SGR = re.compile(r"\x1b\[([0-9;:]{0,64})m")
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_WEIGHTS = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse", 9: "strike"}
_ENDS = {21: ("bold",), 22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",), 29: ("strike",)}


def decode(raw: bytes) -> tuple[str, tuple[Span, ...]]:
    """One line's bytes, without its line end, as safe text and coloured spans."""
    if raw[-1:] == b"\r":  # the other half of a line end
        raw = raw[:-1]
    text = raw.decode("utf-8", "replace")
    if text.isprintable():
        return text, ()
    if "\x1b[" not in text:
        return sanitise.line(text), ()
    return _coloured(text)


def cut(raw: bytes) -> bytes:
    """What is kept of a line beyond `MAX_BYTES`, ending with how much was cut off, and no character cut in two."""
    end = MAX_BYTES
    while end > MAX_BYTES - 4 and raw[end] & 0xC0 == 0x80:
        end -= 1
    return raw[:end] + f" …[cut here: {len(raw) - end:,} more bytes]".encode()


def _coloured(text: str) -> tuple[str, tuple[Span, ...]]:
    pen = _Pen()
    parts: list[str] = []
    spans: list[Span] = []
    length = at = 0
    for match in _SGR.finditer(text):
        part = sanitise.line(text[at : match.start()])
        _add(spans, length, part, pen.style)
        parts.append(part)
        length += len(part)
        pen.move(match[1])
        at = match.end()
    part = sanitise.line(text[at:])
    _add(spans, length, part, pen.style)
    parts.append(part)
    return "".join(parts), tuple(spans)


def _add(spans: list[Span], begin: int, part: str, style: str) -> None:
    if part and style and len(spans) < MAX_SPANS:
        spans.append((begin, begin + len(part), style))


class _Pen:
    """The colour and weights in force, moved by SGR parameters."""

    def __init__(self) -> None:
        self.colour = ""
        self.weights: set[str] = set()

    @property
    def style(self) -> str:
        return " ".join([*sorted(self.weights), self.colour]).strip()

    def move(self, parameters: str) -> None:
        codes = [int(code) if code.isascii() and code.isdigit() else 0 for code in re.split("[;:]", parameters)]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.colour, self.weights = "", set()
            elif code in _WEIGHTS:
                self.weights.add(_WEIGHTS[code])
            elif code in _ENDS:
                self.weights.difference_update(_ENDS[code])
            elif 30 <= code <= 37:
                self.colour = _NAMES[code - 30]
            elif 90 <= code <= 97:
                self.colour = f"bright_{_NAMES[code - 90]}"
            elif code == 39:
                self.colour = ""
            elif code in (38, 48):
                colour = _extended(codes)
                if code == 38:
                    self.colour = colour


def _extended(codes: list[int]) -> str:
    """The colour after 38 or 48, taken off the codes; empty when it is not one."""
    mode = codes.pop(0) if codes else 0
    if mode == 5 and codes:
        number = codes.pop(0)
        return f"color({number})" if number < 256 else ""
    if mode == 2 and len(codes) >= 3:
        red, green, blue = codes[:3]
        del codes[:3]
        return f"#{red:02x}{green:02x}{blue:02x}" if max(red, green, blue) < 256 else ""
    return ""
