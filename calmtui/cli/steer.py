"""What people do about a run: `calmtui run show`, `pause`, `resume`, `abort`, `rollback` and `retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.cli.settings import changing, refuse_read_only, settings

if TYPE_CHECKING:
    from calmtui.runbooks.journal import Journal, Run

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or the beginning of it.")]
Detach = Annotated[bool, typer.Option("--watch/--detach", help="Watch it, or leave it to itself.")]
Start = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="STEP",
        help="On the nodes that it is about, begin with this step; what is before counts as done.",
    ),
]

Reason = Annotated[str, typer.Option(help="Why, for the record.")]


def show(
    context: typer.Context,
    run: RunId,
    as_json: Annotated[bool, typer.Option("--json", help="As it stands now, as JSON.")] = False,
    output: Annotated[bool, typer.Option("--output", help="What commands have printed, too.")] = False,
) -> None:
    """Show what has happened in a run, and what happens until it ends."""
    from calmtui.cli.journal import journal as opened
    from calmtui.cli.printing import out_json
    from calmtui.cli.runs import run_json
    from calmtui.cli.watch import follow

    journal = opened(settings(context))
    found = journal.run(run)
    if as_json:
        out_json(run_json(journal, found))
        raise typer.Exit(ExitCode.FINE)
    raise typer.Exit(follow(journal, found.id, output=output, paused=True, serve=not settings(context).read_only))


def _to_be_steered(context: typer.Context, wanted: str, what: str, reason: str) -> tuple[Journal, Run]:
    """The journal, and the run of which something is wanted, which is on record. Raises Refused if nothing may change.

    Without its estate's file the worker does nothing, and a run can still be ended: then that is not on record.
    """
    from calmtui.cli.journal import journal as opened
    from calmtui.estate.load import load_estate
    from calmtui.estate.problems import EstateError
    from calmtui.governance import trail
    from calmtui.runbooks import steered
    from calmtui.runbooks.plan import path_of

    chosen = changing(context)
    journal = opened(chosen)
    run = journal.run(wanted)
    try:
        estate = load_estate(path_of(journal.plan(run.id)))
    except EstateError as error:
        say(f"calmtui: this is not in the audit trail: {error}")
    else:
        refuse_read_only(chosen, estate)
        steered.record(trail.of(estate), run, what, reason)
    return journal, run


def pause(context: typer.Context, run: RunId, watch: Detach = True, reason: Reason = "") -> None:
    """End what is under way on nodes and begin nothing more, until it is resumed."""
    from calmtui.cli.watch import follow
    from calmtui.governance.identity import me

    journal, taken = _to_be_steered(context, run, "pause", reason)
    found = journal.want(taken.id, "pause", me().name)
    raise typer.Exit(follow(journal, found.id, paused=True) if watch else ExitCode.FINE)


def resume(context: typer.Context, run: RunId, start: Start = "", watch: Detach = True, reason: Reason = "") -> None:
    """Go on with a run: one that is paused where it was, one that has ended with what failed or was not begun."""
    from calmtui.cli.watch import follow
    from calmtui.governance.identity import me
    from calmtui.runbooks import again

    journal, taken = _to_be_steered(context, run, "resume", reason)
    found = again.resume(journal, taken, me().name, start)
    raise typer.Exit(follow(journal, found.id, detach=not watch))


def abort(context: typer.Context, run: RunId, reason: Reason = "") -> None:
    """Begin nothing more in a run, and end what is under way; nothing is rolled back."""
    from calmtui.cli.watch import follow
    from calmtui.governance.identity import me

    journal, taken = _to_be_steered(context, run, "abort", reason)
    found = journal.want(taken.id, "cancel", me().name)
    raise typer.Exit(ExitCode.FINE if found.standing.ended else follow(journal, found.id))


def rollback(context: typer.Context, run: RunId, watch: Detach = True, reason: Reason = "") -> None:
    """Take back what a run has done that is paused or has ended: its rollback, the last node first."""
    from calmtui.cli.watch import follow
    from calmtui.governance.identity import me
    from calmtui.runbooks import again
    from calmtui.runbooks.journal import Standing

    journal, taken = _to_be_steered(context, run, "rollback", reason)
    found = again.roll_back(journal, taken, me().name)
    follow(journal, found.id, detach=not watch)
    standing = journal.run(found.id).standing
    raise typer.Exit(ExitCode.FINE if not watch or standing is Standing.ROLLED_BACK else ExitCode.FAILED)


def retry(context: typer.Context, run: RunId, start: Start = "", watch: Detach = True, reason: Reason = "") -> None:
    """Do again what failed in a run that has ended, or is unknown; leave the other nodes alone."""
    from calmtui.cli.watch import follow
    from calmtui.governance.identity import me
    from calmtui.runbooks import again

    journal, taken = _to_be_steered(context, run, "retry", reason)
    found = again.retry(journal, taken, me().name, start)
    raise typer.Exit(follow(journal, found.id, detach=not watch))
