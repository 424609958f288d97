"""What people want of a run that there is: on record before it is asked of the run."""

from __future__ import annotations

from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.runbooks.journal import Run


def record(trail: Trail, run: Run, what: str, reason: str = "") -> None:
    """Write who is about to do what about a run, and why, to the audit trail. Blocks. Raises StoreError."""
    trail.append(
        trail.record(Event.STEERED, action="runbook", plan=run.hash, detail=f"run {run.id}: {what}", reason=reason)
    )
