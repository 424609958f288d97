"""The plan of a run: exactly which nodes, in which order, and every step. It never changes once it is made.

It is what people confirm and approve, what the journal keeps, and what a worker carries out; whoever
resumes it reads nothing else, so that it cannot turn out otherwise.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from pydantic import TypeAdapter

from calmtui.actions.deed import Deed
from calmtui.errors import CalmError
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.production import is_production
from calmtui.governance.identity import Who
from calmtui.masks import MASK
from calmtui.providers.base import Danger
from calmtui.runbooks import template, values
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.steps.expression import Expression
from calmtui.runbooks.steps.kinds import Step
from calmtui.runbooks.steps.step import AnyStep
from calmtui.runbooks.strategy import cut

_step: TypeAdapter[Step] = TypeAdapter(Step)


class PlannedNode(msgspec.Struct, frozen=True, omit_defaults=True):
    """A target as it was when the plan was made."""

    id: NodeId
    kind: str
    name: str
    source: str
    created: float | None = None
    values: dict[str, str] = {}
    """What the steps take of it, by the name under which it is put in: `node.address`."""

    @property
    def node(self) -> Node:
        """It as a node, as far as it is known."""
        return Node(self.id, self.kind, self.name, self.source, created=self.created)


class PlannedStep(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """A step with what is put into it."""

    key: str
    """Names it within the run: `3`, `3.1` where it is one of those that are done at the same time."""
    body: dict[str, Any]
    """As it is declared."""
    values: dict[str, str] = {}
    """The parameters of its runbook."""
    secrets: dict[str, str] = {}
    """Where its secrets are found, by name."""
    parts: tuple[PlannedStep, ...] = ()
    """What is done at the same time."""
    files: dict[str, str] = {}
    """The SHA-256 of each file that it needs, by its path relative to the estate."""
    also: str = ""
    """A query that has to select the node besides the condition of the step: that of the runbook's call."""
    stages: tuple[int, ...] = ()
    """The batches, counted from 0, in which it is done; none: in all of them."""

    @cached_property
    def declared(self) -> Step:
        """The step of the runbook."""
        return _step.validate_python(self.body)

    @property
    def once(self) -> bool:
        """Whether it is done once for all nodes of a batch."""
        return self.declared.once

    @property
    def per_node(self) -> bool:
        """Whether each node has an outcome of its own in it."""
        return self.declared.per_node

    def filled(self, node: PlannedNode | None, *, masked: bool = True) -> dict[str, str]:
        """All that can be put in for a node; secrets masked, or fetched (which blocks, and may raise CalmError)."""
        secrets = {name: MASK if masked else values.secret(name, at) for name, at in self.secrets.items()}
        return {**self.values, **secrets, **(node.values if node else {})}


class RunPlan(msgspec.Struct, frozen=True, dict=True, omit_defaults=True):
    """What a run is."""

    runbook: str
    summary: str
    estate: str
    """The estate's file; empty: what was discovered."""
    who: Who
    """On whose behalf."""
    groups: tuple[str, ...]
    reason: str
    break_glass: bool
    parameters: dict[str, str]
    """As they were given; secrets are not among them."""
    nodes: tuple[PlannedNode, ...]
    """In the order in which they are begun."""
    stages: tuple[int, ...]
    """How many nodes each batch has."""
    parallel: int
    max_failed: int | None
    min_healthy: int
    pause: float
    on_failure: str
    steps: tuple[PlannedStep, ...]
    rollback: tuple[PlannedStep, ...]
    told: dict[str, bool]
    """When people are told: `ended`, `failed`, `waiting`."""
    acts: tuple[str, ...]
    """What is done to nodes, as policies know it."""
    danger: int
    gates: tuple[PlannedStep, ...] = ()
    """What is looked at between the phases."""
    asking: dict[str, Any] = {}
    """Whose approval it takes to go on when a gate cannot be looked at."""
    course: tuple[Phase, ...] = ()
    """The phases; none: each batch is one."""

    @cached_property
    def hash(self) -> str:
        """Names exactly this, whoever does it for whatever reason: 64 hexadecimal digits."""
        whole = msgspec.structs.replace(self, who=Who(""), groups=(), reason="", break_glass=False)
        return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()

    @cached_property
    def by_id(self) -> dict[NodeId, PlannedNode]:
        """The nodes by their ids."""
        return {node.id: node for node in self.nodes}

    @cached_property
    def batches(self) -> list[tuple[PlannedNode, ...]]:
        """The nodes of each stage."""
        return list(cut(self.nodes, self.stages))

    @cached_property
    def sentences(self) -> list[str]:
        """What is done to each of the nodes, secrets masked."""
        return [
            "; ".join(sentences(self.steps_in(index), planned))
            for index, stage in enumerate(self.batches)
            for planned in stage
        ]

    @property
    def budget(self) -> str:
        """How many may fail and what comes then, in words."""
        most = "any number may fail" if self.max_failed is None else f"{self.max_failed} may fail"
        return f"{most}, then: {self.on_failure}"

    @cached_property
    def stage_of(self) -> dict[NodeId, int]:
        """In which batch each node is, counted from 0."""
        return {planned.id: index for index, stage in enumerate(self.batches) for planned in stage}

    def steps_in(self, stage: int) -> list[PlannedStep]:
        """The steps of a batch, counted from 0, in their order."""
        return [step for step in self.steps if not step.stages or stage in step.stages]

    def keys_of(self, node: NodeId) -> list[str]:
        """The keys of the steps in which a node has an outcome of its own, in their order."""
        return [step.key for step in self.steps_in(self.stage_of[node]) if step.per_node]

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """What is done one after the other."""
        last = len(self.stages) - 1
        return self.course or tuple(
            Phase(f"batch {index + 1}", (index,), hold=self.pause if index < last else 0.0) for index in range(last + 1)
        )

    def nodes_of(self, stages: Iterable[int]) -> list[PlannedNode]:
        """The nodes of some batches, in the order of these."""
        return [node for stage in stages for node in self.batches[stage]]

    def steps_of(self, phase: Phase) -> list[PlannedStep]:
        """The steps of a phase, in their order."""
        if phase.steps is None:
            return self.steps_in(phase.stages[0])
        return [step for step in self.steps if step.key in phase.steps]

    def said(self, phase: Phase) -> str:
        """Where a run is that is in a phase: `batch 2 of 8`."""
        return f"{phase.title} of {len(self.phases)}" if phase.title.startswith("batch ") else phase.title

    def deed(self, nodes: Mapping[NodeId, Node], *, undo: bool = False) -> Deed:
        """What it is to the gate. `nodes`: as they are now; those that are gone are taken as they were."""
        return Deed(
            "runbook",
            [nodes.get(planned.id, planned.node) for planned in self.nodes],
            self.sentences,
            Danger(self.danger),
            {"runbook": self.runbook, **self.parameters, "plan": self.hash[:16]},
            undo=undo,
            exclusive=False,
            binds=self.hash,
            comprises=self.acts,
        )


