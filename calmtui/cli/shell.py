"""`calmtui shell`: a shell on one node, in this terminal."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Annotated

import typer

from calmtui.cli.diagnostics import ExitCode
from calmtui.cli.settings import Settings, settings
from calmtui.errors import Refused, UsageError


def shell(
    context: typer.Context,
    node: Annotated[str, typer.Argument(metavar="ID", help="A node's id, or a query that one node matches.")],
    wait: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the sources.")] = 30.0,
) -> None:
    """Open a shell on one node; on an instance: on its host."""
    if settings(context).read_only:
        raise Refused("a shell is refused: calmtui runs read-only", next_step="start it without --read-only")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("a shell needs a terminal", next_step="`calmtui exec` runs commands without one")
    raise typer.Exit(asyncio.run(_shell(settings(context), node, wait)))


async def _shell(chosen: Settings, wanted: str, wait: float) -> int:
    from calmtui.actions.execute import refuse_read_only
    from calmtui.cli.opened import opened
    from calmtui.tui.shell import attach, channel_to, greeting, shell_node

    async with opened(chosen, wait) as estate:
        refuse_read_only(estate.live, "a shell", read_only=chosen.read_only)
        place, note = shell_node(estate.live, estate.exactly_one(wanted))
        channel = await channel_to(estate.live, place, *os.get_terminal_size())
        await attach(channel, greeting(place, note))
    return ExitCode.FINE
