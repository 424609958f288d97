"""`approve`: wait until others have approved, once for each batch."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import NodeId
from calmtui.governance.approvals import Asked, Request, Standing
from calmtui.governance.policies import DAY, Requirement
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Names, Strict
from calmtui.runbooks.steps.step import OnceStep, Result

if TYPE_CHECKING:
    from calmtui.runbooks.journal import Run
    from calmtui.runbooks.plan import RunPlan
    from calmtui.runbooks.steps.doing import Batch, Waiting

LOOK = 1.0
"""Seconds between two looks at how a request stands."""


class Asking(Strict):
    """Whose approval it takes."""

    by: Names = []
    """Groups of which any member may approve. Unset: anybody but who started the run."""
    number: Annotated[int, Field(ge=1)] = 1
    """How many people."""
    timeout: Length = "1d"
    """After how long it has failed."""
    text: str = ""
    """What to look at before."""


class ApproveStep(OnceStep):
    """Wait until others have approved, once for each batch, when all of its nodes have come so far."""

    approve: Asking
    """Whose approval it takes."""

    def said(self, filled: Mapping[str, str]) -> str:
        """Whose approval is waited for."""
        return f"wait for the approval of {self.approve.number} of {' or '.join(self.approve.by) or 'any others'}"

    async def do_once(self, batch: Batch) -> Result:
        """Ask, unless it was asked before, and wait."""
        plan, run, step = batch.plan, batch.account.run, batch.step
        title = self.name or self.said(batch.filled)
        summary = f"run {run.id} of {plan.runbook}, batch {batch.index + 1} of {len(plan.stages)}: {title}"
        if self.approve.text:
            summary += f": {template.text(self.approve.text, batch.filled)}"
        subject = f"{run.workflow} {batch.index} {step.key}"
        nodes = [node.id for node in batch.nodes]
        return await approved(batch.gate, plan, subject, summary, self.approve, nodes, batch.waiting)


async def ask_to_go_on(gate: Gate, plan: RunPlan, run: Run, failed: Sequence[NodeId], waiting: Waiting) -> Result:
    """Ask whether a run goes on in spite of so many failures. Raises nothing: what goes wrong is its result."""
    summary = f"run {run.id} of {plan.runbook}: {len(failed)} of {len(plan.nodes)} nodes have failed; go on?"
    subject = f"{run.workflow} after {len(failed)}"
    try:
        return await approved(gate, plan, subject, summary, Asking(), failed, waiting)
    except CalmError as error:
        return Result(Status.FAILED, str(error))


async def approved(
    gate: Gate, plan: RunPlan, subject: str, summary: str, asking: Asking, nodes: Sequence[NodeId], waiting: Waiting
) -> Result:
    """Ask for an approval within a run, unless it was asked for before, and wait for it. Raises CalmError.

    `subject` names what is asked about within the plan; the same one is asked about once.
    """
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
