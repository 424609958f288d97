"""`calmtui runs`: the runs there are, one of them as it goes on, and ending or resuming it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.errors import CalmError

if TYPE_CHECKING:
    from calmtui.actions.outcome import Status
    from calmtui.runbooks.journal import Event, Journal, Run
    from calmtui.runbooks.plan import RunPlan

LOOK = 0.3
"""Seconds between two looks at the journal."""
BEGINNING = 30.0
"""Seconds that a worker has to begin a run."""

runs = typer.Typer(help="The runs of runbooks: list them, watch one, end or resume it.")


@runs.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    limit: Annotated[int, typer.Option("-n", min=1, metavar="N", help="So many of the newest.")] = 20,
) -> None:
    """List the newest runs."""
    if context.invoked_subcommand is not None:
        return
    from calmtui.cli.printing import age, out_json, out_table
    from calmtui.runbooks.journal import Journal
    from calmtui.runbooks.worker import start

    journal = Journal()
    if journal.unfinished():
        start(journal)  # the one before may have died
    found = journal.runs(limit)
    if as_json:
        out_json([_run_json(run) for run in found])
        return
    rows = [
        ((run.id, ""), (run.runbook, ""), (run.standing, _STYLES.get(run.standing, "")), (str(run.nodes), ""),
         (run.who, ""), (f"{age(time.time() - run.submitted_at)} ago", "quiet"), (run.detail, ""))
        for run in found
    ]  # fmt: skip
    out_table(("RUN", "RUNBOOK", "IS", "NODES", "BY", "SUBMITTED", "DETAIL"), rows)


@runs.command("show")
def show(
    run: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    as_json: Annotated[bool, typer.Option("--json", help="As it stands now, as JSON.")] = False,
    output: Annotated[bool, typer.Option("--output", help="What commands have printed, too.")] = False,
) -> None:
    """Show what has happened in a run, and what happens until it ends."""
    from calmtui.cli.printing import out_json
    from calmtui.runbooks.journal import Journal

    journal = Journal()
    found = journal.run(run)
    if as_json:
        out_json(run_json(journal, found))
        raise typer.Exit(ExitCode.FINE)
    raise typer.Exit(follow(found.id, output=output))


@runs.command("cancel")
def cancel(run: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")]) -> None:
    """Begin nothing more in a run, and end what is under way; nothing is rolled back."""
    from calmtui.governance.identity import me
    from calmtui.runbooks.journal import Journal

    journal = Journal()
    found = journal.run(run)
    ended = journal.want(found.id, "cancel", me().name).standing.ended
    raise typer.Exit(ExitCode.FINE if ended else follow(found.id))


@runs.command("resume")
def resume(
    run: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    detach: Annotated[bool, typer.Option("--detach", help="Do not watch it.")] = False,
) -> None:
    """Go on with a run that was cancelled or has failed: what failed or was not begun is done now."""
    from calmtui.governance.identity import me
    from calmtui.runbooks import again
    from calmtui.runbooks.journal import Journal

    journal = Journal()
    raise typer.Exit(follow(again.resume(journal, journal.run(run), me().name).id, detach=detach))


def follow(run_id: str, *, as_json: bool = False, detach: bool = False, output: bool = False) -> int:
    """Print what happens in a run until it has ended; a worker is started when there is none. What to exit with.

    With `detach`, print its id as soon as a worker has begun it.
    """
    from calmtui.cli.printing import out, out_json
    from calmtui.runbooks.journal import Journal, Standing

    journal = Journal()
    printer = _Printer(journal, run_id, output=output, quiet=as_json or detach)
    try:
        run = _until_ended(journal, run_id, printer, detach=detach)
    except KeyboardInterrupt:
        say(f"calmtui: run {run_id} goes on; `calmtui runs show {run_id}` watches it, `runs cancel` ends it")
        raise
    if as_json:
        out_json({"id": run_id} if detach else run_json(journal, run))
    elif detach:
        out(run_id)
    if detach and not run.standing.ended:
        return ExitCode.FINE
    return ExitCode.FINE if run.standing is Standing.OK else ExitCode.FAILED


def _until_ended(journal: Journal, run_id: str, printer: _Printer, *, detach: bool) -> Run:
    from calmtui.runbooks.journal import Standing
    from calmtui.runbooks.worker import start

    deadline = time.monotonic() + BEGINNING
    while True:
        run = journal.run(run_id)  # before its events: those of its end are among them then
        printer.print(run)
        if run.standing.ended or (detach and run.standing is not Standing.SUBMITTED):
            return run
        start(journal)
        if run.standing is Standing.SUBMITTED and time.monotonic() > deadline:
            raise CalmError(
                f"no worker has begun run {run_id} within {BEGINNING:g} s", where=str(journal.path),
                next_step=f"look into {journal.path.with_name('worker.log')}",
            )  # fmt: skip
        time.sleep(LOOK)


class _Printer:
    """Prints what happens in a run as lines."""

    def __init__(self, journal: Journal, run_id: str, *, output: bool, quiet: bool) -> None:
        from calmtui.runbooks.plan import title

        plan = journal.plan(run_id)
        self._journal = journal
        self._run_id = run_id
        self._output = output
        self._quiet = quiet
        self._called = {node.id: node.name for node in plan.nodes}
        self._width = max(map(len, self._called.values()), default=0)
        self._titles = {part.key: title(part) for step in (*plan.steps, *plan.rollback) for part in (step, *step.parts)}
        self._begun: dict[tuple[str, str], float] = {}
        self._last = 0
        self._said: tuple[Any, ...] = ()

    def print(self, run: Run) -> None:
        """Print what has come since the last time."""
        if self._quiet:
            return
        for event in self._journal.events(self._run_id, self._last):
            self._last = event.seq
            self._event(event)
        now = (run.attempt, run.standing, run.detail)
        if now != self._said:
            self._said = now
            say(f"run {run.id} of {run.runbook} is {run.standing}" + (f": {run.detail}" if run.detail else ""))

    def _event(self, event: Event) -> None:
        from calmtui.cli.printing import out, styled

        key = event.node, event.step
        if not event.status.final:
            self._begun[key] = event.at
            return
        began = self._begun.pop(key, None)
        took = f" ({event.at - began:.1f} s)" if began is not None else ""
        word = styled(event.status.value.ljust(9), _styles()[event.status])
        name = self._called.get(event.node, "").ljust(self._width)
        step = self._titles.get(event.step, event.step) if event.step else "left out"
        out(f"{word}  {name}  {step}" + (f": {event.detail}" if event.detail else "") + took)
        if self._output:
            for line in event.output.splitlines():
                out(f"  {styled('│', 'quiet')} {line}")


_STYLES = {"ok": "fine", "failed": "trouble", "cancelled": "warning", "rolled back": "warning", "waiting": "warning"}
"""Of how a run stands."""


def _styles() -> Mapping[Status, str]:
    from calmtui.actions.outcome import Status

    return {
        Status.OK: "fine", Status.UNCHANGED: "quiet", Status.SKIPPED: "quiet", Status.FAILED: "trouble",
        Status.DENIED: "trouble", Status.UNKNOWN: "warning",
    }  # fmt: skip


def run_json(journal: Journal, run: Run) -> dict[str, Any]:
    """A run as scripts get it: an outcome for each node and step."""
    from calmtui.runbooks.plan import title
    from calmtui.runbooks.progress import Progress

    plan = journal.plan(run.id)
    progress = Progress(run.attempt)
    progress.take(journal.events(run.id))
    return _run_json(run) | {
        "plan": run.hash, "parameters": plan.parameters,
        "nodes": [_node_json(progress, plan, node.id) for node in plan.nodes],
        "once": [{"step": step, "status": event.status, "detail": event.detail}
                 for (node, step), event in progress.steps.items() if not node],
        "steps": [{"key": step.key, "name": title(step)} for step in (*plan.steps, *plan.rollback)],
    }  # fmt: skip


def _node_json(progress: Any, plan: RunPlan, node_id: str) -> dict[str, Any]:
    status, detail = progress.outcome(node_id, plan.keys_of(node_id))
    return {
        "id": node_id, "status": status, "detail": detail,
        "steps": [{"step": step, "status": event.status, "detail": event.detail, "output": event.output}
                  for (node, step), event in progress.steps.items() if node == node_id and step],
    }  # fmt: skip


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "id": run.id, "runbook": run.runbook, "by": run.who, "standing": run.standing, "detail": run.detail,
        "node_count": run.nodes, "attempt": run.attempt, "submitted_at": run.submitted_at, "began_at": run.began_at,
        "ended_at": run.ended_at,
    }  # fmt: skip
