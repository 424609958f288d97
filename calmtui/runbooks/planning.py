"""Planning a run: its targets in their order, every step with what is put into it, the files that they need bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from calmtui.actions.catalogue import Catalogue
from calmtui.errors import CalmError, UsageError
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.query import Surroundings, compile_query
from calmtui.governance.identity import Who
from calmtui.providers.base import Danger
from calmtui.runbooks import template, values
from calmtui.runbooks.load import Runbook, load
from calmtui.runbooks.plan import PlannedStep, RunPlan, digest, names_beside, target, used_in
from calmtui.runbooks.steps.kinds import NodeStep, ParallelStep, RunbookStep, Step
from calmtui.runbooks.steps.step import AnyStep
from calmtui.runbooks.strategies import BlueGreened, Canaried
from calmtui.runbooks.strategy import course, sides

DEEPEST = 5
"""How many runbooks may be within another."""


def make(
    estate: Estate,
    runbook: Runbook,
    nodes: Sequence[Node],
    given: Mapping[str, str],
    known: Catalogue,
    *,
    who: Who,
    groups: Iterable[str],
    reason: str = "",
    break_glass: bool = False,
) -> RunPlan:
    """Plan a runbook for its targets. Raises UsageError for a value that is wrong or an action that nodes have not."""
    declared = runbook.declared
    filled = values.check(declared.parameters, given)
    secrets = values.references(declared.parameters, estate.folder)
    done = partial(_planned, estate, filled=filled, secrets=secrets, within=(runbook.name,))
    strategy = declared.strategy
    gates: tuple[PlannedStep, ...] = ()
    asking: dict[str, Any] = {}
    if isinstance(strategy, BlueGreened):
        both = strategy.blue_green
        run = sides(both, nodes, *(_side(estate, template.query(one, filled)) for one in (both.blue, both.green)))
        kinds: list[tuple[str, list[NodeStep], tuple[int, ...]]] = [
            ("up-", both.up, (0,)), ("switch-", both.switch, ()), ("retire-", both.retire, (len(run.stages) - 1,)),
        ]  # fmt: skip
        steps = tuple(
            msgspec.structs.replace(step, stages=stages)
            for prefix, written, stages in kinds
            for step in done(written, prefix=prefix)
        )
        rollback = tuple(done(both.back, prefix="rollback-"))
    else:
        run = course(strategy, nodes, declared.answer)
        steps = tuple(done(declared.steps))
        rollback = tuple(done(declared.rollback, prefix="rollback-"))
    if isinstance(strategy, Canaried | BlueGreened):
        gated = strategy.canary if isinstance(strategy, Canaried) else strategy.blue_green
        gates = tuple(done(gated.gates, prefix="gate-"))
        asking = gated.inconclusive.model_dump(exclude_defaults=True)
    danger, acts = acts_of((*steps, *rollback, *gates), nodes, known)
    used = used_in((*steps, *rollback, *gates))
    return RunPlan(
        runbook.name, declared.summary, str(estate.path or ""), who, tuple(sorted(groups)), reason, break_glass, filled,
        tuple(target(node, used) for stage in run.stages for node in stage), tuple(map(len, run.stages)), run.parallel,
        run.max_failed, run.min_healthy, run.pause, declared.answer, steps, rollback,
        declared.notifications.model_dump(), acts, int(danger), gates, asking, run.phases,
    )  # fmt: skip


def _side(estate: Estate, query: str) -> Callable[[Node], bool]:
    return compile_query(query, Surroundings(named=dict(estate.groups)))


def targets(runbook: Runbook, given: Mapping[str, str]) -> str:
    """The query of the targets, with the parameters put in. Raises UsageError."""
    return template.query(runbook.declared.targets, values.check(runbook.declared.parameters, given))


def _planned(
    estate: Estate,
    steps: Sequence[Step],
    filled: dict[str, str],
    secrets: dict[str, str],
    within: tuple[str, ...],
    prefix: str = "",
) -> Iterator[PlannedStep]:
    """The steps; those of another runbook stand in the place where it is called."""
    number = 0
    for step in steps:
        inner = list(_called(estate, step, filled, within)) if isinstance(step, RunbookStep) else []
        for one in inner or [_one(estate, step, filled, secrets)]:
            number += 1
            key = f"{prefix}{number}"
            parts = (msgspec.structs.replace(part, key=f"{key}.{index}") for index, part in enumerate(one.parts, 1))
            yield msgspec.structs.replace(one, key=key, parts=tuple(parts))


def _one(estate: Estate, step: AnyStep, filled: dict[str, str], secrets: dict[str, str]) -> PlannedStep:
    """A step that has no key yet."""
    names = [template.text(file, filled) for file in step.files()]
    files = {name: _bound(estate.folder / name) for name in names}
    files |= {name: _bound(estate.folder / name) for name in names_beside(step, estate.folder, names)}
    within = step.parallel if isinstance(step, ParallelStep) else ()
    parts = tuple(_one(estate, part, filled, secrets) for part in within)
    return PlannedStep("", step.model_dump(by_alias=True, exclude_unset=True), filled, secrets, parts, files=files)


def _bound(path: Path) -> str:
    """The SHA-256 of a file that a step needs. Raises UsageError."""
    try:
        return digest(path)
    except CalmError as error:
        raise UsageError(error.what, where=error.where, next_step="the runbook needs it: put it there") from None


def _called(
    estate: Estate, step: RunbookStep, filled: dict[str, str], within: tuple[str, ...]
) -> Iterator[PlannedStep]:
    """The steps of a runbook that another calls."""
    if step.runbook in within or len(within) > DEEPEST:
        raise UsageError(f"the runbook leads to itself: {' → '.join((*within, step.runbook))}")
    inner = load(estate, step.runbook)
    passed = {name: template.text(value, filled) for name, value in step.parameters.items()}
    declared = inner.declared
    their = values.check(declared.parameters, passed)
    secrets = values.references(declared.parameters, estate.folder)
    for planned in _planned(estate, declared.steps, their, secrets, (*within, step.runbook)):
        yield _when(planned, step, filled)


def _when(planned: PlannedStep, step: RunbookStep, filled: dict[str, str]) -> PlannedStep:
    """A step of a called runbook, under the condition of the call besides its own."""
    if not isinstance(step.when, str):
        return planned
    outer = template.query(step.when, filled)
    return msgspec.structs.replace(planned, also=f"({planned.also}) ({outer})" if planned.also else outer)


def acts_of(steps: Iterable[PlannedStep], nodes: Sequence[Node], known: Catalogue) -> tuple[Danger, tuple[str, ...]]:
    """How dangerous some steps are, and what they do as policies know it. Raises UsageError."""
    effects = [part.declared.effect(nodes, known) for step in steps for part in (step.parts or (step,))]
    danger = max((effect.danger for effect in effects), default=Danger.NONE)
    return danger, tuple(sorted({act for effect in effects for act in effect.acts}))
