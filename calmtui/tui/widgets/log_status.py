"""What the first two lines of a log say: how it is doing, and how it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message

from calmtui.fleet.node import State
from calmtui.logs.filters import Filter
from calmtui.logs.level import Level
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.log_row import Look
from calmtui.tui.widgets.still import Still

COUNTS = ("late", "lost", "gaps", "failed", "cut")
"""Counts of the first line that lead to rows."""


@dataclass(frozen=True)
class Account:
    """The figures of a log."""

    nodes: int = 0
    rate: float = 0.0
    """Lines a second, of late."""
    late: int = 0
    lost: int = 0
    gaps: int = 0
    """Places where lines are missing, nobody knows how many."""
    cut: int = 0
    """Lines that were too long to be kept whole."""
    failed: int = 0
    """Nodes whose log cannot be read."""
    away: int = 0
    """Nodes to which the connection is lost; it is being made again."""
    waiting: int = 0
    """Nodes in the queue to be read."""
    ended: bool = False
    """Nothing more will come."""
    following: bool = True
    held: bool = False
    """The reader stands still and the memory is full: reading waits."""
    unseen: int = 0
    kept: int = 0
    evicted: int = 0
    shown: int = 0
    """Kept lines that pass the filter."""
    behind: int = 0
    """Kept lines that were not filtered yet."""


class LogStatus(Still):
    """The first line. A click on a count asks for the next row that it counts."""

    DEFAULT_CSS = "LogStatus { height: 1; color: $text-muted; }"

    class Chosen(Message):
        """Posted when a count is clicked."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what
            """late, lost, failed or cut."""

    def __init__(self, signs: Glyphs) -> None:
        super().__init__()
        self._signs = signs
        self._line = ""

    def show(self, account: Account) -> None:
        """Say how the log is doing."""
        self._line = first_line(account, self._signs, self.size.width)
        self.tell(self._line)

    def on_click(self, event: events.Click) -> None:
        what = counted_at(self._line, event.x, self._signs)
        if what:
            self.post_message(self.Chosen(what))


def _missing(account: Account) -> dict[str, int]:
    """What must be said even when it is nothing, and what only when there is some."""
    always = {"late": account.late, "lost": account.lost}
    return always | {what: count for what, count in (("gaps", account.gaps), ("cut", account.cut)) if count}


def counted_at(line: str, x: int, signs: Glyphs) -> str:
    """What the count at a column of the first line counts; empty when there is none."""
    end = 0
    for part in line.split(f" {signs.dot} "):
        end += len(part) + 3
        if x < end:
            word = part.rpartition(" ")[2]
            return word if word in COUNTS else ""
    return ""


def first_line(account: Account, signs: Glyphs, width: int) -> str:
    """`logs · 4 nodes · following · 1,204 lines/s · 2 late · 0 lost`, and what is new at the right."""
    state = "following" if account.following else "paused"
    if account.ended:
        state = "ended" if account.following else "paused, ended"
    if account.held:
        state = "paused, reading held: memory is full"
    parts = [f"logs · {account.nodes} node{'s' * (account.nodes != 1)}", state]
    failed, waiting, warn = signs.states[State.FAILED], signs.states[State.PENDING], signs.states[State.DEGRADED]
    if account.failed:
        parts.append(f"{failed} {account.failed} failed")
    if account.away:
        parts.append(f"{warn} {account.away} reconnecting")
    if account.waiting:
        parts.append(f"{waiting} {account.waiting} waiting")
    parts.append(f"{account.rate:,.0f} lines/s")
    for what, count in _missing(account).items():
        sign = warn if what in ("late", "cut") else failed
        parts.append(f"{sign} {count:,} {what}" if count else f"0 {what}")
    new = f"{signs.below} {account.unseen:,} new" if account.unseen else ""
    return spread(parts, new, signs, width)


def second_line(account: Account, shown: Filter, context: int, look: Look, width: int) -> str:
    """Filters and toggles, and how much of what is kept they leave."""
    least = "all levels" if shown.level is Level.NONE else f"level {shown.level.name.lower()} and above"
    parts = [least]
    parts += [f"{'out' if rule.out else 'in'}: {rule.typed}" for rule in shown.active]
    parts += [f"{len(shown.muted)} muted"] if shown.muted else []
    parts += [f"{len(shown.solo)} solo"] if shown.solo else []
    if context:
        parts.append(f"context {context}")
    if look.search is not None:
        parts.append(f"find: {look.search.typed}")
    parts += ["wrap" if look.wrap else "no wrap", "times" if look.times else "raw"]
    if look.columns:
        parts.append(f"columns {','.join(look.columns)}")
    if look.left:
        parts.append(f"from column {look.left + 1}")
    kept = f"{account.kept:,} lines" if shown.open else f"{account.shown:,} of {account.kept:,} lines"
    if account.behind:
        kept = f"filtering, {account.behind:,} to go, {kept}"
    if account.evicted:
        kept += f", {account.evicted:,} older let go"
    return spread(parts, kept, look.signs, width)


def spread(parts: Sequence[str], right: str, signs: Glyphs, width: int) -> str:
    """Parts at the left end of a line and a text at the right; the parts are cut where they do not fit."""
    left = f" {signs.dot} ".join(parts)
    room = width - cell_len(right) - 3
    if cell_len(left) > room:
        left = left[: max(room - 1, 0)] + signs.cut
    return f" {left}{' ' * max(room - cell_len(left) + 1, 1)}{right} "
