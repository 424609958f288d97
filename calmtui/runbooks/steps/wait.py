"""`wait`: until a query selects the node for so long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from calmtui.actions.outcome import Status
from calmtui.fleet.moment import seconds
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Strict
from calmtui.runbooks.steps.step import EachStep, Result

if TYPE_CHECKING:
    from calmtui.runbooks.steps.doing import Doing

LOOK = 0.25
"""Seconds between two looks at what the fleet says."""


class Waiting(Strict):
    """What to wait for."""

    query: str
    """The query that has to select the node."""
    for_: Annotated[Length, Field(alias="for")] = "0s"
    """How long without interruption."""
    timeout: Length = "5m"
    """After how long it has failed."""


class WaitStep(EachStep):
    """Wait until a query selects the node for so long."""

    wait: Waiting
    """What to wait for."""

    def said(self, filled: Mapping[str, str]) -> str:
        """What is waited for, and how long at the most."""
        wait = self.wait
        return f"wait until {template.query(wait.query, filled)} for {wait.for_}, {wait.timeout} at the most"

    async def do(self, doing: Doing) -> Result:
        """Look until it holds; to do it again is harmless."""
        loop = asyncio.get_running_loop()
        wanted, patience = seconds(self.wait.for_) or 0.0, seconds(self.wait.timeout) or 0.0
        began, since = loop.time(), None
        while True:
            now = loop.time()
            node = doing.live.fleet.get(doing.planned.id)
            holds = node is not None and not doing.live.fleet.is_stale(node) and doing.selects(self.wait.query)
            since = (now if since is None else since) if holds else None
            if since is not None and now - since >= wanted:
                return Result(Status.OK, f"after {now - began:.0f} s")
            if now - began > patience:
                is_now = "gone" if node is None else f"it is {node.raw_state or node.state}"
                return Result(Status.FAILED, f"not so within {self.wait.timeout}: {is_now}")
            await asyncio.sleep(LOOK)
