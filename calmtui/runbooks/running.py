"""A run under way in this process: what everything that carries it out works with, and when it has to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from typing import Any

from calmtui.actions.admission import Admission
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.actions.pace import LOOK
from calmtui.errors import CalmError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.governance.notify import notify
from calmtui.runbooks.account import Account
from calmtui.runbooks.journal import Standing, Wish
from calmtui.runbooks.plan import PlannedNode, RunPlan

GO_ON, STOP, CANCELLED, HELD, ROLL_BACK = "go on", "stop", "cancelled", "held", "roll back"
"""What comes of a part of a run. Held: nothing of it is under way, and it is taken up again later."""


class Running:
    """One run, its nodes as they are now, and what people want of it."""

    def __init__(self, live: LiveEstate, gate: Gate, plan: RunPlan, account: Account) -> None:
        self.live = live
        self.gate = gate
        self.plan = plan
        self.account = account
        self.progress = account.progress
        self.wanted: Wish = ""
        """What somebody wants of it, as it was when it was last looked at."""
        self.waits = False
        """Nothing is under way but waiting for somebody."""
        self._admission: Admission | None = None
        self._told: set[NodeId] = set()
        """The nodes whose outcome is in the audit trail."""

    def now(self) -> dict[NodeId, Node]:
        """The nodes of the plan that there are, as they are now."""
        found = ((node.id, self.live.fleet.get(node.id)) for node in self.plan.nodes)
        return {node_id: node for node_id, node in found if node is not None}

    def outcome(self, planned: PlannedNode) -> tuple[Status, str]:
        """How a node stands, with the reason."""
        return self.progress.outcome(planned.id, self.plan.keys_of(planned.id))

    # -- let through ------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def let_through(self, nodes: Sequence[PlannedNode], *, undo: bool = False) -> AsyncIterator[set[NodeId]]:
        """While this is entered the nodes are locked; those of which policy has come to say no are left out."""
        now = self.now()
        there = [now.get(planned.id, planned.node) for planned in nodes]
        admission = await self.gate.go_on(
            self.plan.deed(now, undo=undo), there, break_glass=self.plan.break_glass, key=f"run {self.account.run.id}"
        )
        for status, reasons in ((Status.DENIED, admission.denied), (Status.SKIPPED, admission.busy)):
            for node_id, reason in reasons.items():
                await self.account.note(node_id, "", status, reason)
        async with admission:
            self._admission = admission
            try:
                yield {node.id for node in there} - admission.denied.keys() - admission.busy.keys()
            finally:
                self._admission = None

    def tell(self, planned: PlannedNode) -> None:
        """Have the outcome of a node recorded in the audit trail, once."""
        status, detail = self.outcome(planned)
        if self._admission is not None and status.final and planned.id not in self._told:
            self._told.add(planned.id)
            self._admission.note(Outcome(planned.node, status, detail))

    async def leave_out(self, nodes: Iterable[NodeId], reason: str) -> None:
        """Say why nothing (more) is done to some nodes."""
        for node_id in nodes:
            await self.account.note(node_id, "", Status.SKIPPED, reason)
            self.tell(self.plan.by_id[node_id])

    # -- people -------------------------------------------------------------------------

    async def waiting(self, where: str, what: str) -> None:
        """Note that the run waits, and have people told of it."""
        self.waits = True
        await self.account.stands(Standing.WAITING, f"{where} waits for {what}")
        if self.plan.told["waiting"]:
            await self.notify(Standing.WAITING, what)

    async def goes_on(self, where: str) -> None:
        """Note that it does not wait any more."""
        self.waits = False
        await self.account.stands(Standing.RUNNING, where)

    async def notify(self, standing: Standing, detail: str) -> None:
        """Tell people how it stands; that they could not be told is noted."""
        run = self.account.run
        message = {"kind": "run", "id": run.id, "runbook": run.runbook, "by": run.who, "standing": standing.value,
                   "detail": detail, "estate": self.live.estate.name}  # fmt: skip
        try:
            await asyncio.to_thread(notify, self.live.estate.notify, message)
        except CalmError as error:  # the run is as it is, whoever hears of it
            await self.account.note("", "notifications", Status.FAILED, str(error))

    async def watched(self, doing: Coroutine[Any, Any, str], *, pauses: bool) -> str:
        """What comes of something that ends as soon as somebody wants the run to.

        Somebody who wants it to pause ends it too where that does no harm: where it `pauses`, or waits for people.
        Else it has to look at `wanted` itself.
        """
        task = asyncio.create_task(doing)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=LOOK)
                if task.done():
                    break
                self.wanted = await self.account.wanted()
                if self.wanted == "cancel" or (self.wanted == "pause" and (pauses or self.waits)):
                    task.cancel()
                    await asyncio.wait([task])
                    return CANCELLED if self.wanted == "cancel" else HELD
        finally:
            self.waits = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return task.result()
