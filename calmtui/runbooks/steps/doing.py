"""A step under way: on one node, or once for a batch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan, condition, digest, names_beside
from calmtui.runbooks.progress import Progress
from calmtui.runbooks.steps import commands
from calmtui.runbooks.steps.expression import Expression, of_node
from calmtui.runbooks.steps.step import AnyStep, EachStep, OnceStep, Result, Stopped, cancelled

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
    earlier: Mapping[str, Event] = field(default_factory=dict)
    """What has come of other steps on the node, by the name of the step."""

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
        return self.selected_by(template.query(query, self.filled))

    def selected_by(self, query: str) -> bool:
        """Whether a query as it stands selects the node now. Raises QueryError, CalmError."""
        return compile_query(query, around(self.live))(self.node)

    def holds(self, condition: str | Expression) -> bool:
        """Whether a query selects the node now, or an expression is true of it. Raises QueryError, CalmError."""
        if isinstance(condition, str):
            return self.selects(condition)
        return condition.holds(
            {"node": of_node(self.node), "parameters": self.step.values, "steps": _came(self.earlier)}
        )

    async def file(self, name: str) -> Path:
        """A file of the estate, which holds what it did when the plan was made. Raises CalmError."""
        return await _bound(self.live, self.step, name)

    async def command(
        self, line: str, environment: Mapping[str, str] | None = None, limit: float | None = None
    ) -> commands.Answer:
        """Run a line that the runbook writes, with the values put in, `limit` seconds at the most."""
        return await self.asked(template.shell(line, self.filled), environment, limit)

    async def asked(
        self,
        line: str,
        environment: Mapping[str, str] | None = None,
        limit: float | None = None,
        stdin: bytes | Path = b"",
    ) -> commands.Answer:
        """Run a line as it stands; values are put into its environment."""
        given = {name: template.text(value, self.filled) for name, value in (environment or {}).items()}
        return await commands.run(self.live, self.node, line, given, limit, self.folder, self._output, stdin)

    async def _output(self, output: str) -> None:
        """Note what was printed so far, and nothing else: what the beginning said is still to be known."""
        known = self.account.progress.step(self.planned.id, self.step.key)
        await self.tell(known.detail if known is not None else "", output)


async def do(
    live: LiveEstate,
    planned: PlannedNode,
    step: PlannedStep,
    account: Notes,
    before: Event | None,
    since: float,
    earlier: Mapping[str, Event],
) -> Result:
    """Do a step on a node. Raises nothing: what goes wrong is its result. `earlier`: what came of others."""

    async def doing() -> Result:
        declared = step.declared
        assert isinstance(declared, EachStep), f"{step.key} is a step of a node"
        filled = await asyncio.to_thread(step.filled, planned, masked=False) | account.progress.answers()
        this = Doing(live, planned, step, filled, account, before, since, earlier)
        if before is None and (unmet := missed(this, declared)):
            return Result(Status.SKIPPED, f"not {unmet}")
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

    async def file(self, name: str) -> Path:
        """A file of the estate, which holds what it did when the plan was made. Raises CalmError."""
        return await _bound(self.live, self.step, name)

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
        filled = await asyncio.to_thread(step.filled, None, masked=False) | account.progress.answers()
        unmet = {} if before is not None else {node.id: _missed_by(live, node, step, account) for node in nodes}
        chosen = [node for node in nodes if not unmet.get(node.id)]
        for node in nodes if step.per_node else ():
            if node not in chosen:
                await account.note(node.id, step.key, Status.SKIPPED, f"not {unmet[node.id]}")
        if not chosen:
            return Result(Status.SKIPPED, f"none of the nodes is {next(iter(unmet.values()))}")
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


def _missed_by(live: LiveEstate, planned: PlannedNode, step: PlannedStep, account: Account) -> str:
    """The condition of a step that does not hold of a node, secrets being none of its words; empty: none."""
    filled = step.filled(planned) | account.progress.answers()
    return missed(Doing(live, planned, step, filled, account, None, 0.0), step.declared)


def missed(doing: Doing, declared: AnyStep) -> str:
    """The condition of a step that does not hold; empty: none. Raises QueryError, CalmError."""
    if doing.step.also and not doing.selected_by(doing.step.also):
        return doing.step.also
    if declared.when is not None and not doing.holds(declared.when):
        return condition(declared.when, doing.filled)
    return ""


async def _bound(live: LiveEstate, step: PlannedStep, name: str) -> Path:
    folder = live.estate.folder
    await asyncio.to_thread(_check, folder, step, name)
    return folder / name


def _check(folder: Path, step: PlannedStep, name: str) -> None:
    """Raise CalmError where a file, or what it uses in turn, is not what it was when the plan was made."""
    for one in sorted({name, *step.files, *names_beside(step.declared, folder, [name])}):
        if one not in step.files:
            what = "it was not there when the plan was made"
        elif digest(folder / one) != step.files[one]:
            what = "it has changed since the plan was made"
        else:
            continue
        raise CalmError(what, where=str(folder / one), next_step="start the run anew")


def _came(earlier: Mapping[str, Event]) -> dict[str, dict[str, str]]:
    return {name: {"status": event.status.value, "detail": event.detail, "output": event.output}
            for name, event in earlier.items()}  # fmt: skip


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
