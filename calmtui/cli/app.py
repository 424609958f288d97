"""The commands of `calmtui`. What they need is imported when they run, so that --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from calmtui import __version__
from calmtui.cli import options
from calmtui.cli.act import act
from calmtui.cli.approvals import approvals, approve, reject, review, reviews, withdraw
from calmtui.cli.audit import audit
from calmtui.cli.blueprint import blueprint
from calmtui.cli.changes import changes
from calmtui.cli.console import open_console
from calmtui.cli.cp import cp
from calmtui.cli.demo import demo
from calmtui.cli.exec import exec_
from calmtui.cli.history import history
from calmtui.cli.logs import logs
from calmtui.cli.ls import ls
from calmtui.cli.pins import pins
from calmtui.cli.policy import freezes, policy
from calmtui.cli.run import run
from calmtui.cli.runs import runs
from calmtui.cli.settings import typed
from calmtui.cli.shell import shell
from calmtui.cli.show import show
from calmtui.cli.worker import worker

app = typer.Typer(
    help="One pane of glass over clouds, Docker engines, Kubernetes clusters and SSH hosts. Alone: the console.",
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("ls")(ls)
app.command("show")(show)
app.command("act")(act)
app.command("exec")(exec_)
app.add_typer(run, name="run")
app.command("runs")(runs)
app.add_typer(blueprint, name="blueprint")
app.add_typer(worker, name="worker")
app.add_typer(cp, name="cp")
app.command("history")(history)
app.command("logs")(logs)
app.command("changes")(changes)
app.command("pins")(pins)
app.command("shell")(shell)
app.add_typer(audit, name="audit")
app.add_typer(policy, name="policy")
app.command("freezes")(freezes)
for _command in (approvals, approve, reject, withdraw, reviews, review):
    app.command(_command.__name__)(_command)
app.command("demo")(demo)


@app.command("doctor")
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
    wait: options.Wait = 10.0,
) -> None:
    """Say what was found, what can be reached, what is wrong and how to mend it."""
    from calmtui.cli.doctor import doctor as examine  # it looks at everything, and so imports much

    raise typer.Exit(examine(context.obj["inventory"], as_json, wait))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"calmtui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def console(
    context: typer.Context,
    inventory: Annotated[
        Path | None, typer.Option("-i", "--inventory", help="An estate file or its folder; none: what is found here.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Refuse whatever would change something.")] = False,
    theme: Annotated[str | None, typer.Option(help="A colour theme of the console.")] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Open the console, unless a command follows."""
    typed(context, inventory, read_only, theme)
    if context.invoked_subcommand is None:
        raise typer.Exit(open_console(context.obj))
