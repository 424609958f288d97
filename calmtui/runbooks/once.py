"""The steps that are done once for all nodes of a batch: approvals and messages."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence

from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import NodeId
from calmtui.governance.approvals import Asked, Request, Standing
from calmtui.governance.notify import notify
from calmtui.governance.policies import DAY, Requirement
from calmtui.runbooks import template
from calmtui.runbooks.declared import ApproveStep, Asking, NotifyStep
from calmtui.runbooks.journal import Run
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan, title
from calmtui.runbooks.steps import Result

LOOK = 1.0
"""Seconds between two looks at how a request stands."""

Waiting = Callable[[str], Awaitable[None]]
"""Told what is waited for, once it is known."""


async def do(
    live: LiveEstate,
    gate: Gate,
    plan: RunPlan,
    run: Run,
    step: PlannedStep,
    batch: int,
    nodes: Sequence[PlannedNode],
    waiting: Waiting,
) -> Result:
    """Do the step. Raises nothing that an operator can be told about: what goes wrong is its result."""
    declared = step.declared
    filled = step.filled(None)
    try:
        if isinstance(declared, ApproveStep):
            summary = f"run {run.id} of {plan.runbook}, batch {batch + 1} of {len(plan.stages)}: {title(step)}"
            if declared.approve.text:
                summary += f": {template.text(declared.approve.text, filled)}"
            subject = f"{run.workflow} {batch} {step.key}"
            return await _approved(gate, plan, subject, summary, declared.approve, [node.id for node in nodes], waiting)
        assert isinstance(declared, NotifyStep)
        if not (live.estate.notify.webhook or live.estate.notify.command):
            return Result(Status.FAILED, "the estate names nobody to notify: give it `notify`")
        text = template.text(declared.notify, filled)
        message = {"kind": "message", "id": run.id, "runbook": run.runbook, "by": run.who, "text": text,
                   "batch": batch + 1, "nodes": [node.id for node in nodes], "estate": live.estate.name}  # fmt: skip
        await asyncio.to_thread(notify, live.estate.notify, message)
    except CalmError as error:
        return Result(Status.FAILED, str(error))
    return Result(Status.OK, text)


async def ask_to_go_on(gate: Gate, plan: RunPlan, run: Run, failed: Sequence[NodeId], waiting: Waiting) -> Result:
    """Ask whether to go on in spite of so many failures."""
    summary = f"run {run.id} of {plan.runbook}: {len(failed)} of {len(plan.nodes)} nodes have failed; go on?"
    subject = f"{run.workflow} after {len(failed)}"
    try:
        return await _approved(gate, plan, subject, summary, Asking(), failed, waiting)
    except CalmError as error:
        return Result(Status.FAILED, str(error))


async def _approved(
    gate: Gate, plan: RunPlan, subject: str, summary: str, asking: Asking, nodes: Sequence[NodeId], waiting: Waiting
) -> Result:
    """Ask for an approval, unless it was asked for before, and wait for it. Raises CalmError."""
    digest = hashlib.sha256(f"{plan.hash} {subject}".encode()).hexdigest()
    patience = seconds(asking.timeout) or DAY
    before = await asyncio.to_thread(gate.approvals.of_plan, digest)
    if before:
        request = before[0]
    else:
        needed = Requirement(asking.number, tuple(asking.by), expires=patience)
        asked = Asked(plan.who, "runbook", summary, tuple(nodes), {"the runbook": needed}, plan.reason)
        request = await asyncio.to_thread(gate.approvals.ask, digest, asked)
        try:
            await gate.tell(request)
        except CalmError as error:  # it can be seen and voted on all the same
            summary += f" ({error})"
    people = " or ".join(asking.by) or "somebody else"
    await waiting(f"approval {request.id} of {asking.number} of {people}: {summary}")
    while request.standing(time.time()) is Standing.OPEN:
        await asyncio.sleep(LOOK)
        request = await asyncio.to_thread(gate.approvals.one, request.id)
    return await asyncio.to_thread(_ended, gate, request)


def _ended(gate: Gate, request: Request) -> Result:
    standing = request.standing(time.time())
    voters = ", ".join(vote.who for vote in request.votes)
    if standing is Standing.APPROVED:
        gate.approvals.used(request)
    if standing in (Standing.APPROVED, Standing.USED):
        return Result(Status.OK, f"approval {request.id} by {voters}")
    return Result(Status.FAILED, f"approval {request.id} is {standing}" + (f" by {voters}" if voters else ""))
