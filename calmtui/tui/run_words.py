"""How runs are told on the screens: signs and words for how they stand, bars, lengths of time."""

from __future__ import annotations

import time
from collections.abc import Mapping

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.fleet.node import State
from calmtui.runbooks.earlier import clock
from calmtui.runbooks.journal import Run, Standing
from calmtui.runbooks.plan import RunPlan
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.rows import Span

STANDINGS = {
    Standing.SUBMITTED: "quiet", Standing.RUNNING: "", Standing.WAITING: "warn", Standing.OK: "fine",
    Standing.PAUSED: "warn", Standing.FAILED: "error", Standing.ROLLED_BACK: "warn", Standing.CANCELLED: "warn",
}  # fmt: skip
"""What standings mean."""
MEANINGS = {
    Status.QUEUED: "quiet", Status.RUNNING: "", Status.OK: "fine", Status.UNCHANGED: "fine", Status.FAILED: "error",
    Status.SKIPPED: "quiet", Status.DENIED: "error", Status.UNKNOWN: "warn",
}  # fmt: skip
"""What statuses of nodes and steps mean."""
_TIMES = ("pauses until ", "waits for the end of the freeze ")
"""What is said of a run that goes on by itself in time."""
BAR = 20
"""Cells of a bar."""


def sign_of_run(standing: Standing, signs: Glyphs) -> str:
    """The sign of how a run stands."""
    known = {
        Standing.SUBMITTED: signs.states[State.PENDING], Standing.RUNNING: signs.going,
        Standing.WAITING: signs.states[State.STOPPING], Standing.PAUSED: signs.states[State.STOPPING],
        Standing.OK: signs.done, Standing.FAILED: signs.states[State.FAILED], Standing.ROLLED_BACK: signs.was[0],
        Standing.CANCELLED: signs.states[State.STOPPED],
    }  # fmt: skip
    return known[standing]


def sign_of(status: Status, signs: Glyphs) -> str:
    """The sign of how a node or a step stands."""
    known = {
        Status.RUNNING: signs.going, Status.OK: signs.done, Status.UNCHANGED: signs.done,
        Status.FAILED: signs.states[State.FAILED], Status.DENIED: signs.states[State.FAILED],
        Status.UNKNOWN: signs.states[State.UNKNOWN], Status.SKIPPED: signs.states[State.STOPPED],
    }  # fmt: skip
    return known.get(status, signs.dot)


def needs_someone(run: Run) -> bool:
    """Whether a run waits for a person, and not for a time. One that is paused waits for whoever has paused it."""
    return run.standing is Standing.WAITING and not any(time in run.detail for time in _TIMES)


def passed(run: Run, now: float) -> float:
    """Seconds since a run began, or that it took; 0 when it has not begun."""
    return (run.ended_at or now) - run.began_at if run.began_at else 0.0


def took(run: Run, now: float) -> str:
    """The same, as a clock has it."""
    return clock(passed(run, now)) if run.began_at else ""


def ago(seconds: float) -> str:
    """How long since: `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(int(seconds), 0)} s ago"


def bar(counts: Mapping[Status, int], size: int, signs: Glyphs, width: int = BAR) -> list[Span]:
    """How far some nodes have come: what has ended, what has failed, what is under way; a part is never nothing."""
    bad = sum(counts.get(status, 0) for status in (Status.FAILED, Status.UNKNOWN, Status.DENIED))
    running, queued = counts.get(Status.RUNNING, 0), counts.get(Status.QUEUED, 0)
    parts = (size - bad - running - queued, bad, running, queued)
    cells = [max(width * part // size, 1) if part else 0 for part in parts] if size else [0, 0, 0, 0]
    most = cells.index(max(cells))
    cells[most] += width - sum(cells)
    meanings = ("fine", "error", "", "quiet")
    return [(fill * count, meaning) for fill, count, meaning in zip(signs.fill, cells, meanings, strict=True) if count]


def counts_told(counts: Mapping[Status, int], signs: Glyphs) -> list[Span]:
    """How many stand where, what is not well first: `✖ 1 failed  2 running  13 ok`."""
    order = (Status.FAILED, Status.UNKNOWN, Status.DENIED, Status.RUNNING, Status.OK, Status.UNCHANGED, Status.SKIPPED)
    found: list[Span] = []
    for status in order:
        if count := counts.get(status, 0):
            sign = f"{sign_of(status, signs)} " if status in (Status.FAILED, Status.UNKNOWN, Status.DENIED) else ""
            found.append((f"{sign}{count:,} {status}  ", MEANINGS[status]))
    return found


def course(plan: RunPlan) -> str:
    """Its strategy in a few words: `3 batches of 1, 16, 47, 8 at once`."""
    sizes = ", ".join(map(str, plan.stages[:4])) + (", …" if len(plan.stages) > 4 else "")
    batches = f"{len(plan.stages):,} batches of {sizes}" if len(plan.stages) > 1 else "one batch"
    most = max(plan.stages, default=0)
    return (
        f"{batches}, {min(plan.parallel, most)} at once" if min(plan.parallel, most) > 1 else f"{batches}, one by one"
    )


def parameters(plan: RunPlan) -> str:
    """What it was given; secrets are not among that."""
    return sanitise.word(" ".join(f"{name}={value}" for name, value in plan.parameters.items()))


def day(at: float, now: float) -> str:
    """A time of day, with the date when it is of another day."""
    told = time.localtime(at)
    return time.strftime("%H:%M" if told[:3] == time.localtime(now)[:3] else "%m-%d %H:%M", told)
