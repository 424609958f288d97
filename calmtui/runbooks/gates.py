"""Gates: what is looked at on the nodes that have come through a phase, before the next one begins.

A gate is passed when it holds on all of them, and failed when it does not on any. When it cannot be looked at (a host
does not answer, logs cannot be read, there is no node to look at), it is neither: a person is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError
from calmtui.fleet.moment import seconds
from calmtui.runbooks.journal import Standing
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.plan import PlannedNode, PlannedStep, title
from calmtui.runbooks.progress import PASSED
from calmtui.runbooks.running import GO_ON, STOP, Running
from calmtui.runbooks.steps.approve import Asking, approved
from calmtui.runbooks.steps.check import CheckStep
from calmtui.runbooks.steps.doing import Doing, missed
from calmtui.runbooks.steps.step import Result

AT_ONCE = 64
"""How many nodes are looked at at once."""
NAMED = 3
"""How many nodes are named that do not pass."""
INTERVAL = 2.0
"""Seconds between two looks during a hold, when no gate says otherwise."""


class Gates:
    """The gates of one run."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._turn = asyncio.Semaphore(AT_ONCE)

    def passed(self, phase: Phase) -> bool:
        """Whether all gates after a phase were passed before."""
        events = [self._running.progress.step("", _key(phase, gate)) for gate in self._running.plan.gates]
        return all(event is not None and event.status in PASSED for event in events)

    async def after(self, phase: Phase, until: float) -> str:
        """Look, as long as the phase is held, and once at least; whether the run goes on. `until`: since the epoch."""
        gates = self._running.plan.gates if phase.gated else ()
        at = time.strftime("%H:%M:%S", time.localtime(until))
        if gates:
            hold = f" until {at}" if phase.hold else ""
            await self._running.account.stands(Standing.RUNNING, f"looks at the gates after {phase.title}{hold}")
        else:
            await self._running.account.stands(Standing.WAITING, f"pauses until {at}")
        for gate in gates:
            await self._running.account.note("", _key(phase, gate), Status.RUNNING)
        return await self._running.watched(self._after(phase, gates, until), pauses=True)

    async def _after(self, phase: Phase, gates: Sequence[PlannedStep], until: float) -> str:
        if not gates:
            await asyncio.sleep(max(until - time.time(), 0.0))
            return GO_ON
        while True:
            results = await asyncio.gather(*(self._look(phase, gate) for gate in gates))
            if (left := until - time.time()) <= 0 or any(result.status is Status.FAILED for result in results):
                break
            await asyncio.sleep(min(INTERVAL, left))
        came = GO_ON
        for gate, found in zip(gates, results, strict=True):
            result = found
            await self._running.account.note("", _key(phase, gate), result.status, result.detail)
            if result.status is Status.UNKNOWN and Status.FAILED not in {one.status for one in results}:
                result = await self._ask(phase, gate, result)
                await self._running.account.note("", _key(phase, gate), result.status, result.detail)
            came = came if result.status in PASSED else STOP
        return came

    # -- a look -----------------------------------------------------------------------------

    async def _look(self, phase: Phase, gate: PlannedStep) -> Result:
        """Look at all nodes that have come through; unknown when it cannot be looked at."""
        running = self._running
        nodes = [node for node in running.plan.nodes_of(phase.gated) if self._came_through(phase, node)]
        if not nodes:
            return Result(Status.UNKNOWN, "no node has come so far: there is nothing to look at")
        rest = [node for node in running.plan.nodes if node.id not in running.progress.begun]
        results = await asyncio.gather(*(self._look_at(gate, node, rest) for node in nodes))
        found = dict(zip((node.name for node in nodes), results, strict=True))
        for status in (Status.FAILED, Status.UNKNOWN):
            said = [f"{name}: {result.detail.removeprefix(f'{name}: ')}" for name, result in found.items()
                    if result.status is status]  # fmt: skip
            if said:
                more = f"; and {len(said) - NAMED} more" if len(said) > NAMED else ""
                return Result(status, "; ".join(said[:NAMED]) + more)
        return Result(Status.OK, results[0].detail if len(nodes) == 1 else f"on {len(nodes)} nodes")

    def _came_through(self, phase: Phase, node: PlannedNode) -> bool:
        """Whether all that is done on a node as far as this phase has been, and well."""
        progress, plan = self._running.progress, self._running.plan
        if node.id in progress.left_out():
            return False
        so_far = plan.phases[: plan.phases.index(phase) + 1]
        stage = plan.stage_of[node.id]
        keys = [step.key for each in so_far if stage in each.stages for step in plan.steps_of(each) if step.per_node]
        events = [progress.step(node.id, key) for key in keys]
        return all(event is not None and event.status in PASSED for event in events)

    async def _look_at(self, gate: PlannedStep, node: PlannedNode, rest: Sequence[PlannedNode]) -> Result:
        check = gate.declared
        assert isinstance(check, CheckStep), "only checks are gates"
        result = Result(Status.UNKNOWN)
        for number in range(check.retries + 1):
            if number:
                await asyncio.sleep(seconds(check.interval) or 0.0)
            async with self._turn:
                result = await self._once(check, gate, node, rest)
            if result.status is Status.OK:
                break
        return result

    async def _once(
        self, check: CheckStep, gate: PlannedStep, node: PlannedNode, rest: Sequence[PlannedNode]
    ) -> Result:
        running = self._running
        try:
            filled = await asyncio.to_thread(gate.filled, node, masked=False)
            since = running.progress.since.get(node.id, 0.0)
            doing = Doing(running.live, node, gate, filled, running.account, None, since)
            if unmet := missed(doing, check):
                return Result(Status.OK, f"not {unmet}")
            if check.check.query is not None and running.live.fleet.is_stale(doing.node):
                return Result(Status.UNKNOWN, "it is not known how it is now")
            others = [there for one in rest if (there := running.live.fleet.get(one.id)) is not None]
            return await check.look(doing, others)
        except TimeoutError:
            return Result(Status.UNKNOWN, "no answer in time")
        except CalmError as error:
            return Result(Status.UNKNOWN, sanitise.word(error.what))

    async def _ask(self, phase: Phase, gate: PlannedStep, result: Result) -> Result:
        """Ask a person whether to go on although a gate could not be looked at."""
        plan, run = self._running.plan, self._running.account.run
        summary = f"run {run.id} of {plan.runbook}: the gate {title(gate)!r} after {phase.title} cannot be looked at"
        summary += f" ({result.detail}); go on?"
        subject = f"{run.workflow} {_key(phase, gate)}"
        nodes = [node.id for node in plan.nodes_of(phase.gated)]
        waiting = partial(self._running.waiting, phase.title)
        try:
            return await approved(self._running.gate, plan, subject, summary, Asking(**plan.asking), nodes, waiting)
        except CalmError as error:
            return Result(Status.FAILED, str(error))


def _key(phase: Phase, gate: PlannedStep) -> str:
    """What the journal calls a gate after a phase."""
    return f"{phase.title}: {gate.key}"
