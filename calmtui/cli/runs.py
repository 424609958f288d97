"""`calmtui runs`: the runs there are; and runs as scripts get them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calmtui.cli.settings import settings

if TYPE_CHECKING:
    from calmtui.runbooks.journal import Journal, Run
    from calmtui.runbooks.plan import RunPlan

_STYLES = {
    "ok": "fine",
    "failed": "trouble",
    "cancelled": "warning",
    "rolled back": "warning",
    "waiting": "warning",
    "paused": "warning",
}
"""Of how a run stands."""


def runs(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    limit: Annotated[int, typer.Option("-n", min=1, metavar="N", help="So many of the newest.")] = 20,
) -> None:
    """List the newest runs."""
    from calmtui.cli.journal import journal as opened
    from calmtui.cli.printing import age, out_json, out_table
    from calmtui.runbooks.worker import start

    chosen = settings(context)
    journal = opened(chosen)
    if journal.unfinished() and not chosen.read_only:
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


def run_json(journal: Journal, run: Run) -> dict[str, Any]:
    """A run as scripts get it: an outcome for each node and step."""
    from calmtui.runbooks.plan import title
    from calmtui.runbooks.progress import Progress, completeness

    plan = journal.plan(run.id)
    progress = Progress(run.attempt)
    progress.take(journal.events(run.id))
    return _run_json(run) | {
        "plan": run.hash, "parameters": plan.parameters,
        "nodes": [_node_json(progress, plan, node.id) for node in plan.nodes],
        "once": [{"step": step, "status": event.status, "detail": event.detail}
                 for (node, step), event in progress.steps.items() if not node],
        "steps": [{"key": step.key, "name": title(step)} for step in (*plan.steps, *plan.rollback, *plan.gates)],
        "complete": completeness(plan, progress),
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
