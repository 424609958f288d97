"""How a log line looks: a pure function from a line to the rows that it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from calmtui import sanitise
from calmtui.fleet.node import State
from calmtui.logs.filters import Pattern
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, Note
from calmtui.tui.glyphs import UNICODE, Glyphs

TAB = 4
"""Columns between tab stops: stack traces are indented with tabs, and eight would push them off the screen."""

COLUMN = 12
"""Cells of a column of fields."""

_NOTHING = Style.null()
Layer = tuple[int, int, Style]


@dataclass(frozen=True)
class Styles:
    """What a theme says about log lines."""

    text: Style = _NOTHING
    time: Style = _NOTHING
    quiet: Style = _NOTHING
    """Debug and trace lines."""
    warn: Style = _NOTHING
    error: Style = _NOTHING
    note: Style = _NOTHING
    trouble: Style = _NOTHING
    match: Style = _NOTHING
    """Laid over that of the text."""
    cursor: Style = _NOTHING
    names: Sequence[Style] = (_NOTHING,)

    def of(self, level: Level) -> Style:
        """The style of a line of a level."""
        if level >= Level.ERROR:
            return self.error
        if level is Level.WARN:
            return self.warn
        return self.quiet if level in (Level.DEBUG, Level.TRACE) else self.text


@dataclass(frozen=True)
class Look:
    """How all rows are to be drawn at present."""

    width: int
    name_width: int
    """Columns for the name of the node; 0: names are not drawn."""
    wrap: bool = False
    times: bool = True
    """A column of times, local, in place of the time that the text begins with."""
    dated: bool = False
    """The times have their date: there are lines of other days."""
    left: int = 0
    """Characters of the text scrolled out to the left; not with wrap."""
    search: Pattern | None = None
    columns: tuple[str, ...] = ()
    """Fields whose values stand in columns before the text."""
    pinned: frozenset[tuple[str, int, str]] = frozenset()
    """Node, time and text of lines that were pinned."""
    styles: Styles = field(default_factory=Styles)
    signs: Glyphs = UNICODE


def draw(line: LogLine, name: str, colour: int, look: Look, *, current: bool = False) -> list[Strip]:
    """The rows of a line, each `look.width` cells wide. One row but for notes and with `wrap`."""
    styles = look.styles
    head = [_edge(line, look, current=current)]
    if look.times:
        head.append(Segment(f"{_clock(line, dated=look.dated)} ", styles.time))
    if look.name_width:
        shown = set_cell_size(shorten(name, look.name_width, look.signs.cut), look.name_width + 1)
        head.append(Segment(shown, styles.names[colour % len(styles.names)]))
    head.append(Segment(f"{_mark(line, look.signs)} ", styles.trouble if _is_trouble(line) else styles.of(line.level)))
    indent = sum(cell_len(segment.text) for segment in head)
    body = _body(line, look, max(look.width - indent, 1))
    rows = [[*head, *body[0]], *([Segment(" " * indent, styles.text), *rest] for rest in body[1:])]
    return [Strip(segments).adjust_cell_length(look.width, styles.text) for segments in rows]


def _edge(line: LogLine, look: Look, *, current: bool) -> Segment:
    """Where the cursor is, and which lines are pinned."""
    if current:
        return Segment(look.signs.cursor, look.styles.cursor)
    pinned = look.pinned and (line.origin.node_id, line.at, line.text) in look.pinned
    return Segment(look.signs.marked if pinned else " ", look.styles.cursor)


def shorten(name: str, width: int, cut: str) -> str:
    """A name within so many cells, its middle left out: what tells pods apart stands at the end."""
    if cell_len(name) <= width:
        return name
    keep = max((width - 1) * 2 // 3, 1)
    return f"{name[: max(width - 1 - keep, 0)]}{cut}{name[-keep:]}"


def _is_trouble(line: LogLine) -> bool:
    return isinstance(line, Note) and (line.trouble or line.lost > 0)


def _mark(line: LogLine, signs: Glyphs) -> str:
    """What is to be known of a line without reading it, colour or no colour."""
    if isinstance(line, Note):
        return signs.states[State.FAILED] if _is_trouble(line) else signs.rule
    if line.level >= Level.ERROR:
        return signs.states[State.FAILED]
    if line.level is Level.WARN:
        return signs.states[State.DEGRADED]
    return signs.late if line.late else " "


def _clock(line: LogLine, *, dated: bool) -> str:
    """`02:29:14.103`, or `11-21 02:29:14.103`; blanks of the same width for a line that nothing dates."""
    moment = line.at if isinstance(line, Note) else line.ts
    if moment is None:
        return " " * (18 if dated else 12)
    day, second = _local(moment // SECOND)
    return f"{f'{day} ' if dated else ''}{second}.{moment % SECOND // 1_000_000:03d}"


@lru_cache(maxsize=4096)
def _local(seconds: int) -> tuple[str, str]:
    """The day and the time of day."""
    moment = time.localtime(seconds)
    return time.strftime("%m-%d", moment), time.strftime("%H:%M:%S", moment)


def _body(line: LogLine, look: Look, width: int) -> list[list[Segment]]:
    raw, base, spans = _content(line, look)
    wrap = look.wrap or isinstance(line, Note)  # what a note says is never cut off
    # What a row can hold, with room for characters without width: a line may have 64 Ki characters.
    hidden = 0 if wrap else look.left
    limit = len(raw) if wrap else hidden + 4 * width
    text = raw[:limit].expandtabs(TAB)
    layers: list[Layer] = [(_column(raw, b), _column(raw, e), style) for b, e, style in spans if b < limit]
    if look.search is not None:
        layers += [(b, e, look.styles.match) for b, e in look.search.places(text)]
    if not wrap:
        return [_paint(text, hidden, len(text), layers, base)]
    rows, start = [], 0
    for piece in chop_cells(text, width) or [""]:
        rows.append(_paint(text, start, start + len(piece), layers, base))
        start += len(piece)
    return rows


def _content(line: LogLine, look: Look) -> tuple[str, Style, list[Layer]]:
    styles = look.styles
    if isinstance(line, Note):
        lost = f" {look.signs.dot} {line.lost:,} lines lost" if line.lost else ""
        rule = look.signs.rule * 2
        return f"{rule} {line.text}{lost} {rule}", styles.trouble if _is_trouble(line) else styles.note, []
    cut = line.stamp if look.times else 0
    text = line.text[cut:] if line.ts is not None else line.text
    values = _values(line, look)
    shift = len(values) - (cut if line.ts is not None else 0)
    spans = [(max(b + shift, len(values)), e + shift, Style.parse(colour)) for b, e, colour in line.spans if e > cut]
    return values + text, styles.of(line.level), spans


def _values(line: LogLine, look: Look) -> str:
    """The fields that have columns, each cut or filled to its width."""
    if not look.columns:
        return ""
    from calmtui.logs.formats.fields import fields  # its tables are not needed before somebody asks for a field

    known = fields(line.text)
    # JSON may spell any character with an escape, so its values are made safe again.
    values = (sanitise.word(str(known.get(name, look.signs.dot))) for name in look.columns)
    return "".join(f"{set_cell_size(value, COLUMN)} " for value in values)


def _column(text: str, at: int) -> int:
    """Where a character of the text stands once tabs are expanded."""
    return len(text[:at].expandtabs(TAB))


def _paint(text: str, start: int, end: int, layers: list[Layer], base: Style) -> list[Segment]:
    """A stretch of the text in segments; later layers lie over earlier ones."""
    inside = [(max(b, start), min(e, end), style) for b, e, style in layers if b < end and e > start]
    cuts = sorted({start, end, *(b for b, _, _ in inside), *(e for _, e, _ in inside)})
    segments = []
    for begin, stop in pairwise(cuts):
        style = base
        for b, e, over in inside:
            if b <= begin and stop <= e:
                style += over
        segments.append(Segment(text[begin:stop], style))
    return segments
