"""What is said around the time line: what it shows, and what must be known before it is believed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from calmtui.fleet.node import State
from calmtui.fleet.timeline import Timeline
from calmtui.store.following import LIMIT
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.log_status import spread


def head(line: Timeline, title: str, since: str, unseen: int, glyphs: Glyphs, width: int) -> str:
    """The first line: whose changes, since when, how many, how many of them bad; at the right what is new."""
    parts = ["changes", title, since, f"{line.count:,} change{'s' * (line.count != 1)}"]
    if line.bad:
        parts.append(f"{glyphs.states[State.FAILED]} {line.bad:,} bad")
    new = f"{glyphs.below} {unseen:,} new" if unseen else ""
    return spread(parts, new, glyphs, width)


def since(typed: str, begin: float, today: date) -> str:
    """Since when: `since 01:41 (1h)`; the time itself where it was typed as one."""
    if typed == "all":
        return "all that is kept"
    length = f" ({typed})" if typed[-1:].isalpha() else ""
    return f"since {_stamp(begin, today)}{length}"


def beginnings(at: Mapping[str, float], sources: Iterable[str], since: float, today: date) -> list[str]:
    """Which sources the history does not reach back for: `at` has when it begins for each, of those that it has."""
    late: dict[str, list[str]] = {}
    for begun, name in sorted((begun, name) for name, begun in at.items()):
        if begun > since:
            late.setdefault(_stamp(begun, today), []).append(name)
    told = "; ".join(f"{stamp} of {', '.join(names)}" for stamp, names in late.items())
    unknown = sorted(set(sources) - set(at))
    return [f"history begins {told}"] * bool(told) + [f"nothing is recorded yet of {', '.join(unknown)}"] * bool(
        unknown
    )


def limits(line: Timeline, *, complete: bool, narrowed: bool, everything: bool) -> list[str]:
    """That there is more than is shown, or why there is nothing."""
    notes = [] if complete else [f"the newest {LIMIT:,} changes are shown, there are more"]
    if not line.entries:
        which = " that the filter shows" if narrowed else ""
        notes.append(f"nothing changed{which}" if everything else f"nothing changed{which}; + looks further back")
    return notes


def _stamp(at: float, today: date) -> str:
    then = datetime.fromtimestamp(at)
    return f"{then:%H:%M}" if then.date() == today else f"{then:%m-%d %H:%M}"
