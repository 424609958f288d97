"""`notify`: tell people, once for each batch."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from calmtui.actions.outcome import Status
from calmtui.governance.notify import notify
from calmtui.runbooks import template
from calmtui.runbooks.steps.step import OnceStep, Result

if TYPE_CHECKING:
    from calmtui.runbooks.steps.doing import Batch


class NotifyStep(OnceStep):
    """Tell people through the estate's `notify`, once for each batch."""

    notify: str
    """What to tell them."""

    def said(self, filled: Mapping[str, str]) -> str:
        """What they are told."""
        return f"notify: {template.text(self.notify, filled)}"

    async def do_once(self, batch: Batch) -> Result:
        """Tell them."""
        estate, run = batch.live.estate, batch.account.run
        if not (estate.notify.webhook or estate.notify.command):
            return Result(Status.FAILED, "the estate names nobody to notify: give it `notify`")
        text = template.text(self.notify, batch.filled)
        message = {"kind": "message", "id": run.id, "runbook": run.runbook, "by": run.who, "text": text,
                   "batch": batch.index + 1, "nodes": [node.id for node in batch.nodes],
                   "estate": estate.name}  # fmt: skip
        await asyncio.to_thread(notify, estate.notify, message)
        return Result(Status.OK, text)
