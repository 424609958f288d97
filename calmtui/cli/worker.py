"""`calmtui worker`: a worker in the foreground, and what workers there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import changing, settings
from calmtui.errors import CalmError

if TYPE_CHECKING:
    from calmtui.runbooks.journal import Journal, Run
    from calmtui.runbooks.workers import Enlisted

worker = typer.Typer(help="Carry out runs from here; `worker status` tells which workers there are.")


@worker.callback(invoke_without_command=True)
def work(
    context: typer.Context,
    site: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A site to serve, besides runs without one; '*': all.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Stay when there is nothing to do.")] = False,
) -> None:
    """Carry out runs in the foreground until nothing is left to do. Consoles and commands start workers themselves."""
    if context.invoked_subcommand is not None:
        return
    import logging
    import sys

    from calmtui.cli.journal import journal as opened
    from calmtui.runbooks.worker import locked, run, serving
    from calmtui.runbooks.workers import ALL_SITES

    journal = opened(changing(context))
    file = None if journal.url else locked(journal)
    if file is None and not journal.url:
        raise CalmError(
            f"a worker is at work already: process {serving(journal)}", where=str(journal.path),
            next_step="a file has one worker; `database` in the estate names a server, which has as many as needed",
        )  # fmt: skip
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    sites = site or ([] if journal.url else [ALL_SITES])
    served = ", ".join(sites) or "runs without a site"
    say(f"calmtui: a worker for {journal.where}; it serves {served}. Ctrl+C ends it; others take over what it does")
    run(journal, sites, keep=keep)


@worker.command("status")
def status(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Tell which workers there are and what they have in hand; exit with 1 when there is none."""
    from calmtui.cli.journal import journal as opened
    from calmtui.cli.printing import age, out_json, out_table
    from calmtui.runbooks import workers
    from calmtui.runbooks.durable import engine_name

    journal = opened(settings(context))
    found, unfinished = _at_work(journal), journal.unfinished()
    if as_json:
        out_json({
            "engine": engine_name(), "database": journal.where,
            "waiting": [run.id for run in unfinished if not run.owner],
            "workers": [_json(one, workers.in_hand(one, unfinished)) for one in found],
        })  # fmt: skip
        raise typer.Exit(ExitCode.FINE if found else ExitCode.FAILED)
    say(f"{engine_name()} on {journal.where}")
    now = time.time()
    rows = [
        ((str(one.pid), ""), (one.host, ""), (one.sites or "-", ""), (f"{age(now - one.since)} ago", ""),
         ("-" if one.idle_since is None else f"for {age(now - one.idle_since)}", ""),
         (" ".join(run.id for run in workers.in_hand(one, unfinished)) or "-", ""))
        for one in found
    ]  # fmt: skip
    if rows:
        out_table(("PID", "HOST", "SITES", "SINCE", "IDLE", "RUNS"), rows)
    else:
        waiting = f"; {len(unfinished)} runs wait for one" if unfinished else ""
        say(f"calmtui: no worker is at work{waiting}")
    raise typer.Exit(ExitCode.FINE if found else ExitCode.FAILED)


def _at_work(journal: Journal) -> list[Enlisted]:
    """The workers that are alive: by their beat, and where there can be but one, by its lock."""
    from calmtui.runbooks import workers
    from calmtui.runbooks.worker import serving

    pid = None if journal.url else serving(journal)
    return [one for one in workers.alive(journal) if journal.url or one.pid == pid]


def _json(one: Enlisted, runs: list[Run]) -> dict[str, Any]:
    return {
        "id": one.id, "pid": one.pid, "host": one.host, "sites": one.sites.split(), "runs": [run.id for run in runs],
        "since": one.since, "idle_since": one.idle_since, "beat": one.beat,
    }  # fmt: skip