def digest(path: Path) -> str:
    """The SHA-256 of what a file holds now, in hexadecimal. Blocks. Raises CalmError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CalmError(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def names_beside(step: AnyStep, folder: Path, names: Iterable[str]) -> list[str]:
    """What the files of a step use in turn, by their paths relative to the estate's folder. Blocks."""
    return [os.path.relpath(path, folder) for name in names for path in step.beside(folder / name)]


def target(node: Node, used: frozenset[str]) -> PlannedNode:
    """A node as a target; `used` names what its steps take of it."""
    fields = {name: value for name, value in template.of_node(node).items() if name in used}
    return PlannedNode(node.id, node.kind, node.name, node.source, node.created, fields)


def used_in(steps: Iterable[PlannedStep]) -> frozenset[str]:
    """The names of all that is put into some steps."""
    found: set[str] = set()

    def collect(value: Any) -> None:
        if isinstance(value, str):
            found.update(template.names(value))
        elif isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                collect(item)

    for step in steps:
        collect(step.body)
    return frozenset(found)


# -- in words -------------------------------------------------------------------------


def sentences(steps: Iterable[PlannedStep], node: PlannedNode | None) -> list[str]:
    """What each step does to a node, secrets masked. Without a node its fields stand as they are written."""
    return [sentence(step, node) for step in steps]


def title(step: PlannedStep) -> str:
    """What a step is called: its name, or what it does."""
    return str(step.body.get("name") or sentence(step, None))


def sentence(step: PlannedStep, node: PlannedNode | None) -> str:
    """What a step does to a node. What is not known yet stands as it is written."""
    declared = step.declared
    filled = step.filled(node)
    open_ = [name for name in used_in([step]) if name not in filled and (node is None or not name.startswith("node."))]
    filled |= {name: f"@{name}@" for name in open_}  # which needs no quotes anywhere
    said = " | ".join(sentence(part, node) for part in step.parts) if step.parts else declared.said(filled)
    if step.files:
        said += f" (sha256 {_digests(step, filled)})"
    conditions = [condition(declared.when, filled)] if declared.when else []
    if conditions := [*conditions, *filter(None, [step.also])]:
        said += f", where {' and '.join(conditions)}"
    for name in open_:
        said = said.replace(f"@{name}@", f"{{{{ {name} }}}}")
    return said


def _digests(step: PlannedStep, filled: Mapping[str, str]) -> str:
    """The beginnings of the digests of a step's files; one for all that those use in turn."""
    own = [template.text(name, filled) for name in step.declared.files()]
    told = ", ".join(step.files[name][:12] for name in own)
    if beside := sorted(item for item in step.files.items() if item[0] not in own):
        whole = hashlib.sha256(msgspec.json.encode(beside)).hexdigest()[:12]
        told += f"; {len(beside)} file{'s' * (len(beside) > 1)} beside it {whole}"
    return told


def condition(when: str | Expression, filled: Mapping[str, str]) -> str:
    """A condition in words."""
    return template.query(when, filled) if isinstance(when, str) else when.cel


def to_be_typed(plan: RunPlan, nodes: Iterable[Node]) -> str:
    """What has to be typed to have it carried out on nodes, as they are now; empty: yes is enough."""
    return plan.runbook if plan.danger >= Danger.TYPE_NAME or any(map(is_production, nodes)) else ""


def path_of(plan: RunPlan) -> Path | None:
    """The estate file of a run; None: what was discovered."""
    return Path(plan.estate) if plan.estate else None
