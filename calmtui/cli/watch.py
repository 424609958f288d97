"""A run as it goes on, line by line, until it has ended; whoever watches can leave, and it goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from calmtui.cli.diagnostics import ExitCode, say
from calmtui.errors import CalmError

if TYPE_CHECKING:
    from calmtui.actions.outcome import Status
    from calmtui.runbooks.journal import Event, Journal, Run
    from calmtui.runbooks.progress import Progress

LOOK = 0.3
"""Seconds between two looks at the journal."""
BEGINNING = 60.0
"""Seconds that a worker has to come up."""


def follow(
    journal: Journal,
    run_id: str,
    *,
    as_json: bool = False,
    detach: bool = False,
    output: bool = False,
    paused: bool = False,
    serve: bool = True,
) -> int:
    """Print what happens in a run until it has ended; with `serve`, a worker is started when there is none.

    With `detach`, print its id as soon as a worker has begun it; with `paused`, leave when it is paused. Returns
    what to exit with.
    """
    from calmtui.cli.printing import out, out_json
    from calmtui.cli.runs import run_json
    from calmtui.runbooks.journal import Standing
    from calmtui.runbooks.progress import completeness

    printer = _Printer(journal, run_id, output=output, quiet=as_json or detach)
    try:
        run = _until_ended(journal, run_id, printer, detach=detach, paused=paused, serve=serve)
    except KeyboardInterrupt:
        say(f"calmtui: run {run_id} goes on; `calmtui run show {run_id}` watches it, `run abort {run_id}` ends it")
        raise
    if not (as_json or detach) and run.standing.ended:
        say(completeness(journal.plan(run_id), printer.progress(run)))
    if as_json:
        out_json({"id": run_id} if detach else run_json(journal, run))
    elif detach:
        out(run_id)
    if not run.standing.ended:
        return ExitCode.FINE
    return ExitCode.FINE if run.standing is Standing.OK else ExitCode.FAILED


def _until_ended(journal: Journal, run_id: str, printer: _Printer, *, detach: bool, paused: bool, serve: bool) -> Run:
    from calmtui.runbooks.journal import Standing
    from calmtui.runbooks.worker import log_path, serving, start, unserved

    deadline, told = time.monotonic() + BEGINNING, ""
    while True:
        run = journal.run(run_id)  # before its events: those of its end are among them then
        printer.print(run)
        if run.standing.ended or (detach and run.standing is not Standing.SUBMITTED):
            return run
        if paused and run.standing is Standing.PAUSED:
            return run
        missing = unserved(journal, run)
        if missing and missing != told:
            told = missing
            step = f"start one where it can reach them: `calmtui worker --site {missing.replace(' ', ' --site ')}`"
            say(f"run {run_id} waits for a worker that serves {missing}; {step}")
        if missing and detach:
            return run
        if missing or not serve:
            deadline = time.monotonic() + BEGINNING
        else:
            start(journal)
        if run.standing is Standing.SUBMITTED and time.monotonic() > deadline and serving(journal) is None:
            raise CalmError(
                f"no worker has begun run {run_id} within {BEGINNING:g} s", where=journal.where,
                next_step=f"`calmtui worker status` tells who is at work; look into {log_path(journal)}",
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
        steps = (*plan.steps, *plan.rollback, *plan.gates)
        self._titles = {part.key: title(part) for step in steps for part in (step, *step.parts)}
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

    def progress(self, run: Run) -> Progress:
        """How everything in a run stands."""
        from calmtui.runbooks.progress import Progress

        progress = Progress(run.attempt)
        progress.take(self._journal.events(run.id))
        return progress

    def _event(self, event: Event) -> None:
        from calmtui.cli.printing import out, styled

        key = event.node, event.step
        if not event.status.final:
            self._begun.setdefault(key, event.at)
            return
        began = self._begun.pop(key, None)
        took = f" ({event.at - began:.1f} s)" if began is not None else ""
        word = styled(event.status.value.ljust(9), _styles()[event.status])
        name = self._called.get(event.node, "").ljust(self._width)
        phase, colon, within = event.step.rpartition(": ")  # of what is done once for a phase
        step = phase + colon + self._titles.get(within, within) if event.step else "left out"
        out(f"{word}  {name}  {step}" + (f": {event.detail}" if event.detail else "") + took)
        if self._output:
            for line in event.output.splitlines():
                out(f"  {styled('│', 'quiet')} {line}")


def _styles() -> Mapping[Status, str]:
    from calmtui.actions.outcome import Status

    return {
        Status.OK: "fine", Status.UNCHANGED: "quiet", Status.SKIPPED: "quiet", Status.FAILED: "trouble",
        Status.DENIED: "trouble", Status.UNKNOWN: "warning",
    }  # fmt: skip
