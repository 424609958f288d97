"""A hold: a run in which nothing is under way, because somebody has paused it or a freeze has begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from calmtui.actions.pace import LOOK
from calmtui.runbooks.journal import Standing
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.plan import PlannedNode
from calmtui.runbooks.running import CANCELLED, GO_ON, ROLL_BACK, Running

ASK_AGAIN = 5.0
"""Seconds between two looks at whether a freeze still holds."""


class Hold:
    """Of one run, in one of its phases."""

    def __init__(self, running: Running, phase: Phase) -> None:
        self._running = running
        self._phase = phase

    async def frozen(self, nodes: Sequence[PlannedNode]) -> str:
        """The freeze that holds any of the nodes, and until when; empty: none does. Raises EstateError, StoreError."""
        running = self._running
        now = running.now()
        there = [now.get(node.id, node.node) for node in nodes]
        found = await running.gate.frozen(running.plan.deed(now), there, break_glass=running.plan.break_glass)
        if found is None:
            return ""
        names, until = found
        return f"{', '.join(names)} until {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(until))}"

    async def until_it_ends(self) -> str:
        """Wait as long as it holds; whether the run then goes on, was cancelled or is to be rolled back."""
        account = self._running.account
        nodes = self._running.plan.nodes_of(self._phase.stages)
        said, freeze, asked_at = "", "", 0.0
        while (wanted := await account.wanted()) in ("", "pause"):
            if wanted == "pause":
                standing, detail = Standing.PAUSED, f"in {self._running.plan.said(self._phase)}"
            else:
                if time.monotonic() - asked_at > ASK_AGAIN:
                    freeze, asked_at = await self.frozen(nodes), time.monotonic()
                if not freeze:
                    return GO_ON
                standing, detail = Standing.WAITING, f"{self._phase.title} waits for the end of the freeze {freeze}"
            if f"{standing} {detail}" != said:
                said = f"{standing} {detail}"
                await account.stands(standing, detail)
                if standing is Standing.WAITING and self._running.plan.told["waiting"]:
                    await self._running.notify(standing, detail)
            await asyncio.sleep(LOOK)
        return CANCELLED if wanted == "cancel" else ROLL_BACK
