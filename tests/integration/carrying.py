"""A runbook on the real sources of an estate, planned and carried out in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Status
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.fleet.query import compile_query
from calmtui.governance.identity import me
from calmtui.runbooks.account import Account
from calmtui.runbooks.carry import Carrying
from calmtui.runbooks.engine import Flow, InMemory
from calmtui.runbooks.journal import Event, Journal, Run
from calmtui.runbooks.load import load_file
from calmtui.runbooks.planning import make, targets


@dataclass(frozen=True)
class Carried:
    """What came of it."""

    run: Run
    events: list[Event]
    sentences: list[str]
    """What the plan said, node by node."""

    def ends(self) -> list[tuple[str, Status, str]]:
        """How each step of each node has ended: key, status, detail."""
        return [(one.step, one.status, one.detail) for one in self.events if one.node and one.status.final]


class Estate:
    """An estate, open; entered, its sources have answered."""

    def __init__(self, folder: Path, sources: str) -> None:
        self.folder = folder
        path = folder / "estate.yaml"
        path.write_text(f"name: lab\nsources:\n{sources}")
        self.live = LiveEstate(load_estate(path))
        self._journal = Journal(folder / "runs.db")

    async def __aenter__(self) -> Estate:
        await self.live.__aenter__()
        assert await self.live.gatherer.settled(30)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.live.__aexit__(*exc)

    async def carry(self, text: str, before: Callable[[Run], Any] | None = None, **given: str) -> Carried:
        """Carry out a runbook to its end; `before` may write into its journal."""
        file = self.folder / "x.yaml"
        file.write_text(f"runbook: x\nsummary: s\n{text}")
        runbook = load_file(file)
        chosen = compile_query(targets(runbook, given), around(self.live))
        nodes = [node for node in self.live.fleet if chosen(node)]
        plan = make(self.live.estate, runbook, nodes, given, self.live.actions(), who=me(), groups=(), reason="test")
        run = self._journal.submit(plan)
        if before is not None:
            before(run)

        async def body(workflow: str, flow: Flow) -> None:
            gate = Gate(self.live, read_only=False, through="runbook")
            account = await asyncio.to_thread(Account, self._journal, run)
            await Carrying(self.live, gate, plan, account).carry_out(flow)

        async with InMemory(body) as engine:
            await engine.begin(run.workflow)
            await engine.ended(run.workflow)
        return Carried(self._journal.run(run.id), self._journal.events(run.id), plan.sentences)
