"""`calmtui history`: the commands that were run on this estate."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli.diagnostics import ExitCode
from calmtui.cli.settings import settings

if TYPE_CHECKING:
    from calmtui.cli.printing import Cell
    from calmtui.store.commands import Ran


def history(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="Only those in which this stands, in the command or its query.")] = "",
    limit: Annotated[int, typer.Option("-n", min=1, metavar="N", help="So many of the latest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the commands that were run, by whom, where and how they went, oldest first."""
    from calmtui.cli.printing import out_json, out_table
    from calmtui.cli.recorded import key
    from calmtui.store.commands import load

    found = load(key(settings(context)), text=text, limit=limit)[::-1]
    if as_json:
        import msgspec

        out_json({"commands": msgspec.to_builtins(found)})
    elif found:
        out_table(("TIME", "WHO", "NODES", "OUTCOMES", "QUERY", "COMMAND"), map(_row, found))
    raise typer.Exit(ExitCode.FINE)


def _row(ran: Ran) -> list[Cell]:
    at = datetime.fromtimestamp(ran.at).astimezone().isoformat(" ", "seconds")
    counts = " ".join(f"{count} {status}" for status, count in ran.counts.items())
    fine = set(ran.counts) <= {"ok"}
    return [
        (at, ""), (ran.who, "quiet"), (str(ran.nodes), ""), (counts, "fine" if fine else "trouble"),
        (ran.query, "quiet"), (" ".join(ran.command.splitlines()), ""),
    ]  # fmt: skip
