"""Starting, stopping and restarting a service: a run whose batches are the tiers in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from calmtui.actions import batches
from calmtui.actions.catalogue import Catalogue
from calmtui.blueprints.bind import Bound, BoundTier
from calmtui.blueprints.members import Members, of_tiers, one_tier_each
from calmtui.errors import UsageError
from calmtui.estate.model import Estate
from calmtui.fleet.moment import seconds
from calmtui.fleet.node import Node
from calmtui.governance.identity import Who
from calmtui.providers.base import Danger
from calmtui.runbooks import plan as plans
from calmtui.runbooks.declared import Told
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.plan import PlannedStep, RunPlan
from calmtui.runbooks.planning import acts_of
from calmtui.runbooks.steps.action import ActionStep
from calmtui.runbooks.strategy import ALL_AT_ONCE

VERBS = ("start", "stop", "restart")
LOOK = 2.0
"""Seconds between two looks at a check that does not hold yet."""


def make(
    estate: Estate,
    bound: Bound,
    found: Members,
    verb: str,
    known: Catalogue,
    *,
    who: Who,
    groups: Iterable[str],
    reason: str = "",
    break_glass: bool = False,
) -> RunPlan:
    """The plan of a run that starts, stops or restarts a service tier by tier; `stop` goes the other way round.

    A tier is begun when the one before is as it should be. Raises UsageError for a tier that has no nodes, a node in
    two tiers, or an action that the nodes of a tier have not.
    """
    one_tier_each(bound, found)
    tiers = [tier for tier in bound.tiers if _has_nodes(bound, tier, found)]
    if verb == "stop":
        tiers.reverse()
    if not tiers:
        raise UsageError(f"{bound.blueprint} has no nodes in {bound.environment}")
    values = {**bound.variables, **of_tiers(found)}
    nodes: list[Node] = []
    stages: list[int] = []
    steps: list[PlannedStep] = []
    phases: list[Phase] = []
    danger, acts = Danger.NONE, set[str]()
    for tier in tiers:
        there = found.tiers[tier.name]
        sizes = batches.sizes([tier.at_once] if tier.at_once and verb == "restart" else [], len(there))
        at = tuple(range(len(stages), len(stages) + len(sizes)))
        bodies = [PlannedStep(str(len(steps) + number), body, values, stages=at)
                  for number, body in enumerate(_bodies(tier, verb), 1)]  # fmt: skip
        its_danger, its_acts = _acts(tier, bodies, there, known)
        danger, acts = max(danger, its_danger), acts | set(its_acts)
        nodes += there
        stages += sizes
        parts = [""] if len(at) == 1 else [f" {number} of {len(at)}" for number in range(1, len(at) + 1)]
        phases += (Phase(f"tier {tier.name}{part}", (stage,)) for stage, part in zip(at, parts, strict=True))
        steps += bodies
    used = plans.used_in(steps)
    return RunPlan(
        f"{verb} {bound.blueprint}", f"{verb} {bound.blueprint} in {bound.environment}, tier by tier: "
        + ", ".join(tier.name for tier in tiers),
        str(estate.path or ""), who, tuple(sorted(groups)), reason, break_glass,
        {**bound.variables, "environment": bound.environment}, tuple(plans.target(node, used) for node in nodes),
        tuple(stages), ALL_AT_ONCE, 0, 0, 0.0, "stop", tuple(_only_used(step) for step in steps), (),
        Told().model_dump(), tuple(sorted(acts)), int(danger), course=tuple(phases),
    )  # fmt: skip


def _has_nodes(bound: Bound, tier: BoundTier, found: Members) -> bool:
    """Whether a tier is there; raises UsageError when it should be, and is not."""
    if found.tiers[tier.name]:
        return True
    if tier.expect.count.min:
        raise UsageError(
            f"the tier {tier.name} of {bound.blueprint} has no nodes in {bound.environment}",
            next_step=f"`calmtui blueprint drift {bound.blueprint} {bound.environment}` says what is missing",
        )
    return False


def _bodies(tier: BoundTier, verb: str) -> Iterator[dict[str, Any]]:
    """What is done on each node of a tier, and what is waited for then."""
    for step in tier.ways[verb]:
        body = step.model_dump(by_alias=True, exclude_unset=True)
        yield {**body, "name": f"{tier.name}: {body.get('name') or verb}"}
    if verb == "stop":
        if any(isinstance(step, ActionStep) for step in tier.ways[verb]):
            yield _wait(tier, "stopped", ("stopped", "failed"))  # what was killed has failed, for some sources
        return
    yield _wait(tier, "as declared", tuple(tier.expect.state))
    if tier.check is not None:
        again = max(int((seconds(tier.within) or 0.0) / LOOK), 1)
        yield {
            "name": f"{tier.name}: check", "check": tier.check.model_dump(by_alias=True, exclude_unset=True),
            "retries": again, "interval": f"{LOOK:g}s",
        }  # fmt: skip


def _wait(tier: BoundTier, word: str, states: tuple[str, ...]) -> dict[str, Any]:
    query = " or ".join(f"state={state}" for state in states)
    return {"name": f"{tier.name}: {word}", "wait": {"query": query, "timeout": tier.within}}


def _acts(
    tier: BoundTier, steps: list[PlannedStep], nodes: tuple[Node, ...], known: Catalogue
) -> tuple[Danger, tuple[str, ...]]:
    try:
        return acts_of(steps, nodes, known)
    except UsageError as error:
        step = f"{error.next_step}; say in the blueprint how: `restart: {{run: …}}`, `stop: {{action: …}}`"
        raise UsageError(f"tier {tier.name}: {error.what}", next_step=step) from None


def _only_used(step: PlannedStep) -> PlannedStep:
    """A step with only those values that it puts in: what else is known is nothing to its plan's hash."""
    used = plans.used_in([step])
    return msgspec.structs.replace(step, values={key: text for key, text in step.values.items() if key in used})
