"""`calmtui pins`: the log lines that were pinned in the console, with their notes."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli.diagnostics import ExitCode
from calmtui.cli.settings import settings

if TYPE_CHECKING:
    from calmtui.cli.printing import Cell
    from calmtui.store.pins import Pin


def pins(
    context: typer.Context,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="Only lines from then on: 30m, 2h, 03:12 or an ISO time.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the pinned log lines and what was noted about them, oldest first."""
    from calmtui.cli.printing import out_json, out_table
    from calmtui.cli.recorded import key
    from calmtui.fleet.moment import moment
    from calmtui.logs.line import SECOND
    from calmtui.store.pins import load

    begin = moment(since, time.time(), where="--since") * SECOND if since else 0
    found = [pin for pin in load(key(settings(context))) if pin.at >= begin]
    if as_json:
        out_json({"pins": [_as_json(pin) for pin in found]})
    elif found:
        out_table(("TIME", "NAME", "WHO", "NOTE", "LINE"), map(_row, found))
    raise typer.Exit(ExitCode.FINE)


def _as_json(pin: Pin) -> dict[str, object]:
    from calmtui.logs.line import rfc3339

    return {"at": rfc3339(pin.at), "node": pin.node, "name": pin.name, "stream": pin.stream, "text": pin.text,
            "note": pin.note, "who": pin.who, "pinned_at": pin.when, "number": pin.number}  # fmt: skip


def _row(pin: Pin) -> list[Cell]:
    at = datetime.fromtimestamp(pin.at / 1e9).astimezone().isoformat(" ", "milliseconds")
    return [(at, ""), (pin.name, ""), (pin.who, "quiet"), (pin.note, ""), (pin.text, "")]
