"""How a row of the tree looks: a pure function from what is known of it to a Strip.

`Look` holds everything that the picture depends on. The tree compares looks to find the lines that
changed, and keeps strips by them.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from calmtui.fleet.node import TROUBLE, Node, State
from calmtui.fleet.row import Row
from calmtui.fleet.source import Health, SourceStatus
from calmtui.tui import columns
from calmtui.tui.columns import Cells
from calmtui.tui.glyphs import Glyphs


class Styles(NamedTuple):
    """Colours by meaning, from the theme."""

    plain: Style
    quiet: Style
    trouble: Style
    warning: Style
    progress: Style
    marked: Style
    group: Style


class Look(NamedTuple):
    """What the picture of a row depends on."""

    depth: int
    name: str
    opened: bool | None
    """None: there is nothing beneath it."""
    state: State | None
    """None of a group."""
    health: Health | None = None
    """Of a source's row."""
    kind: str = ""
    where: str = ""
    age: str = ""
    cells: Cells = ()
    """What the columns of its kind tell."""
    word: str = ""
    """For the state of a node that is not well: the source's own, when it has one."""
    note: str = ""
    total: int = 0
    """Nodes beneath it."""
    failed: int = 0
    degraded: int = 0
    marked: bool = False
    cursor: bool = False
    dim: bool = False
    """Stale, or there only because of what is beneath it."""

    @property
    def troubled_source(self) -> bool:
        """Whether it is a source with an error to tell, which gets all the room there is."""
        return self.health in (Health.STALE, Health.PARTIAL)


class Widths(NamedTuple):
    """Columns of the tree; 0: the column is not there."""

    name: int
    kind: int
    where: int
    age: int
    facts: int
    """For the columns of its kind."""
    note: int


