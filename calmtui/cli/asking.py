"""Asking others to approve what a command would do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.errors import CalmError

if TYPE_CHECKING:
    from calmtui.actions.deed import Deed
    from calmtui.actions.gate import Gate


@dataclass(frozen=True)
class Why:
    """What is said about it to the gate."""

    reason: str
    break_glass: bool
    ask_approval: bool


async def ask_approval(gate: Gate, deed: Deed, reason: str, *, as_json: bool = False) -> int:
    """Ask others to approve exactly this; what to exit with. Raises UsageError when there is nothing to be approved."""
    from calmtui.cli.printing import out, out_json
    from calmtui.governance.approvals import described, still_needs

    request = await gate.ask(await gate.judge(deed), reason)
    if as_json:
        out_json(described(request, time.time()))
    else:
        out(f"approval {request.id} is asked for; it needs {still_needs(request)}")
    try:
        await gate.tell(request)
    except CalmError as error:  # the request stands all the same
        say(f"calmtui: {error}")
    return ExitCode.FINE
