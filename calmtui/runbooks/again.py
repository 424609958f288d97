"""What people do about a run that is paused or has ended: resume it, retry what failed, roll it back.

A run that has ended is taken up again as one more attempt of itself, so that what it knows of its nodes and
who approved it still holds. What is to be done anew is written into its journal as queued, what is to be left
alone as it stands. Everything here blocks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from calmtui.actions.outcome import Status
from calmtui.errors import UsageError
from calmtui.fleet.node import NodeId
from calmtui.runbooks.journal import ASKED, Event, Journal, Run, Standing
from calmtui.runbooks.plan import PlannedStep, RunPlan, title
from calmtui.runbooks.progress import ROLLBACK, Progress


def resume(journal: Journal, run: Run, by: str = "", start: str = "") -> Run:
    """Have a paused run go on, or one that has ended do what failed and what was not begun.

    `start` is the key or the name of a step: on the nodes that have not everything, what comes before it counts as
    done, and it is done with all that follows. Raises UsageError, StoreError.
    """
    if not run.standing.ended and not start:
        return journal.want(run.id, "", by)
    plan, progress = _ended_badly(journal, run)
    left = [node.id for node in plan.nodes if _lacks(plan, progress, node.id)]
    return journal.reopen(run.id, events=[*_asked("resume", by), *_anew(plan, progress, left, start)])


def retry(journal: Journal, run: Run, by: str = "", start: str = "") -> Run:
    """Have a run that has ended do again what failed or is unknown, and nothing to the other nodes.

    `start` as for `resume`. Raises UsageError, StoreError.
    """
    plan, progress = _ended_badly(journal, run)
    bad = progress.bad()
    left = [node.id for node in plan.nodes if node.id in bad]
    if not left:
        raise UsageError(
            f"no node of run {run.id} has failed", next_step=f"`calmtui run resume {run.id}` does the rest"
        )
    others = [
        Event(node.id, "", Status.SKIPPED, "left out: only what had failed is retried", at=time.time())
        for node in plan.nodes
        if node.id not in bad and _lacks(plan, progress, node.id)
    ]
    return journal.reopen(run.id, events=[*_asked("retry", by), *others, *_anew(plan, progress, left, start)])


def roll_back(journal: Journal, run: Run, by: str = "") -> Run:
    """Have a run that is paused or has ended take back what it did, the last first. Raises UsageError, StoreError."""
    plan = journal.plan(run.id)
    if not plan.rollback:
        raise UsageError(f"{plan.runbook} has no steps that take it back",
                         next_step="write 'rollback: [STEP…]' into it for the next time")  # fmt: skip
    if not run.standing.ended:
        return journal.want(run.id, "rollback", by)
    progress = _progress(journal, run)
    if not progress.begun:
        raise UsageError(f"run {run.id} has begun nothing", next_step="there is nothing to roll back")
    stands = [
        event
        for (node, step), event in progress.steps.items()
        if node and event.status.final and not step.startswith(ROLLBACK)
    ]
    return journal.reopen(run.id, "rollback", [*_asked("rollback", by), *stands])


def _asked(what: str, by: str) -> list[Event]:
    return [Event("", ASKED, Status.OK, f"{what}, by {by}" if by else what, at=time.time())]


def _progress(journal: Journal, run: Run) -> Progress:
    progress = Progress(run.attempt)
    progress.take(journal.events(run.id))
    return progress


def _ended_badly(journal: Journal, run: Run) -> tuple[RunPlan, Progress]:
    if not run.standing.ended or run.standing is Standing.OK:
        raise UsageError(f"run {run.id} is {run.standing}", next_step="only what has not ended well is taken up again")
    return journal.plan(run.id), _progress(journal, run)


def _lacks(plan: RunPlan, progress: Progress, node: NodeId) -> bool:
    """Whether a node has not all that the run was to do, or not any more."""
    steps = [step.key for step in plan.steps if step.per_node]
    return progress.outcome(node, steps)[0] is not Status.OK or progress.rolled_back(node)


def _anew(plan: RunPlan, progress: Progress, nodes: Sequence[NodeId], start: str) -> Iterator[Event]:
    """What is to be done anew on some nodes, and what counts as done."""
    now = time.time()
    keys = [step.key for step in plan.steps]
    first = keys.index(_step(plan, start).key) if start else 0
    for node in nodes:
        rolled_back = progress.rolled_back(node)
        for key in progress.keys(node):
            whole = key.partition(".")[0]  # what is done at the same time is done anew as a whole
            if rolled_back or (start and whole in keys and keys.index(whole) >= first):
                yield Event(node, key, Status.QUEUED, at=now)
        for step in plan.steps[:first]:
            if step.per_node:
                yield Event(node, step.key, Status.SKIPPED, f"left out: resumed from {start}", at=now)


def _step(plan: RunPlan, wanted: str) -> PlannedStep:
    found = [step for step in plan.steps if wanted in (step.key, title(step))]
    if len(found) != 1:
        steps = ", ".join(f"{step.key} ({title(step)})" for step in plan.steps)
        what = f"{wanted!r} are several steps" if found else f"there is no step {wanted!r}"
        raise UsageError(what, next_step=f"the steps of this run: {steps}")
    return found[0]
