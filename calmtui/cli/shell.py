"""`calmtui shell`: a shell on one node, in this terminal."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer

from calmtui.cli import asking, options
from calmtui.cli.diagnostics import ExitCode
from calmtui.cli.settings import Settings, settings
from calmtui.errors import UsageError


def shell(
    context: typer.Context,
    node: Annotated[str, typer.Argument(metavar="ID", help="A node's id, or a query that one node matches.")],
    reason: options.Reason = "",
    ask_approval: options.AskApproval = False,
    break_glass: options.BreakGlass = False,
    wait: options.Wait = 30.0,
) -> None:
    """Open a shell on one node; on an instance: on its host."""
    if not ask_approval and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a shell needs a terminal", next_step="`calmtui exec` runs commands without one")
    raise typer.Exit(asyncio.run(_shell(settings(context), node, wait, asking.Why(reason, break_glass, ask_approval))))


async def _shell(chosen: Settings, wanted: str, wait: float, why: asking.Why) -> int:
    from calmtui.actions.gate import Gate
    from calmtui.actions.outcome import Outcome, Status
    from calmtui.cli.opened import opened
    from calmtui.tui.shell import attach, channel_to, greeting, shell_deed, shell_node

    async with opened(chosen, wait) as estate:
        node = estate.exactly_one(wanted)
        gate = Gate(estate.live, read_only=chosen.read_only, through="command")
        if gate.read_only:  # before anything else is said of the node
            await gate.admit(shell_deed(node))
        place, note = shell_node(estate.live, node)
        deed = shell_deed(place)
        if why.ask_approval:
            return await asking.ask_approval(gate, deed, why.reason)
        async with await gate.admit(deed, break_glass=why.break_glass, reason=why.reason) as admission:
            channel = await channel_to(estate.live, place, *os.get_terminal_size())
            status = await attach(channel, greeting(place, note, admission.broken))
            admission.note(Outcome(place, Status.OK, f"the shell has ended with exit {status}"))
    return ExitCode.FINE
