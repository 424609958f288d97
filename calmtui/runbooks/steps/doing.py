"""A step under way: on one node, or once for a batch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from calmtui import sanitise
from calmtui.actions.execute import replaced
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, OutcomeUnknown
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.query import compile_query
from calmtui.runbooks import template
from calmtui.runbooks.account import Account
from calmtui.runbooks.journal import Event
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan
from calmtui.runbooks.progress import Progress
from calmtui.runbooks.steps import commands
from calmtui.runbooks.steps.step import EachStep, OnceStep, Result, Stopped, cancelled

log = logging.getLogger(__name__)

Waiting = Callable[[str], Awaitable[None]]
"""Told what is waited for, once it is known."""


class Notes(Protocol):
    """Where it is noted how a step goes on: the account of a run, or nowhere when a node is only looked at."""

    @property
    def folder(self) -> Path:
        """For the files of commands that print much."""
        ...

    @property
    def progress(self) -> Progress:
        """How far everything is."""
        ...

    async def note(self, node: NodeId, step: str, status: Status, detail: str = "", output: str = "") -> None:
        """Take in that something has happened."""
        ...

    async def cancelled(self) -> bool:
        """Whether somebody wants it to end."""
        ...


@dataclass(frozen=True)
class Doing:
    """One step on one node."""

    live: LiveEstate
    planned: PlannedNode
    step: PlannedStep
    filled: dict[str, str]
    """All that can be put in, secrets fetched."""
    account: Notes
    before: Event | None
    """The beginning of it that has no end in the journal: it may have happened."""
    since: float
    """When the run began with the node, seconds since the epoch."""

    @property
    def folder(self) -> Path:
        """For the files of commands that print much."""
        return self.account.folder

    async def tell(self, detail: str, output: str = "") -> None:
        """Note how far it has come: whoever carries it on finds the last of it in `before`. Raises StoreError."""
        await self.account.note(self.planned.id, self.step.key, Status.RUNNING, sanitise.word(detail), output)

    @property
    def node(self) -> Node:
        """The node as it is now. Raises CalmError when it is gone."""
        node = self.live.fleet.get(self.planned.id)
        if node is None:
            raise CalmError("gone", where=self.planned.name)
        if changed := replaced(self.planned.node, node):
            raise CalmError(changed, where=self.planned.name)
        return node

    def selects(self, query: str) -> bool:
        """Whether a query of the runbook selects the node now. Raises QueryError, CalmError."""
        return compile_query(template.query(query, self.filled), around(self.live))(self.node)

    async def command(
        self, line: str, environment: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> commands.Answer:
        """Run a line that the runbook writes, with the values put in."""
        given = {name: template.text(value, self.filled) for name, value in (environment or {}).items()}
        line = template.shell(line, self.filled)
        return await commands.run(self.live, self.node, line, given, timeout, self.folder, self._output)

    async def _output(self, output: str) -> None:
        """Note what was printed so far, and nothing else: what the beginning said is still to be known."""
        known = self.account.progress.step(self.planned.id, self.step.key)
        await self.tell(known.detail if known is not None else "", output)


async def do(
    live: LiveEstate, planned: PlannedNode, step: PlannedStep, account: Notes, before: Event | None, since: float
) -> Result:
    """Do a step on a node. Raises nothing: what goes wrong is its result."""

    async def doing() -> Result:
        declared = step.declared
        assert isinstance(declared, EachStep), f"{step.key} is a step of a node"
        filled = await asyncio.to_thread(step.filled, planned, masked=False)
        this = Doing(live, planned, step, filled, account, before, since)
        if before is None and declared.when is not None and not this.selects(declared.when):
            return Result(Status.SKIPPED, f"not {template.query(declared.when, filled)}")
        return await declared.do(this)

    return await _told(doing(), f"step {step.key} on {planned.id}")


@dataclass(frozen=True)
class Batch:
    """One step for all the nodes of a batch that have come so far."""

    live: LiveEstate
    gate: Gate
    plan: RunPlan
    step: PlannedStep
    filled: dict[str, str]
    """All that can be put in, secrets fetched."""
    index: int
    """Of the batch, from 0."""
    nodes: Sequence[PlannedNode]
    """Those that have come so far, and have not been through it."""
    waiting: Waiting
    account: Account
    key: str
    """Under which the journal keeps what is told of it as a whole."""
    before: Event | None
    """The beginning of it that has no end in the journal: it may have happened."""

    async def tell(self, detail: str, output: str = "") -> None:
        """Note how far it has come: whoever carries it on finds the last of it in `before`. Raises StoreError."""
        await self.account.note("", self.key, Status.RUNNING, sanitise.word(detail), output)

    async def note(self, node: NodeId, status: Status, detail: str = "", output: str = "") -> None:
        """Note how it stands on one of the nodes, where nodes have outcomes of their own in it. Raises StoreError."""
        await self.account.note(node, self.step.key, status, sanitise.word(detail), output)


async def do_once(
    live: LiveEstate,
    gate: Gate,
    plan: RunPlan,
    step: PlannedStep,
    index: int,
    nodes: Sequence[PlannedNode],
    waiting: Waiting,
    account: Account,
    key: str,
) -> Result:
    """Do a step for a batch, and note under `key` how it stands. What goes wrong is its result.

    Raises StoreError when the journal cannot be used.
    """
    before = account.progress.step("", key)

    async def doing() -> Result:
        declared = step.declared
        assert isinstance(declared, OnceStep), f"{step.key} is a step of a batch"
        filled = await asyncio.to_thread(step.filled, None, masked=False)
        chosen = [node for node in nodes if before is not None or _selected(live, node, step, account)]
        for node in nodes if step.per_node else ():
            if node not in chosen:
                await account.note(node.id, step.key, Status.SKIPPED, f"not {declared.when}")
        if not chosen:
            return Result(Status.SKIPPED, f"none of the nodes is {declared.when}")
        batch = Batch(live, gate, plan, step, filled, index, chosen, waiting, account, key, before)
        return await declared.do_once(batch)

    async def ended(result: Result) -> None:
        for node in nodes if step.per_node else ():
            known = account.progress.step(node.id, step.key)
            if known is None or not known.status.final:
                await account.note(node.id, step.key, result.status, result.detail)
        await account.note("", key, result.status, result.detail, result.output)

    await account.note("", key, Status.RUNNING, before.detail if before is not None else "")
    try:
        result = await _told(doing(), f"step {step.key} of run {account.run.id}")
    except asyncio.CancelledError as error:
        if (step.per_node or isinstance(error, Stopped)) and await account.cancelled():
            await ended(cancelled(error))
        raise
    await ended(result)
    return result


def _selected(live: LiveEstate, planned: PlannedNode, step: PlannedStep, account: Account) -> bool:
    """Whether a step is done on a node under its condition, secrets being none of its words."""
    when = step.declared.when
    return when is None or Doing(live, planned, step, step.filled(planned), account, None, 0.0).selects(when)


async def _told(doing: Awaitable[Result], what: str) -> Result:
    try:
        result = await doing
    except OutcomeUnknown as error:
        result = Result(Status.UNKNOWN, str(error))
    except CalmError as error:
        result = Result(Status.FAILED, str(error))
    except Exception as error:  # a fault of ours is that step's failure, not the end of the others'
        log.exception("%s", what)
        text = f"internal error: {type(error).__name__}; the worker's log file has the details"
        result = Result(Status.FAILED, text)
    return replace(result, detail=sanitise.word(result.detail))
