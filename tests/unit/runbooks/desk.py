"""Runs over nodes in this process, carried out on the engine that remembers in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from calmtui.actions.gate import Gate
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.governance.identity import me
from calmtui.providers.base import Command, Ended, Output, Piece
from calmtui.runbooks.account import Account
from calmtui.runbooks.carry import Carrying
from calmtui.runbooks.engine import Flow, InMemory
from calmtui.runbooks.journal import Journal, Run
from calmtui.runbooks.load import load_file
from calmtui.runbooks.plan import RunPlan
from calmtui.runbooks.planning import make
from tests.unit.actions.workshop import Workshop, live, node

HEAD = "runbook: x\nsummary: s\ntargets: kind=thing\n"
Deed = Callable[[Node], Awaitable[str]]


class Desk:
    """A workshop of `count` nodes with a journal; `deed` is what every command does."""

    def __init__(
        self, folder: Path, deed: Deed | Workshop, count: int = 4, nodes: Sequence[Node] = (), **declared: Any
    ) -> None:
        self.folder = folder
        self.source = deed if isinstance(deed, Workshop) else Workshop(deed)
        self.nodes = list(nodes) or [node(f"n{number}") for number in range(1, count + 1)]
        self.live: LiveEstate = live(self.source, *self.nodes, ledger=folder / "ledger.db", **declared)
        self.journal = Journal(folder / "runs.db")
        self.engine = InMemory(self._body)

    def plan(self, text: str, **given: str) -> RunPlan:
        """The plan of a runbook, `HEAD` before it."""
        file = self.folder / "x.yaml"
        file.write_text(HEAD + text)
        return make(
            self.live.estate,
            load_file(file),
            self.nodes,
            given,
            self.live.actions(),
            who=me(),
            groups=(),
            reason="test",
        )

    async def run(self, text: str) -> Run:
        """Submit a runbook and carry it out to its end."""
        return await self.carry(self.journal.submit(self.plan(text)))

    async def carry(self, run: Run) -> Run:
        """Carry out a run to its end."""
        async with self.engine as engine:
            await engine.begin(run.workflow)
            await engine.ended(run.workflow)
        return self.journal.run(run.id)

    async def _body(self, workflow: str, flow: Flow) -> None:
        run = self.journal.run(workflow.rpartition("-")[0])
        gate = Gate(self.live, read_only=False, through="runbook")
        account = await asyncio.to_thread(Account, self.journal, run)
        await Carrying(self.live, gate, self.journal.plan(run.id), account).carry_out(flow)

    def steps(self, run: Run) -> list[tuple[str, str, str]]:
        """All that has ended in a run, in its order: node, step, status."""
        return [
            (event.node.removeprefix("lab:"), event.step, event.status.value)
            for event in self.journal.events(run.id)
            if event.status.final
        ]

    def done(self, run: Run, step: str) -> list[str]:
        """The nodes on which a step was done, in that order."""
        return [name for name, key, status in self.steps(run) if key == step and status == "ok"]


class Shell(Workshop):
    """A workshop in which `does` says what comes of each line of a command: the exit status, and what is printed."""

    def __init__(self, does: Callable[[Node, str], Awaitable[str]]) -> None:
        super().__init__(fails_on())
        self.does = does

    async def start(self, node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        yield None
        status, _, printed = (await self.does(node, command.words[0])).partition(" ")
        yield Output(printed.encode() + b"\n")
        yield Ended(int(status))


def fails_on(*names: str, status: str = "1") -> Deed:
    """Commands fail on those nodes."""

    async def deed(target: Node) -> str:
        return f"{status} broken" if target.name in names else "0 fine"

    return deed


def rolling(*settings: str) -> str:
    """A strategy's line."""
    return f"strategy: {{rolling: {{{', '.join(settings)}}}}}\n"
