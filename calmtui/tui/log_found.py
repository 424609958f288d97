"""What a search of logs has come to, in words and bars: pure functions for its screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len, set_cell_size

from calmtui.fleet.node import State
from calmtui.logs.asking import Asked
from calmtui.logs.line import SECOND
from calmtui.logs.results import NodeResult, Results, bars, size
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.log_chart import heights
from calmtui.tui.widgets.log_chart import told as length
from calmtui.tui.widgets.log_status import spread
from calmtui.tui.widgets.rows import Span

NAME = 28
"""Columns for a node's name, at the most."""
READ = 20
"""Columns for how much was read of a node."""
WORDS = 4
"""What is searched for gets one column in so many."""
AROUND_BARS = 60
"""Columns for what stands before the bars and behind them."""


def first_line(asked: Asked, results: Results, took: float, state: str, signs: Glyphs, width: int) -> str:
    """`search error.* · 41 in 3 of 8 nodes · 1.2 MB of 3.4 MB · 2 s`, and what it is doing at the right."""
    holding = sum(result.matches > 0 for result in results.nodes.values())
    known = len(results.nodes)
    failed = sum(bool(result.error) for result in results.nodes.values())
    cut = sum(bool(result.cuts) for result in results.nodes.values())
    sought = asked.expression
    if cell_len(sought) > width // WORDS:
        sought = f"{set_cell_size(sought, width // WORDS - 1)}{signs.cut}"
    parts = [f"search {sought}", f"{results.matches:,} in {holding:,} of {known:,} node{'s' * (known != 1)}"]
    parts += [f"{signs.states[State.FAILED]} {failed:,} failed"] if failed else []
    parts += [f"{signs.states[State.DEGRADED]} {cut:,} not whole"] if cut else []
    parts += [_read(results.scanned, results.total), f"{took:.0f} s"]
    parts += [f"since {_clock(asked.since)}"] if asked.since is not None else []
    parts += [f"until {_clock(asked.until)}"] if asked.until is not None else []
    return spread(parts, state, signs, width)


def _read(scanned: int, total: int) -> str:
    """`1.2 MB of 3.4 MB`, or what there is when all of it was read."""
    return size(total) if scanned == total else f"{size(scanned)} of {size(total)}"


def bar_line(results: Results, bucket: int, signs: Glyphs, width: int) -> str:
    """All that matches over time, whether its lines were brought here or not."""
    drawn, first, seconds = bars(results.histogram, bucket, max(width - AROUND_BARS, 10))
    if not drawn:
        return ""
    ends = f"{_clock(first)} ", f" {_clock(first + len(drawn) * seconds)}"
    each = f"  {signs.dot} a bar is {length(seconds * SECOND)}, at most {max(drawn):,}"
    return f" {''.join(heights(drawn, signs)).join(ends)}{each}"


def _clock(moment: float) -> str:
    """The local time to the minute, with the date when it is not today's."""
    then, today = datetime.fromtimestamp(moment), datetime.now()
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%m-%d %H:%M}"


def ordered(results: Results) -> list[NodeResult]:
    """The nodes: those that failed, then those that hold most."""
    return sorted(results.nodes.values(), key=lambda result: (not result.error, -result.matches, result.node.name))


def row(result: NodeResult, remarks: Sequence[str], name_width: int, signs: Glyphs) -> list[Span]:
    """One node: how many match there, how much was read, what is to be known of it."""
    counted = result.streams.values()
    scanned, total = sum(one.scanned for one in counted), sum(one.total for one in counted)
    state, meaning = _state(result)
    said = "; ".join(said_of(result, remarks))
    return [
        (f"{signs.states[state]} ", meaning), (f"{result.matches:>9,}  ", "strong" if result.matches else "quiet"),
        (f"{result.node.name:<{name_width}}  ", ""), (f"{_read(scanned, total):>{READ}}  ", "quiet"),
        (said, meaning or "quiet"),
    ]  # fmt: skip


def said_of(result: NodeResult, remarks: Sequence[str]) -> list[str]:
    """Why it failed, what is missing and why, how it is searched."""
    cuts = [f"{name}: {why}" if name else why for name, why in result.cuts]
    return [*([result.error] if result.error else []), *cuts, *remarks]


def _state(result: NodeResult) -> tuple[State, str]:
    if result.error:
        return State.FAILED, "error"
    if result.cuts:
        return State.DEGRADED, "warn"
    return (State.STOPPED, "quiet") if result.ended else (State.PENDING, "")
