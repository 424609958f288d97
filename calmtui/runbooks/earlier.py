"""What earlier runs of a runbook tell of the next one: how often, how long, and how many ended well. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from calmtui.runbooks.journal import Run, Standing


@dataclass(frozen=True)
class Earlier:
    """Runs of one runbook that have ended."""

    times: int
    """How many."""
    ok: int
    """How many of them ended well at the first attempt: one that had to be retried did not."""
    seconds: float | None = None
    """How long those took; None when there are none."""
    spread: float = 0.0
    """By how many seconds they differed from that (the standard deviation)."""

    @property
    def told(self) -> str:
        """`15 times, 12 min ± 1, 98% ok`; `never run` when there are none."""
        if not self.times:
            return "never run"
        parts = ["once" if self.times == 1 else f"{self.times} times"]
        if self.seconds is not None:
            parts.append(about(self.seconds, self.spread))
        return ", ".join([*parts, f"{100 * self.ok // self.times}% ok"])

    def left(self, passed: float) -> str:
        """What is to be said of the time left after so many seconds; empty when nothing is known."""
        if self.seconds is None:
            return ""
        if passed > self.seconds + 2 * self.spread:
            return f"longer than the usual {clock(self.seconds)}"
        return f"of about {clock(self.seconds)}"


def of(runbook: str, runs: Iterable[Run], *, but: str = "") -> Earlier:
    """What the runs of a runbook tell, but for the one of that id."""
    ended = [run for run in runs if run.runbook == runbook and run.standing.ended and run.id != but]
    ok = [run for run in ended if run.standing is Standing.OK and run.attempt == 1]
    took = [run.ended_at - run.began_at for run in ok if run.began_at and run.ended_at]
    spread = statistics.pstdev(took) if len(took) > 1 else 0.0
    return Earlier(len(ended), len(ok), statistics.fmean(took) if took else None, spread)


def about(seconds: float, spread: float) -> str:
    """A time that is not exact: `12 min ± 1`, `40 s ± 3`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ± {spread / size:.0f}"
    return f"{seconds:.0f} s ± {spread:.0f}"


def clock(seconds: float) -> str:
    """A length of time as clocks have it: `6:12`, `1:06:12`."""
    minutes, left = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
