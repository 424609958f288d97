"""Asking the nodes of a service what only they can tell: the tiers' checks, and commands that print versions.

A check is declared to change nothing, but a command is a command: those pass the gate like any other.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calmtui.actions.admission import Admission
from calmtui.actions.commands import runs_at
from calmtui.actions.deed import Deed
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.blueprints.bind import Bound, BoundTier
from calmtui.blueprints.drift import Answer, Looked, Looks, asks
from calmtui.blueprints.members import Members, of_tiers
from calmtui.errors import CalmError
from calmtui.fleet.node import Node, NodeId
from calmtui.governance.record import Event
from calmtui.providers.base import Danger
from calmtui.runbooks import plan as plans
from calmtui.runbooks.plan import PlannedStep
from calmtui.runbooks.progress import Progress
from calmtui.runbooks.steps.doing import do

PARALLEL = 32
"""How many nodes are asked at once."""
PATIENCE = "30s"
"""How long a node may take to answer."""


@dataclass(frozen=True)
class _Question:
    """What one node is asked."""

    tier: str
    node: Node
    steps: dict[str, PlannedStep]
    """`version` and `check`, those that there are."""

    @property
    def commands(self) -> list[str]:
        """The commands among them, as people read them."""
        planned = plans.target(self.node, plans.used_in(self.steps.values()))
        return [plans.sentence(step, planned) for step in self.steps.values() if _is_command(step)]


@dataclass(frozen=True)
class _Nowhere:
    """Takes the notes of steps that belong to no run."""

    folder: Path
    progress: Progress = field(default_factory=lambda: Progress(1))

    async def note(self, node: NodeId, step: str, status: Status, detail: str = "", output: str = "") -> None:
        """It is in the answer, too."""

    async def cancelled(self) -> bool:
        """Nobody ends it but whoever asks."""
        return False


async def look(gate: Gate, bound: Bound, found: Members) -> Looks:
    """Ask every node that answers. Raises StoreError when commands cannot be recorded, EstateError from policies."""
    questions = list(_questions(gate, bound, found))
    looks: dict[tuple[str, NodeId], Looked] = {}
    room = asyncio.Semaphore(PARALLEL)
    refused, admission = await _admitted(gate, bound, questions)

    async def ask(question: _Question, notes: _Nowhere) -> None:
        async with room:
            looked = await _asked(gate, question, refused, notes)
        looks[question.tier, question.node.id] = looked
        if admission is not None and question.commands and question.node.id not in refused:
            admission.note(Outcome(question.node, *_outcome(looked)))

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calmtui-")))
        if admission is not None:
            await stack.enter_async_context(admission)
        async with asyncio.TaskGroup() as group:
            for question in questions:
                group.create_task(ask(question, _Nowhere(folder)))
    return looks


def _questions(gate: Gate, bound: Bound, found: Members) -> Iterator[_Question]:
    values = {**bound.variables, **of_tiers(found)}
    for tier in bound.tiers:
        if not asks(tier):
            continue
        steps = {what: PlannedStep(what, body, values) for what, body in _bodies(tier).items()}
        for node in found.tiers[tier.name]:
            if not gate.live.fleet.is_stale(node):
                yield _Question(tier.name, node, steps)


def _bodies(tier: BoundTier) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if tier.expect.version is not None and tier.expect.version_by is not None:
        found["version"] = {"run": tier.expect.version_by, "timeout": PATIENCE}
    if tier.check is not None:
        found["check"] = {"check": tier.check.model_dump(by_alias=True, exclude_unset=True), "timeout": PATIENCE}
    return found


def _is_command(step: PlannedStep) -> bool:
    return "run" in step.body or "command" in step.body.get("check", {})


async def _admitted(gate: Gate, bound: Bound, questions: list[_Question]) -> tuple[dict[NodeId, str], Admission | None]:
    """Why commands are refused, for each node where they are; and what lets the others through."""
    asked = {question.node.id: question for question in questions if question.commands}
    if not asked:
        return {}, None
    places = {node_id: runs_at(gate.live, question.node) or question.node for node_id, question in asked.items()}
    sentences = {node_id: "; ".join(question.commands) for node_id, question in asked.items()}
    every = {**{node_id: question.node for node_id, question in asked.items()},
             **{place.id: place for place in places.values()}}  # fmt: skip
    said = {place.id: sentences[node_id] for node_id, place in places.items()} | sentences
    deed = Deed(
        "exec", list(every.values()), [said[node_id] for node_id in every], Danger.CONFIRM,
        {"blueprint": bound.blueprint, "environment": bound.environment}, event=Event.COMMAND, exclusive=False,
    )  # fmt: skip
    try:
        judgement = await gate.judge(deed)
        if judgement.why_not:
            return dict.fromkeys(asked, judgement.why_not), None
        admission = await gate.admit(deed, reason=f"drift of {bound.blueprint} in {bound.environment}")
    except CalmError as error:
        return dict.fromkeys(asked, str(error)), None
    denied = {node_id: admission.denied[place.id] for node_id, place in places.items() if place.id in admission.denied}
    return {**denied, **admission.denied}, admission


async def _asked(gate: Gate, question: _Question, refused: dict[NodeId, str], notes: _Nowhere) -> Looked:
    found: dict[str, Answer] = {}
    planned = plans.target(question.node, plans.used_in(question.steps.values()))
    for what, step in question.steps.items():
        why = refused.get(question.node.id, "")
        if why and _is_command(step):
            found[what] = Answer(Status.UNKNOWN, f"it may not be asked: {why}")
            continue
        result = await do(gate.live, planned, step, notes, None, 0.0, {})
        found[what] = Answer(result.status, result.detail)
    return Looked(found.get("version"), found.get("check"))


def _outcome(looked: Looked) -> tuple[Status, str]:
    answers = [answer for answer in (looked.version, looked.check) if answer is not None]
    worst = next((answer for answer in answers if answer.status is not Status.OK), answers[0])
    return worst.status, worst.text
