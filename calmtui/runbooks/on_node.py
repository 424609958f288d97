"""One step of a run on one node: in the journal before it is begun, and not begun again when it has ended."""

from __future__ import annotations

import asyncio

from calmtui.actions.outcome import Status
from calmtui.estate.live import LiveEstate
from calmtui.runbooks.account import Account
from calmtui.runbooks.journal import Event
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan
from calmtui.runbooks.progress import PASSED
from calmtui.runbooks.steps import doing
from calmtui.runbooks.steps.step import Result, cancelled


class OnNode:
    """Does the steps of one run on its nodes."""

    def __init__(self, live: LiveEstate, plan: RunPlan, account: Account) -> None:
        self._live = live
        self._account = account
        self._progress = account.progress
        parts = [part for step in (*plan.steps, *plan.rollback) for part in (step, *step.parts)]
        self._names = {part.key: str(part.body["name"]) for part in parts if part.body.get("name")}
        """Of the steps that have one."""

    async def step(self, planned: PlannedNode, step: PlannedStep) -> Status:
        """Do a step on a node unless it is known how it ended; how it has."""
        known = self._progress.step(planned.id, step.key)
        if known is not None and known.status.final:
            return known.status
        node = self._live.fleet.get(planned.id)
        state = known.detail if known is not None else "" if node is None else node.state.value  # as it was before
        await self._account.note(planned.id, step.key, Status.RUNNING, state)
        try:
            if step.parts:
                result = await self._parts(planned, step)
            else:
                result = await doing.do(
                    self._live, planned, step, self._account, known, self._progress.since[planned.id],
                    self._earlier(planned),
                )  # fmt: skip
        except asyncio.CancelledError as error:
            if await self._account.cancelled():  # not the worker's end, after which it is carried on
                result = cancelled(error)
                await self._account.note(planned.id, step.key, result.status, result.detail)
            raise
        await self._account.note(planned.id, step.key, result.status, result.detail, result.output)
        return result.status

    def _earlier(self, planned: PlannedNode) -> dict[str, Event]:
        """What has come of the steps of a node that have a name."""
        known = ((self._names.get(key, ""), self._progress.step(planned.id, key))
                 for key in self._progress.keys(planned.id))  # fmt: skip
        return {name: event for name, event in known if name and event is not None}

    async def _parts(self, planned: PlannedNode, step: PlannedStep) -> Result:
        """Steps that are done at the same time: as well as the worst of them."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.step(planned, part)) for part in step.parts]
        failed = [part for part, task in zip(step.parts, tasks, strict=True) if task.result() not in PASSED]
        if not failed:
            return Result(Status.OK)
        event = self._progress.step(planned.id, failed[0].key)
        assert event is not None, "a step that was done has its end"
        return Result(event.status, event.detail)
