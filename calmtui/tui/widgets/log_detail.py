"""LogDetail: one line looked at closer: where it is from, its whole text, its fields, JSON laid out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from calmtui import sanitise
from calmtui.logs.formats.fields import fields
from calmtui.logs.line import SECOND, LogLine, Note, rfc3339
from calmtui.tui.widgets.still import Still


class LogDetail(VerticalScroll):
    """Hidden until a line is put in; it follows the cursor from then on."""

    DEFAULT_CSS = """
    LogDetail {
        display: none; height: 40%; max-height: 24; border-top: solid $panel; padding: 0 1; scrollbar-size-vertical: 1;
        & > Still { height: auto; }
        &:focus { background-tint: $foreground 3%; }
    }
    """

    def __init__(self, name_of: Callable[[LogLine], str]) -> None:
        super().__init__()
        self._name_of = name_of
        self._text = Still()

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self, line: LogLine) -> None:
        """Show this line."""
        self._text.tell(Text("\n").join(Text(row) for row in told(line, self._name_of(line))))


def told(line: LogLine, name: str) -> list[str]:
    """The rows that say everything about a line. Pure; safe for a terminal, as the line is."""
    moment = line.at if isinstance(line, Note) else line.ts
    when = "no time of its own; it stands where it came" if moment is None else _clock(moment)
    level = line.level.name.lower() if line.level else "says no level"
    rows = [f"{when}  {level}  {name}", f"{line.origin.node_id} {line.origin.stream}"]
    flags = [word for word, holds in (("came late", line.late), ("was cut: it is too long", line.cut)) if holds]
    rows += ["", *pretty(line.text), *flags]
    known = {} if isinstance(line, Note) else fields(line.text)
    if known:
        width = max(map(len, known))
        rows += ["", *(f"{sanitise.word(name):<{width}}  {sanitise.word(str(value))}" for name, value in known.items())]
    return rows


def _clock(moment: int) -> str:
    local = datetime.fromtimestamp(moment / SECOND).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}.{moment % SECOND:09d} {local:%Z} ({rfc3339(moment)})"


def pretty(text: str) -> list[str]:
    """The text; a JSON object in it is laid out below what stands before it."""
    start = text.find("{")
    if start >= 0 and text.rstrip().endswith("}"):
        try:
            value = json.loads(text[start:])
        except (ValueError, RecursionError):  # it only looks like JSON, or is nested to explode
            return [text]
        laid_out = json.dumps(sanitise.deep(value), indent=2, ensure_ascii=False).split("\n")
        return [*([text[:start].rstrip()] if start else []), *laid_out]
    return [text]