def widths(width: int) -> Widths:
    """Columns for a tree of that width; the least important ones are the first to go: where, facts, kind, age."""
    kind = 12 if width >= 72 else 0
    where = 14 if width >= 100 else 0
    age = 5 if width >= 56 else 0
    facts = min(18 + (width - 95) // 2, 46) if width >= 96 else 0
    rest = width - EDGE - kind - where - age - facts
    name = max(min(rest * 3 // 5, 56), min(rest, 26))
    return Widths(name, kind, where, age, facts, rest - name)


EDGE = 4
"""Cursor, mark and a blank on either side of the mark."""


def age(seconds: float) -> str:
    """A length of time in one figure, minutes at the finest: a line is then drawn anew once a minute at the most."""
    for size, unit in ((86400 * 365, "y"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return "<1m"


def node_look(row: Row, node: Node, now: float, *, by_source: bool, stale: bool) -> Look:
    """The look of a node's row, before cursor and mark."""
    word = other_word(node) or ("" if node.state is State.RUNNING else str(node.state))
    note = node.reason if node.reason != word else ""
    if stale:
        seen = f"seen {age(now - node.observed_at)} ago" if node.observed_at else "not confirmed"
        note = f"{note}, {seen}" if note else seen
    return Look(
        row.depth,
        node.name,
        None,
        node.state,
        kind=node.kind,
        where=(node.env or node.region) if by_source else node.source,
        age=age(now - node.created) if node.created else "",
        cells=columns.cells(node),
        word=word,
        note=note,
        dim=stale or not row.match,
    )


def other_word(node: Node) -> str:
    """The source's own word for a state that is not well, unless it is the same word."""
    return "" if node.state is State.RUNNING or node.raw_state.lower() == node.state else node.raw_state


def source_look(row: Row, status: SourceStatus, now: float) -> Look:
    """The look of a source's row: what is wrong with it, and how old what is shown is."""
    ago = f"{age(now - status.confirmed_at)} old" if status.confirmed_at else ""
    error = status.error.removeprefix(f"{status.name}: ")  # the row says whose it is
    match status.health:
        case Health.LIVE:
            note = ""
        case Health.CONNECTING:
            note = f"connecting, what is shown is {ago}" if ago else "connecting"
        case Health.OFF:
            note = "switched off"
        case Health.PARTIAL:
            first = next(iter(status.scopes.values()), error)
            note = f"{len(status.scopes)} failing: {first}" if len(status.scopes) > 1 else first
        case Health.STALE:
            note = f"{ago}: {error}" if ago and status.nodes else error
    return Look(row.depth, row.name, None, None, health=status.health, kind=status.kind, note=note)


def with_counts(look: Look, row: Row, opened: bool) -> Look:
    """The look with what is beneath the row."""
    counts = row.counts
    return look._replace(
        opened=opened,
        total=row.total,
        failed=counts.get(State.FAILED, 0),
        degraded=counts.get(State.DEGRADED, 0) + counts.get(State.UNKNOWN, 0),
    )


def draw(look: Look, width: int, glyphs: Glyphs, styles: Styles) -> Strip:
    """The line, exactly `width` cells wide."""
    column = widths(width)
    text = styles.quiet if look.dim else styles.group if look.state is None else styles.plain
    segments = [
        Segment(glyphs.cursor if look.cursor else " ", styles.marked if look.cursor else styles.plain),
        Segment(f" {glyphs.marked} " if look.marked else "   ", styles.marked),
    ]
    if look.state is None:
        room = min(column.name, 8 + 2 * look.depth + cell_len(look.name)) if look.troubled_source else column.name
        segments += _name(look, room, glyphs, styles, text)
        return _cursor(look, [*segments, *_group(look, width - EDGE - room, glyphs, styles)], width)
    segments += _name(look, column.name, glyphs, styles, text)
    if column.kind:
        segments.append(Segment(fit(look.kind, column.kind, glyphs), styles.quiet))
    if column.where:
        segments.append(Segment(fit(look.where, column.where, glyphs), styles.quiet))
    if column.age:
        segments.append(Segment(f"{look.age:>{column.age - 1}} ", styles.quiet))
    if column.facts:
        told = "".join(fit(text, wide, glyphs) for text, wide in columns.fitting(look.cells, column.facts))
        segments.append(Segment(set_cell_size(told, column.facts), styles.quiet))
    return _cursor(look, [*segments, *_note(look, look.state, column.note, glyphs, styles)], width)


def _cursor(look: Look, segments: list[Segment], width: int) -> Strip:
    strip = Strip(segments).adjust_cell_length(width)
    return strip.apply_style(Style(bold=True)) if look.cursor else strip


def _name(look: Look, width: int, glyphs: Glyphs, styles: Styles, text: Style) -> list[Segment]:
    indent = "  " * min(look.depth, 8)
    fold = "  " if look.opened is None else f"{glyphs.opened if look.opened else glyphs.folded} "
    segments = [Segment(indent + fold, styles.quiet)]
    if look.state is not None:
        segments.append(Segment(f"{glyphs.states[look.state]} ", state_style(look.state, styles)))
    elif look.health is not None:
        segments.append(Segment(f"{glyphs.healths[look.health]} ", health_style(look.health, styles)))
    room = width - sum(cell_len(segment.text) for segment in segments)
    return [*segments, Segment(fit(look.name, room, glyphs), text)]


def _group(look: Look, width: int, glyphs: Glyphs, styles: Styles) -> list[Segment]:
    segments = [Segment(f"{look.kind} " if look.kind else "", styles.quiet)]
    if look.total:
        segments.append(Segment(f"{look.total:,} ", styles.quiet))
    segments += _beneath(look, glyphs, styles)
    style = styles.warning if look.troubled_source else styles.quiet
    return [*segments, _rest(look.note, segments, width, glyphs, style)]


def _note(look: Look, state: State, width: int, glyphs: Glyphs, styles: Styles) -> list[Segment]:
    word = fit(look.word, min(width, cell_len(look.word) + 1), glyphs) if look.word else ""
    segments = [Segment(word, state_style(state, styles))]
    if look.total > 1 or state not in TROUBLE:  # a pod and its only container would say the same twice
        segments += _beneath(look, glyphs, styles)
    return [*segments, _rest(look.note, segments, width, glyphs, styles.quiet)]


def _beneath(look: Look, glyphs: Glyphs, styles: Styles) -> list[Segment]:
    """Trouble beneath the row, which may be folded."""
    counts = ((State.FAILED, look.failed, styles.trouble), (State.DEGRADED, look.degraded, styles.warning))
    return [Segment(f"{glyphs.states[state]}{count:,} ", style) for state, count, style in counts if count]


def _rest(text: str, before: list[Segment], width: int, glyphs: Glyphs, style: Style) -> Segment:
    return Segment(fit(text, width - sum(cell_len(segment.text) for segment in before), glyphs), style)


def state_style(state: State, styles: Styles) -> Style:
    """The colour of a state, by its meaning; what is well is quiet."""
    match state:
        case State.FAILED:
            return styles.trouble
        case State.DEGRADED | State.UNKNOWN:
            return styles.warning
        case State.PENDING | State.STOPPING:
            return styles.progress
        case _:
            return styles.quiet


def health_style(health: Health, styles: Styles) -> Style:
    """The colour of a source's health."""
    match health:
        case Health.STALE:
            return styles.trouble
        case Health.PARTIAL:
            return styles.warning
        case Health.CONNECTING:
            return styles.progress
        case _:
            return styles.quiet


def fit(text: str, width: int, glyphs: Glyphs) -> str:
    """A text in exactly so many cells, the last of them blank."""
    if width <= 1:
        return " " * max(width, 0)
    if cell_len(text) < width:
        return set_cell_size(text, width)
    return set_cell_size(text, width - 2) + glyphs.cut + " "
