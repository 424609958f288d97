"""`calmtui demo`: the console on an estate that comes up by itself and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from calmtui.cli.diagnostics import say
from calmtui.cli.settings import settings


def demo(
    context: typer.Context,
    machine: Annotated[
        bool, typer.Option(help="Add the Docker engine and the Kubernetes contexts of this machine.")
    ] = True,
) -> None:
    """Open the console on a demo: a shop in two AWS regions and on twelve SSH hosts. Needs no account and no root."""
    from calmtui import demo
    from calmtui.tui.start import run_console

    say("bringing the demo up…")
    with demo.up(machine=machine) as estate:
        raise typer.Exit(run_console(replace(settings(context), inventory=estate.path)))
