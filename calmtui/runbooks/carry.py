"""Carrying out a run: phase by phase as its plan says, through the gate, each thing in the journal before it is done.

The steps that the engine remembers are `begin`, `admit`, each phase, what comes after it and the holds within,
`roll back`, `end`. Within a phase the journal remembers, so that a phase which is carried on by another process, or
after a hold, begins nothing anew.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, Refused
from calmtui.estate.live import LiveEstate
from calmtui.runbooks.account import Account
from calmtui.runbooks.back import Back
from calmtui.runbooks.engine import Flow
from calmtui.runbooks.gates import Gates
from calmtui.runbooks.hold import Hold
from calmtui.runbooks.journal import Standing
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.plan import PlannedNode, RunPlan
from calmtui.runbooks.progress import PASSED, tally
from calmtui.runbooks.running import CANCELLED, GO_ON, HELD, ROLL_BACK, STOP, Running
from calmtui.runbooks.stage import Stage

log = logging.getLogger(__name__)

NOTHING = "nothing to do"
"""What comes of a phase that an earlier attempt has brought to its end."""


class Carrying:
    """One run, under way in this process."""

    def __init__(self, live: LiveEstate, gate: Gate, plan: RunPlan, account: Account) -> None:
        self._gate = gate
        self._plan = plan
        self._account = account
        self._progress = account.progress
        self._running = Running(live, gate, plan, account)
        self._gates = Gates(self._running)

    async def carry_out(self, flow: Flow) -> None:
        """From its beginning, or from where it was. Raises CalmError when the journal or the ledger cannot be used."""
        only_back = await flow.step("begin", self._begin) == ROLL_BACK
        refused = await flow.step("admit", partial(self._admit, undo=only_back))
        came = STOP if refused else ROLL_BACK if only_back else GO_ON
        for phase in self._plan.phases:
            if came != GO_ON:
                break
            came = await self._through(flow, phase)
            if came == STOP and self._plan.on_failure == "rollback" and not phase.last:
                came = ROLL_BACK
        back = ""
        if came == ROLL_BACK:
            back = await flow.step("roll back", self._roll_back)
        await flow.step("end", partial(self._end, came, refused, back))

    async def _through(self, flow: Flow, phase: Phase) -> str:
        """A phase and what comes after it."""
        came = await self._held(flow, phase, phase.title, partial(self._phase, phase))
        if came == NOTHING and (not phase.gated or self._gates.passed(phase)):
            return GO_ON
        if came not in (GO_ON, NOTHING) or not (phase.hold or phase.gated):
            return came
        until = float(await flow.step(f"pause after {phase.title}", partial(self._deadline, phase)))
        after = partial(self._gates.after, phase, until)
        return await self._held(flow, phase, f"end of the pause after {phase.title}", after)

    async def _held(self, flow: Flow, phase: Phase, name: str, do: Callable[[], Awaitable[str]]) -> str:
        """What comes of a step of the engine, which is done again after each time that it was held."""
        for number in itertools.count(1):
            again = f", {number}" if number > 1 else ""
            came = await flow.step(f"{name}{again}", do)
            if came != HELD:
                return came
            came = await flow.step(f"hold in {name}{again}", Hold(self._running, phase).until_it_ends)
            if came != GO_ON:
                return came
        raise AssertionError("it counts without end")

    # -- its steps ------------------------------------------------------------------------

    async def _begin(self) -> str:
        """What this attempt is to do."""
        await self._account.stands(Standing.RUNNING)
        return ROLL_BACK if await self._account.wanted() == "rollback" else GO_ON

    async def _admit(self, *, undo: bool) -> str:
        """Why the run is refused; empty: it is not."""
        try:
            admission = await self._gate.admit(
                self._plan.deed(self._running.now(), undo=undo),
                break_glass=self._plan.break_glass,
                reason=self._plan.reason,
            )
        except Refused as error:
            return str(error)
        for node_id, reason in admission.denied.items():
            await self._account.note(node_id, "", Status.DENIED, reason)
        return ""

    async def _phase(self, phase: Phase) -> str:
        """Do the steps of a phase; what comes of it."""
        self._running.wanted = await self._account.wanted()
        nodes = self._left(phase)
        try:
            if nodes and (self._running.wanted == "pause" or await Hold(self._running, phase).frozen(nodes)):
                return HELD
            await self._account.stands(Standing.RUNNING, self._plan.said(phase))
            async with self._running.let_through(nodes) as allowed:
                stage = Stage(self._running, phase)
                there = [node for node in nodes if node.id in allowed]
                came = await self._running.watched(stage.do(there), pauses=False)
        except CalmError as error:
            log.warning("run %s: %s", self._account.run.id, error)
            await self._account.note("", phase.title, Status.FAILED, str(error))
            return STOP
        touched = any(node.id in self._progress.since for node in self._plan.nodes_of(phase.stages))
        return NOTHING if came == GO_ON and not touched else came

    def _left(self, phase: Phase) -> list[PlannedNode]:
        """The nodes of a phase to which anything may be done."""
        left_out = self._progress.left_out()
        return [node for node in self._plan.nodes_of(phase.stages) if node.id not in left_out]

    async def _deadline(self, phase: Phase) -> str:
        """When the pause after a phase ends: the moment is remembered, however often the worker dies within."""
        return str(time.time() + phase.hold)

    async def _roll_back(self) -> str:
        """Take back what was done, the last first; what comes of it."""
        try:
            return await Back(self._running).do()
        except CalmError as error:
            log.warning("run %s: %s", self._account.run.id, error)
            await self._account.note("", "roll back", Status.FAILED, str(error))
            return STOP

    async def _end(self, came: str, refused: str, back: str) -> str:
        """Say how the run has ended, and what was not begun."""
        if came != GO_ON:
            why = "not done to its end: the run ended before"
            if refused:
                why = "refused"
            elif came == CANCELLED:
                why = "cancelled before it began"
            left = [node.id for node in self._plan.nodes if not self._running.outcome(node)[0].final]
            await self._running.leave_out(left, why)
        outcomes = [self._running.outcome(node)[0] for node in self._plan.nodes]
        detail = refused or tally(outcomes) + (f"; {self._taken_back()}" if back else "")
        if CANCELLED in (came, back):
            standing = Standing.CANCELLED
        elif back == GO_ON:
            standing = Standing.ROLLED_BACK
        elif came == GO_ON and all(outcome in PASSED and outcome is not Status.SKIPPED for outcome in outcomes):
            standing = Standing.OK
        else:
            standing = Standing.FAILED
        await self._account.stands(standing, detail)
        if self._plan.told["ended"] or (self._plan.told["failed"] and standing is not Standing.OK):
            await self._running.notify(standing, detail)
        return standing.value

    def _taken_back(self) -> str:
        """How many of the nodes that were begun are as they were before."""
        begun, keys = list(self._progress.begun), [step.key for step in self._plan.rollback]
        events = [[self._progress.step(node, key) for key in keys] for node in begun]
        done = sum(all(event is not None and event.status in PASSED for event in of_node) for of_node in events)
        return f"{done} rolled back" if done == len(begun) else f"{done} of {len(begun)} rolled back"
