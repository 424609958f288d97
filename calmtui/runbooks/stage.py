"""A stage of a run: its steps on its nodes, until all have come through, too many have failed, or it is to pause."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial

from calmtui.actions.outcome import Status
from calmtui.actions.pace import LOOK, UNHEALTHY, Pace, healthy
from calmtui.fleet.node import NodeId
from calmtui.fleet.source import Health
from calmtui.runbooks.on_node import OnNode
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.plan import PlannedNode, PlannedStep
from calmtui.runbooks.progress import PASSED
from calmtui.runbooks.running import GO_ON, HELD, STOP, Running
from calmtui.runbooks.steps.approve import ask_to_go_on
from calmtui.runbooks.steps.doing import do_once

ASKED = "go on after "
"""What the keys of questions begin with, before how many had failed."""


class Stage:
    """One phase of a run, while the nodes that are `allowed` are locked."""

    def __init__(self, running: Running, phase: Phase) -> None:
        self._running = running
        self._phase = phase
        self._plan = running.plan
        self._progress = running.progress
        self._account = running.account
        self._on_node = OnNode(running.live, running.plan, running.account)

    async def do(self, nodes: Sequence[PlannedNode]) -> str:
        """Do its steps on the nodes; what comes of it: go on, stop, or held because it is to pause."""
        for segment in _segments(self._plan.steps_of(self._phase)):
            if self._running.wanted == "pause":
                return HELD
            bad = self._progress.bad()
            good = [node for node in nodes if node.id not in bad]
            came = await (self._once(segment[0], good) if segment[0].once else self._on_nodes(good, segment))
            if came != GO_ON:
                return came
        for planned in nodes:
            self._running.tell(planned)
        return GO_ON

    async def _once(self, step: PlannedStep, nodes: Sequence[PlannedNode]) -> str:
        """A step that is done once for the nodes of a batch that have come so far."""
        key = f"{self._phase.title}: {step.key}"
        known = self._progress.step("", key)
        if step.per_node:
            nodes = [node for node in nodes if not self._passed(node, [step])]
        elif known is not None and known.status.final:
            return GO_ON if known.status in PASSED else STOP
        if not nodes:
            return GO_ON
        running = self._running
        result = await do_once(running.live, running.gate, self._plan, step, self._phase.stages[0], nodes,
                               partial(running.waiting, self._phase.title), self._account, key)  # fmt: skip
        await running.goes_on(self._plan.said(self._phase))
        if step.per_node:  # nodes that have failed in it count as those that have failed by themselves
            return GO_ON if not self._spent() or await self._go_on_all_the_same() else STOP
        return GO_ON if result.status in PASSED else STOP

    async def _on_nodes(self, nodes: Sequence[PlannedNode], segment: Sequence[PlannedStep]) -> str:
        """Do some steps on each of the nodes, as many at once as may be."""
        left = [node.id for node in nodes if not self._passed(node, segment)]
        pace = Pace(deque(left), self._plan.parallel, self._plan.min_healthy)
        under_way: dict[asyncio.Task[None], NodeId] = {}
        try:
            while pace.waiting or under_way:
                running = self._healthy() if pace.min_healthy else set[NodeId]()
                while self._may_begin() and (node_id := pace.begin(running)) is not None:
                    planned = self._plan.by_id[node_id]
                    under_way[asyncio.create_task(self._node(planned, segment), name=f"{node_id}")] = node_id
                if not under_way:
                    if self._running.wanted == "pause":
                        return HELD
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
        await self._running.leave_out(pace.waiting, reason)
        return STOP

    async def _node(self, planned: PlannedNode, segment: Sequence[PlannedStep]) -> None:
        if planned.id not in self._progress.begun and (absent := await self._absent(planned)):
            await self._running.leave_out([planned.id], absent)
            return
        for step in segment:
            if await self._on_node.step(planned, step) not in PASSED:
                break
        if self._running.outcome(planned)[0].final:
            self._running.tell(planned)

    async def _absent(self, planned: PlannedNode) -> str:
        """Why a node is not there; empty: it is. A source that has not answered yet is waited for."""
        fleet, deadline = self._running.live.fleet, time.monotonic() + UNHEALTHY
        while fleet.get(planned.id) is None:
            source = fleet.sources.get(planned.source)
            if source is None or source.health is Health.LIVE:
                return "gone since the plan was made"
            if source.health is not Health.CONNECTING or time.monotonic() > deadline:
                return f"not known: the source {planned.source} is {source.health}"
            await asyncio.sleep(LOOK)
        return ""

    # -- what holds -------------------------------------------------------------------------

    def _may_begin(self) -> bool:
        return self._running.wanted != "pause" and not self._spent()

    def _healthy(self) -> set[NodeId]:
        return healthy(self._running.live, (node.id for node in self._plan.nodes), self._progress.bad())

    def _passed(self, planned: PlannedNode, segment: Sequence[PlannedStep]) -> bool:
        events = [self._progress.step(planned.id, step.key) for step in segment]
        return all(event is not None and event.status in PASSED for event in events)

    def _spent(self) -> bool:
        """Whether more nodes have failed than may."""
        budget = self._plan.max_failed
        if budget is None:
            return False
        progress = self._progress
        allowed = [int(step.removeprefix(ASKED)) for step in progress.keys("")
                   if step.startswith(ASKED) and progress.steps["", step].status is Status.OK]  # fmt: skip
        return self._progress.failures() > max([budget, *allowed])

    async def _go_on_all_the_same(self) -> bool:
        """Ask a person whether to go on in spite of the failures, where the runbook says so."""
        if self._plan.on_failure != "ask":
            return False
        bad = self._progress.bad()
        key = f"{ASKED}{self._progress.failures()}"
        await self._account.note("", key, Status.RUNNING)
        waiting = partial(self._running.waiting, f"{len(bad)} failed, it")
        result = await ask_to_go_on(self._running.gate, self._plan, self._account.run, sorted(bad), waiting)
        await self._account.note("", key, result.status, result.detail)
        await self._running.goes_on(self._plan.said(self._phase))
        return result.status is Status.OK


def _segments(planned: Iterable[PlannedStep]) -> list[list[PlannedStep]]:
    """Steps that are done node by node together, and each that is done once by itself."""
    found: list[list[PlannedStep]] = []
    for step in planned:
        if found and not step.once and not found[-1][0].once:
            found[-1].append(step)
        else:
            found.append([step])
    return found
