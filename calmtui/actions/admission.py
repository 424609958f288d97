"""Admission: what the gate has let through, while it is being done: its locks are kept, its outcomes recorded."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from calmtui.actions.deed import Deed
from calmtui.actions.outcome import Outcome
from calmtui.errors import CalmError
from calmtui.fleet.node import Node, NodeId
from calmtui.governance.locks import RENEW, Locks
from calmtui.governance.record import Event, Record
from calmtui.governance.trail import Trail

if TYPE_CHECKING:
    from types import TracebackType

log = logging.getLogger(__name__)

EVERY = 0.5
"""Seconds between two writings of outcomes, so that a plan of thousands of nodes is not thousands of writings."""


class Admission:
    """Something under way. Enter it before the first node is begun, leave it when nothing of it goes on."""

    def __init__(
        self,
        deed: Deed,
        denied: Mapping[NodeId, str],
        busy: Mapping[NodeId, str],
        trail: Trail,
        locks: Locks,
        *,
        broken: str = "",
    ) -> None:
        self.deed = deed
        self.broken = broken
        """The reason given for breaking the glass; empty: it was let through without."""
        self.denied = denied
        """Why not, for each node that policy forbids."""
        self.busy = busy
        """Who is changing it, for each node that somebody else is."""
        self.trouble = ""
        """Why outcomes could not be recorded; empty: they are."""
        self._trail = trail
        self._locks = locks
        self._pending: list[Record] = []
        self._statuses: dict[NodeId, str] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def nodes(self) -> list[Node]:
        """What may be done now, in the order of the deed."""
        return [node for node in self.deed.nodes if node.id not in self.denied and node.id not in self.busy]

    def deny(self, node_id: NodeId, reason: str) -> None:
        """Leave out one more node: what it stands for is denied."""
        self.denied = {**self.denied, node_id: reason}

    async def __aenter__(self) -> Admission:
        assert self._task is None, "what is to be done again is admitted again"
        self._task = asyncio.create_task(self._keep(), name=f"admission {self.deed.hash[:12]}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(Counter(self._statuses.values()).items()))
        self._pending.append(
            self._trail.record(
                Event.ENDED, action=self.deed.action, plan=self.deed.hash, detail=counts or "nothing done"
            )
        )
        await asyncio.shield(asyncio.to_thread(self._end))

    def note(self, outcome: Outcome) -> None:
        """Take in an outcome; what is final is recorded soon."""
        if outcome.status.final:
            status = outcome.status.value
            self._statuses[outcome.node.id] = status
            self._pending.append(
                self._trail.record(
                    Event.OUTCOME, action=self.deed.action, plan=self.deed.hash, nodes=(outcome.node.id,),
                    status=status, detail=outcome.detail[:500],
                )
            )  # fmt: skip

    async def _keep(self) -> None:
        """Write what has come, and renew the locks, until cancelled."""
        renewed = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(EVERY)
            if self._pending:
                await asyncio.shield(asyncio.to_thread(self._write))
            if asyncio.get_running_loop().time() - renewed > RENEW:
                renewed = asyncio.get_running_loop().time()
                await asyncio.shield(asyncio.to_thread(self._renew))

    def _write(self) -> None:
        records, self._pending = self._pending, []
        try:
            self._trail.append(*records)
            self.trouble = self._trail.trouble
        except CalmError as error:  # it is being done: the outcomes are kept until they can be written
            self._pending = records + self._pending
            self.trouble = str(error)
            log.warning("outcomes are not recorded: %s", error)

    def _renew(self) -> None:
        try:
            self._locks.renew()
        except CalmError as error:
            self.trouble = str(error)
            log.warning("locks are not renewed: %s", error)

    def _end(self) -> None:
        self._write()
        try:
            self._locks.release()
        except CalmError as error:  # the lease ends by itself
            log.warning("locks are not released: %s", error)
