"""A template as a filter that can be typed, seen in the list of filters and changed."""

from __future__ import annotations

import re

from calmtui.logs.filters import Pattern
from calmtui.logs.patterns.table import INDENTED, REST
from calmtui.logs.patterns.template import Template

_VARIES = re.compile(r"<[a-z*]+>|…")
_NOT_LITERAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def expression(template: Template) -> str | None:
    """What `~` is typed with to find the template's lines; None for what has no words of its own.

    What varies may be anything, so it finds lines of other templates that hold the same words too.
    """
    if template.text == REST:
        return None
    if template.text == INDENTED:
        return r"~^\s"
    pieces = [r"\s+".join(_NOT_LITERAL.sub(r"\\\1", word) for word in piece.split(" ")) for piece in _words(template)]
    wanted = f"~{'.*'.join(pieces)}"
    return wanted if any(pieces) and Pattern(wanted).found_in(template.exemplar) else None


def _words(template: Template) -> list[str]:
    """What stands between the parts that vary."""
    return _VARIES.split(template.text)
