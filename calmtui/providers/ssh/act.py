"""Carries out actions on a host and says what came of them."""

from __future__ import annotations

from calmtui import sanitise
from calmtui.errors import Forbidden, OutcomeUnknown, SourceError
from calmtui.providers.base import ExecResult
from calmtui.providers.ssh.actions import denied, reboot_line, unit_line
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.run import run

_SECONDS = 120
"""For a unit to start or stop; systemd's own limit is 90 s."""


async def reboot(pool: HostPool) -> str:
    """Ask a host to reboot. Losing the connection over it is what it looks like when it does."""
    result = await run(pool, [reboot_line()], timeout=_SECONDS)
    if result.exit_status is None:
        return "rebooting: the connection is gone"
    _check(pool, result)
    return "reboot accepted"


async def act_on_unit(pool: HostPool, action: str, unit: str) -> str:
    """Start, stop or restart a unit and wait for it; returns its state. Raises a SourceError."""
    result = await run(pool, [unit_line(action, unit)], timeout=_SECONDS)
    if result.exit_status is None:
        raise OutcomeUnknown(
            f"{result.note}; {action} of {unit} may have happened",
            where=pool.name,
            next_step=f"look at the unit's state once {pool.name} answers",
        )
    _check(pool, result)
    active, sub = [*result.stdout.decode(errors="replace").split(), "", ""][:2]
    return f"{active} ({sub})" if sub else "done"


def _check(pool: HostPool, result: ExecResult) -> None:
    if result.exit_status == 0:
        return
    text = sanitise.word(" ".join(result.stderr.decode(errors="replace").split()))[:300]
    if denied(text):
        raise Forbidden(text, where=pool.name, next_step="log in as root, or allow it to sudo without a password")
    raise SourceError(text or f"exit {result.exit_status}", where=pool.name)
