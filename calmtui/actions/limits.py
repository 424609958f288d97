"""Limits: how something is spread over its nodes, and when no further one is begun. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields

from calmtui.actions import batches
from calmtui.errors import UsageError

ACT_PARALLEL = 16
"""How many nodes are acted on at once unless told otherwise: an engine or API is not flooded by one operator."""

_NAMES = {
    "max_failed": "at most {} may fail",
    "max_failed_in_batch": "at most {} in a batch",
    "min_healthy": "{} of the others have to run",
}


@dataclass(frozen=True)
class Limits:
    """How something is spread over its nodes. An amount is `3`, or `5%` of the nodes."""

    parallel: int = ACT_PARALLEL
    """How many nodes at once."""
    batches: tuple[str, ...] = ()
    """As `batches.read` gives them; each waits for the one before."""
    max_failed: str = ""
    """How many may fail (or be unknown) before no further node is begun; empty: all of them."""
    max_failed_in_batch: str = ""
    """The same for one batch; empty: none before another batch, unless `max_failed` says otherwise."""
    min_healthy: str = ""
    """How many of the others have to run while one is under way; empty: none."""

    def check(self) -> None:
        """Raises UsageError for an amount that is none: a slip of the pen is to cost no approval."""
        batches.budget(self.max_failed, 0)
        batches.budget(self.max_failed_in_batch, 0)
        batches.least(self.min_healthy, 0)

    def told(self) -> str:
        """Them in a few words, for a plan."""
        order = f"{self.parallel} at once" if self.parallel > 1 else "one at a time"
        found = [order] + ([f"in batches of {', '.join(self.batches)}"] if self.batches else [])
        given = ((field.name, getattr(self, field.name)) for field in fields(self))
        return " · ".join(found + [_NAMES[name].format(value) for name, value in given if value and name in _NAMES])


def typed(parallel: str, in_batches: str, max_failed: str = "", min_healthy: str = "") -> Limits:
    """Limits from what was typed into fields. Raises UsageError."""
    if not parallel.isdecimal() or int(parallel) == 0:
        raise UsageError(f"{parallel!r} at once: write a number")
    parts = batches.read(in_batches) if in_batches else ()
    limits = Limits(int(parallel), parts, max_failed, min_healthy=min_healthy)
    limits.check()
    return limits
