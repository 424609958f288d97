"""What the first two lines of a log say: how it is doing, and how it is looked at. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from calmtui.logs.filters import Filter
from calmtui.logs.level import Level


@dataclass(frozen=True)
class Account:
    """The figures of a log."""

    nodes: int = 0
    rate: float = 0.0
    """Lines a second, of late."""
    late: int = 0
    lost: int = 0
    failed: int = 0
    """Nodes whose log cannot be read."""
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


def first_line(account: Account, width: int) -> str:
    """`logs · 4 nodes · following · 1,204 lines/s · 2 late · 0 lost`, and what is new at the right."""
    state = "following" if account.following else "paused"
    if account.ended:
        state = "ended" if account.following else "paused, ended"
    if account.held:
        state = "paused, reading held: memory is full"
    parts = [f"logs · {account.nodes} node{'s' * (account.nodes != 1)}", state]
    if account.failed:
        parts.append(f"✖ {account.failed} failed")
    if account.waiting:
        parts.append(f"◌ {account.waiting} waiting")
    parts += [f"{account.rate:,.0f} lines/s", f"{'▲ ' * bool(account.late)}{account.late:,} late",
              f"{'✖ ' * bool(account.lost)}{account.lost:,} lost"]  # fmt: skip
    new = f"↓ {account.unseen:,} new" if account.unseen else ""
    return spread(" · ".join(parts), new, width)


def second_line(account: Account, shown: Filter, *, search: str, wrap: bool, times: bool, left: int, width: int) -> str:
    """Filters and toggles, and how much of what is kept they leave."""
    least = "all levels" if shown.level is Level.NONE else f"level ≥ {shown.level.name.lower()}"
    parts = [least]
    if shown.include is not None:
        parts.append(f"in: {shown.include.typed}")
    if shown.exclude is not None:
        parts.append(f"out: {shown.exclude.typed}")
    if search:
        parts.append(f"find: {search}")
    parts += ["wrap" if wrap else "no wrap", "times" if times else "raw"]
    if left:
        parts.append(f"from column {left + 1}")
    kept = f"{account.kept:,} lines" if shown.open else f"{account.shown:,} of {account.kept:,} lines"
    if account.behind:
        kept = f"filtering, {account.behind:,} to go · {kept}"
    if account.evicted:
        kept += f" · {account.evicted:,} older let go"
    return spread(" · ".join(parts), kept, width)


def spread(left: str, right: str, width: int) -> str:
    """Two texts at the ends of a line; the left one is cut where they do not fit."""
    room = width - cell_len(right) - 3
    if cell_len(left) > room:
        left = left[: max(room - 1, 0)] + "…"
    return f" {left}{' ' * max(room - cell_len(left) + 1, 1)}{right} "
