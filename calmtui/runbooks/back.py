"""Taking back what a run has done: the steps of its rollback on every node that was begun, the last first."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

from calmtui.runbooks.journal import Standing
from calmtui.runbooks.on_node import OnNode
from calmtui.runbooks.plan import PlannedNode
from calmtui.runbooks.progress import PASSED
from calmtui.runbooks.running import GO_ON, STOP, Running


class Back:
    """The rollback of one run."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._on_node = OnNode(running.live, running.plan, running.account)

    async def do(self) -> str:
        """Do it through the gate, as undoing; what comes of it. Raises CalmError when the gate cannot be asked."""
        running = self._running
        await running.account.stands(Standing.RUNNING, "rolling back")
        begun = [running.plan.by_id[node_id] for node_id in reversed(running.progress.begun)]
        async with running.let_through(begun, undo=True) as allowed:
            nodes = [node for node in begun if node.id in allowed]
            came = await running.watched(self._all(nodes), pauses=False)
        return STOP if came == GO_ON and len(nodes) < len(begun) else came

    async def _all(self, nodes: Sequence[PlannedNode]) -> str:
        came, plan = GO_ON, self._running.plan
        for _, of_batch in itertools.groupby(nodes, lambda node: plan.stage_of[node.id]):
            left = list(of_batch)
            while left:
                together, left = left[: plan.parallel], left[plan.parallel :]
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._one(node)) for node in together]
                came = came if all(task.result() for task in tasks) else STOP
        return came

    async def _one(self, planned: PlannedNode) -> bool:
        for step in self._running.plan.rollback:
            if await self._on_node.step(planned, step) not in PASSED:
                return False
        return True
