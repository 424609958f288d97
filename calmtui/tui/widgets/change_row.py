"""How a change looks: as a row of the time line, and in full. Pure."""

from __future__ import annotations

from datetime import date, datetime

from rich.cells import cell_len

from calmtui.fleet.history import Record
from calmtui.fleet.node import State
from calmtui.fleet.timeline import Entry, Mark
from calmtui.fleet.update import ChangeKind
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.rows import Span
from calmtui.tui.widgets.tree_row import fit

TIME = 13
"""Columns of the time, with a blank."""
WIDE = 100
"""Columns from which kind and source stand beside the name."""
FULL = 12
"""Names that are told of a run, before the rest is a number."""

IDENTITY = ("id", "kind", "name", "source")
"""Fields that the first lines say already of what came or went."""

MEANINGS = {Mark.FIRST: "error", Mark.BAD: "error", Mark.AGAIN: "error", Mark.WELL: "fine", Mark.NONE: ""}
"""What a mark is drawn as."""


def when(record: Record, today: date, glyphs: Glyphs) -> str:
    """`02:41:07`, with its day when that is another; `02:10-02:41` when nobody looked in between."""
    at, begin = datetime.fromtimestamp(record.at), _begin(record)
    if begin is None:
        return f"{at:%H:%M:%S}" if at.date() == today else f"{at:%m-%d %H:%M}"
    if at.date() == begin.date() == today:
        return f"{begin:%H:%M}{glyphs.dash}{at:%H:%M}"
    if at.date() == begin.date():
        return f"{begin:%m-%d %Hh}{glyphs.dash}{at:%Hh}"
    return f"{begin:%m-%d}{glyphs.dash}{at:%m-%d}" if at.date() != today else f"{begin:%m-%d}{glyphs.dash}{at:%H:%M}"


def in_words(record: Record) -> str:
    """When it was seen, with what is not known of that: for reading, in local time."""
    at, begin = datetime.fromtimestamp(record.at), _begin(record)
    if begin is None:
        return f"at {at:%Y-%m-%d %H:%M:%S}"
    seen = f"{at:%H:%M:%S}" if at.date() == begin.date() else f"{at:%Y-%m-%d %H:%M:%S}"
    return f"between {begin:%Y-%m-%d %H:%M:%S} and {seen}: its source did not answer in between"


def row(entry: Entry, width: int, names: int, today: date, glyphs: Glyphs, *, marked: bool) -> list[Span]:
    """A row of that width, after the cursor; the names have `names` columns."""
    record, meaning = entry.record, MEANINGS[entry.mark]
    more = len(entry.records) - 1
    name = f"{record.name} +{more:,}" if more else record.name
    spans = [
        (f"{glyphs.marked if marked else ' '} ", "strong"),
        (when(record, today, glyphs).ljust(TIME), "quiet"),
        (f"{sign(record, glyphs)} ", meaning),
        (fit(name, names, glyphs), "strong" if entry.mark.trouble else ""),
    ]
    if width >= WIDE:
        spans += [(fit(record.node_kind, 12, glyphs), "quiet"), (fit(record.source, 14, glyphs), "quiet")]
    if entry.mark is not Mark.NONE:
        spans.append((f"{entry.mark}  ", meaning))
    room = max(width - 1 - sum(cell_len(text) for text, _ in spans), 0)
    told = record.summary() if glyphs.arrow == "→" else record.summary().replace("→", glyphs.arrow)
    spans.append((fit(told, room, glyphs), "" if entry.mark.trouble or weighty(record) else "quiet"))
    return spans


def sign(record: Record, glyphs: Glyphs) -> str:
    """The glyph of the state that it led to; of what came or only altered, another."""
    if record.kind is ChangeKind.GONE:
        return glyphs.states[State.GONE]
    state = record.after.get("state")
    if record.kind is ChangeKind.ADDED and not record.bad:
        return "+"
    return glyphs.states[State(state)] if state is not None else glyphs.dot


def weighty(record: Record) -> bool:
    """Whether it may be a cause: another image or state, not only a count or a label."""
    return record.kind is ChangeKind.ALTERED and not {"image", "state"}.isdisjoint(record.after)


def in_full(entry: Entry, glyphs: Glyphs) -> list[Span]:
    """Everything that is known of it, in lines: each span ends where its text says."""
    record = entry.record
    dot = f" {glyphs.dot} "
    spans: list[Span] = [(record.name, "strong"), (f"{dot}{record.node_kind}{dot}{record.source}\n", "quiet")]
    if entry.mark is not Mark.NONE:
        spans.append((f"{sign(record, glyphs)} {entry.mark}{dot}", MEANINGS[entry.mark]))
    spans.append((f"{record.kind} {in_words(record)}\n", ""))
    if len(entry.records) > 1:
        others = [other.name for other in entry.records]
        rest = f" and {len(others) - FULL:,} more" if len(others) > FULL else ""
        spans.append((f"the same of {len(others):,}: {', '.join(others[:FULL])}{rest}\n", "quiet"))
    else:
        spans.append((f"{record.node}\n", "quiet"))
    altered_only = record.kind is ChangeKind.ALTERED
    differences = [told for told in record.differences() if altered_only or told[0] not in IDENTITY]
    column = max((len(name) for name, _, _ in differences), default=0) + 2
    for name, before, after in differences:
        altered = f"{before} {glyphs.arrow} {after}"
        told = {ChangeKind.ADDED: after, ChangeKind.GONE: before}.get(record.kind, altered)
        spans.append((f"{name:<{column}}", "quiet"))
        spans.append((f"{told}\n", "error" if name == "state" and record.bad else ""))
    return spans


def _begin(record: Record) -> datetime | None:
    return datetime.fromtimestamp(record.not_before) if record.not_before is not None else None
