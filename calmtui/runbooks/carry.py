"""Carrying out a run: batch by batch as its plan says, through the gate, each thing in the journal before it is done.

The steps that the engine remembers are: `admit`, `batch N` and the pause after it, `roll back`, `end`. Within
a batch the journal remembers, so that a batch which is carried on by another process begins nothing anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

from calmtui.actions.admission import Admission
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.actions.pace import LOOK, Pace, healthy
from calmtui.errors import CalmError, Refused
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.governance.notify import notify
from calmtui.runbooks.account import Account
from calmtui.runbooks.engine import Flow
from calmtui.runbooks.journal import Standing
from calmtui.runbooks.on_node import OnNode
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan
from calmtui.runbooks.progress import PASSED, tally
from calmtui.runbooks.steps.approve import ask_to_go_on
from calmtui.runbooks.steps.doing import do_once

log = logging.getLogger(__name__)

GO_ON, STOP, CANCELLED = "go on", "stop", "cancelled"
"""What comes of a batch."""


class Carrying:
    """One run, under way in this process."""

    def __init__(self, live: LiveEstate, gate: Gate, plan: RunPlan, account: Account) -> None:
        self._live = live
        self._gate = gate
        self._plan = plan
        self._account = account
        self._progress = account.progress
        self._on_node = OnNode(live, account)
        self._admission: Admission | None = None
        self._told: set[NodeId] = set()
        """The nodes whose outcome is in the audit trail."""

    async def carry_out(self, flow: Flow) -> None:
        """From its beginning, or from where it was. Raises CalmError when the journal or the ledger cannot be used."""
        refused = await flow.step("admit", self._admit)
        came = STOP if refused else GO_ON
        for index in range(len(self._plan.stages)):
            if came != GO_ON:
                break
            came = await flow.step(f"batch {index + 1}", partial(self._batch, index))
            if came == GO_ON and self._plan.pause and index + 1 < len(self._plan.stages):
                until = await flow.step(f"pause after batch {index + 1}", self._deadline)
                came = await flow.step(f"end of the pause after batch {index + 1}", partial(self._pause, float(until)))
        rolled_back = False
        if came == STOP and not refused and self._plan.on_failure == "rollback":
            rolled_back = await flow.step("roll back", self._roll_back) == GO_ON
        await flow.step("end", partial(self._end, came, refused, rolled_back=rolled_back))

    # -- let through ------------------------------------------------------------------

    async def _admit(self) -> str:
        """Why the run is refused; empty: it is not."""
        await self._account.stands(Standing.RUNNING)
        try:
            admission = await self._gate.admit(
                self._plan.deed(self._now()), break_glass=self._plan.break_glass, reason=self._plan.reason
            )
        except Refused as error:
            return str(error)
        for node_id, reason in admission.denied.items():
            await self._account.note(node_id, "", Status.DENIED, reason)
        return ""

    @contextlib.asynccontextmanager
    async def _let_through(self, nodes: Sequence[PlannedNode], *, undo: bool = False) -> AsyncIterator[set[NodeId]]:
        """While this is entered the nodes are locked; those of which policy has come to say no are left out."""
        deed = self._plan.deed(self._now(), undo=undo)
        there = [self._now().get(planned.id, planned.node) for planned in nodes]
        key = f"run {self._account.run.id}"
        admission = await self._gate.go_on(deed, there, break_glass=self._plan.break_glass, key=key)
        for status, reasons in ((Status.DENIED, admission.denied), (Status.SKIPPED, admission.busy)):
            for node_id, reason in reasons.items():
                await self._account.note(node_id, "", status, reason)
        async with admission:
            self._admission = admission
            try:
                yield {node.id for node in there} - admission.denied.keys() - admission.busy.keys()
            finally:
                self._admission = None

    def _tell(self, planned: PlannedNode) -> None:
        """Have the outcome of a node recorded in the audit trail, once."""
        status, detail = self._outcome(planned)
        if self._admission is not None and status.final and planned.id not in self._told:
            self._told.add(planned.id)
            self._admission.note(Outcome(planned.node, status, detail))

    # -- a batch -------------------------------------------------------------------------

    async def _batch(self, index: int) -> str:
        """Do the steps on the nodes of a batch; what comes of it."""
        stage = self._plan.batches[index]
        await self._account.stands(Standing.RUNNING, f"batch {index + 1} of {len(self._plan.stages)}")
        left_out = self._progress.left_out()
        try:
            async with self._let_through([node for node in stage if node.id not in left_out]) as allowed:
                return await self._unless_cancelled(self._segments(index, stage, allowed))
        except CalmError as error:
            log.warning("run %s: %s", self._account.run.id, error)
            await self._account.note("", f"batch {index + 1}", Status.FAILED, str(error))
            return STOP

    async def _segments(self, index: int, stage: Sequence[PlannedNode], allowed: set[NodeId]) -> str:
        for segment in _segments(self._plan.steps_in(index)):
            bad = self._progress.bad()
            nodes = [node for node in stage if node.id in allowed and node.id not in bad]
            if segment[0].once:
                came = await self._once(index, segment[0], nodes)
            else:
                came = await self._on_nodes(nodes, segment, self._plan.min_healthy)
            if came != GO_ON:
                return came
        for planned in stage:
            self._tell(planned)
        return GO_ON

    async def _once(self, index: int, step: PlannedStep, nodes: Sequence[PlannedNode]) -> str:
        """A step that is done once for the nodes of a batch that have come so far."""
        key = f"batch {index + 1}: {step.key}"
        known = self._progress.step("", key)
        if step.per_node:
            nodes = [node for node in nodes if not self._passed(node, [step])]
        elif known is not None and known.status.final:
            return GO_ON if known.status in PASSED else STOP
        if not nodes:
            return GO_ON
        waiting = partial(self._waiting, f"batch {index + 1}")
        result = await do_once(self._live, self._gate, self._plan, step, index, nodes, waiting, self._account, key)
        await self._account.stands(Standing.RUNNING, f"batch {index + 1} of {len(self._plan.stages)}")
        if step.per_node:  # nodes that have failed in it count as those that have failed by themselves
            return GO_ON if not self._spent() or await self._go_on_all_the_same() else STOP
        return GO_ON if result.status in PASSED else STOP

    async def _waiting(self, where: str, what: str) -> None:
        """Note that the run waits, and have people told of it."""
        await self._account.stands(Standing.WAITING, f"{where} waits for {what}")
        if self._plan.told["waiting"]:
            await self._notify(Standing.WAITING, what)

    async def _on_nodes(self, nodes: Sequence[PlannedNode], segment: Sequence[PlannedStep], min_healthy: int) -> str:
        """Do some steps on each of the nodes, as many at once as may be."""
        left = [node.id for node in nodes if not self._passed(node, segment)]
        pace = Pace(deque(left), self._plan.parallel, min_healthy)
        under_way: dict[asyncio.Task[None], NodeId] = {}
        try:
            while pace.waiting or under_way:
                running = self._healthy() if min_healthy else set[NodeId]()
                while not self._spent() and (node_id := pace.begin(running)) is not None:
                    planned = self._plan.by_id[node_id]
                    under_way[asyncio.create_task(self._node(planned, segment), name=f"{node_id}")] = node_id
                if not under_way:
                    if self._spent() and not await self._go_on_all_the_same():
                        return await self._begin_no_more(pace, f"not begun: {self._progress.failures()} had failed")
                    if pace.hopeless:
                        return await self._begin_no_more(pace, pace.hopeless)
                    await asyncio.sleep(LOOK)
                    continue
                done, _ = await asyncio.wait(under_way, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    pace.end(under_way.pop(task))
                    task.result()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        return GO_ON if not self._spent() or await self._go_on_all_the_same() else STOP

    async def _begin_no_more(self, pace: Pace, reason: str) -> str:
        await self._leave_out(pace.waiting, reason)
        return STOP

    async def _leave_out(self, nodes: Iterable[NodeId], reason: str) -> None:
        """Say why nothing (more) is done to some nodes."""
        for node_id in nodes:
            await self._account.note(node_id, "", Status.SKIPPED, reason)
            self._tell(self._plan.by_id[node_id])

    # -- a node ---------------------------------------------------------------------------

    async def _node(self, planned: PlannedNode, segment: Sequence[PlannedStep]) -> None:
        if planned.id not in self._progress.begun and self._live.fleet.get(planned.id) is None:
            await self._leave_out([planned.id], "gone since the plan was made")
            return
        for step in segment:
            if await self._on_node.step(planned, step) not in PASSED:
                break
        if self._outcome(planned)[0].final:
            self._tell(planned)

    # -- what holds -------------------------------------------------------------------------

    def _now(self) -> dict[NodeId, Node]:
        """The nodes of the plan that there are, as they are now."""
        found = ((node.id, self._live.fleet.get(node.id)) for node in self._plan.nodes)
        return {node_id: node for node_id, node in found if node is not None}

    def _healthy(self) -> set[NodeId]:
        return healthy(self._live, (node.id for node in self._plan.nodes), self._progress.bad())

    def _passed(self, planned: PlannedNode, segment: Sequence[PlannedStep]) -> bool:
        events = [self._progress.step(planned.id, step.key) for step in segment]
        return all(event is not None and event.status in PASSED for event in events)

    def _outcome(self, planned: PlannedNode) -> tuple[Status, str]:
        return self._progress.outcome(planned.id, self._plan.keys_of(planned.id))

    def _spent(self) -> bool:
        """Whether more nodes have failed than may."""
        budget = self._plan.max_failed
        if budget is None:
            return False
        allowed = [int(step.removeprefix(ASKED)) for (node, step), event in self._progress.steps.items()
                   if not node and step.startswith(ASKED) and event.status is Status.OK]  # fmt: skip
        return self._progress.failures() > max([budget, *allowed])

    async def _go_on_all_the_same(self) -> bool:
        """Ask a person whether to go on in spite of the failures, where the runbook says so."""
        if self._plan.on_failure != "ask":
            return False
        bad = self._progress.bad()
        key = f"{ASKED}{self._progress.failures()}"
        await self._account.note("", key, Status.RUNNING)
        waiting = partial(self._waiting, f"{len(bad)} failed, it")
        result = await ask_to_go_on(self._gate, self._plan, self._account.run, sorted(bad), waiting)
        await self._account.note("", key, result.status, result.detail)
        await self._account.stands(Standing.RUNNING)
        return result.status is Status.OK

    # -- ends --------------------------------------------------------------------------------

    async def _deadline(self) -> str:
        """When the pause after a batch ends: the moment is remembered, however often the worker dies within."""
        return str(time.time() + self._plan.pause)

    async def _pause(self, until: float) -> str:
        at = time.strftime("%H:%M:%S", time.localtime(until))
        await self._account.stands(Standing.WAITING, f"pauses until {at}")

        async def wait() -> str:
            await asyncio.sleep(max(until - time.time(), 0.0))
            return GO_ON

        return await self._unless_cancelled(wait())

    async def _unless_cancelled(self, doing: Coroutine[Any, Any, str]) -> str:
        """What comes of something, which ends as soon as somebody wants the run to."""
        task = asyncio.create_task(doing)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=LOOK)
                if not task.done() and await self._account.cancelled():
                    task.cancel()
                    await asyncio.wait([task])
                    return CANCELLED
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return task.result()

    async def _roll_back(self) -> str:
        """Do the steps of the rollback on every node that was begun, the last first."""
        await self._account.stands(Standing.RUNNING, "rolling back")
        begun = [self._plan.by_id[node_id] for node_id in reversed(self._progress.begun)]
        async with self._let_through(begun, undo=True) as allowed:
            nodes = [node for node in begun if node.id in allowed]
            return await self._unless_cancelled(self._back(nodes))

    async def _back(self, nodes: Sequence[PlannedNode]) -> str:
        came = GO_ON
        for start in range(0, len(nodes), self._plan.parallel):
            together = nodes[start : start + self._plan.parallel]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._back_one(node)) for node in together]
            came = came if all(task.result() for task in tasks) else STOP
        return came

    async def _back_one(self, planned: PlannedNode) -> bool:
        for step in self._plan.rollback:
            if await self._on_node.step(planned, step) not in PASSED:
                return False
        return True

    async def _end(self, came: str, refused: str, *, rolled_back: bool) -> str:
        """Say how the run has ended, and what was not begun."""
        if came != GO_ON:
            why = (
                "refused"
                if refused
                else "cancelled before it began"
                if came == CANCELLED
                else "not done to its end: the run ended before"
            )
            await self._leave_out([node.id for node in self._plan.nodes if not self._outcome(node)[0].final], why)
        outcomes = [self._outcome(node)[0] for node in self._plan.nodes]
        detail = refused or tally(outcomes)
        if came == CANCELLED:
            standing = Standing.CANCELLED
        elif rolled_back:
            standing = Standing.ROLLED_BACK
        elif came == GO_ON and all(outcome in PASSED and outcome is not Status.SKIPPED for outcome in outcomes):
            standing = Standing.OK
        else:
            standing = Standing.FAILED
        await self._account.stands(standing, detail)
        if self._plan.told["ended"] or (self._plan.told["failed"] and standing is not Standing.OK):
            await self._notify(standing, detail)
        return standing.value

    async def _notify(self, standing: Standing, detail: str) -> None:
        run = self._account.run
        message = {"kind": "run", "id": run.id, "runbook": run.runbook, "by": run.who, "standing": standing.value,
                   "detail": detail, "estate": self._live.estate.name}  # fmt: skip
        try:
            await asyncio.to_thread(notify, self._live.estate.notify, message)
        except CalmError as error:  # the run is as it is, whoever hears of it
            await self._account.note("", "notifications", Status.FAILED, str(error))


ASKED = "go on after "
"""What the keys of questions begin with, before how many had failed."""


def _segments(planned: Iterable[PlannedStep]) -> list[list[PlannedStep]]:
    """Steps that are done node by node together, and each that is done once by itself."""
    found: list[list[PlannedStep]] = []
    for step in planned:
        if found and not step.once and not found[-1][0].once:
            found[-1].append(step)
        else:
            found.append([step])
    return found
