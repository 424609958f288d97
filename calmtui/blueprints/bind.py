"""A blueprint in one of its environments: every query and what each tier should look like there. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calmtui.blueprints.declared import Expect, Otherwise, Tier
from calmtui.blueprints.load import Blueprint
from calmtui.errors import UsageError
from calmtui.estate.problems import closest, one_of
from calmtui.runbooks import template
from calmtui.runbooks.steps.check import Check
from calmtui.runbooks.steps.kinds import NodeStep


@dataclass(frozen=True)
class BoundTier:
    """A tier as it is in one environment."""

    name: str
    query: str
    """Of its nodes, that of the environment in it."""
    needs: tuple[str, ...]
    expect: Expect
    check: Check | None
    ways: Mapping[str, list[NodeStep]]
    """What is done on each of its nodes to `start`, `stop` and `restart` it."""
    at_once: str | None
    within: str


@dataclass(frozen=True)
class Bound:
    """A blueprint in one environment."""

    blueprint: str
    summary: str
    environment: str
    around: str
    """The query of the environment: of all that is there."""
    query: str
    """Of all that belongs to it there; empty: only tiers count."""
    variables: Mapping[str, str]
    tiers: tuple[BoundTier, ...]
    """In their order: each after all that it needs."""


def bind(blueprint: Blueprint, environment: str) -> Bound:
    """The blueprint in that environment. Raises UsageError when it has none of that name."""
    declared = blueprint.declared
    if environment not in declared.environments:
        there = list(declared.environments)
        near = closest(environment, there)
        raise UsageError(
            f"{blueprint.name} has no environment {environment!r}", where=str(blueprint.path),
            next_step=f"did you mean {near!r}?" if near else one_of(there),
        )  # fmt: skip
    here = declared.environments[environment]
    variables = {**declared.variables, **here.variables}
    around = template.query(here.query, variables)
    tiers = []
    for name in blueprint.tiers:
        tier = _changed(declared.tiers[name], here.tiers.get(name))
        ways = {"start": tier.start, "stop": tier.stop, "restart": tier.restart}
        query = f"({around}) ({template.query(tier.query, variables)})"
        tiers.append(BoundTier(name, query, blueprint.needs[name], tier.expect, tier.check, ways, tier.at_once,
                               tier.within))  # fmt: skip
    whole = f"({around}) ({template.query(declared.query, variables)})" if declared.query else ""
    return Bound(blueprint.name, declared.summary, environment, around, whole, variables, tuple(tiers))


def _changed(tier: Tier, other: Otherwise | None) -> Tier:
    """A tier with what is otherwise with it."""
    if other is None:
        return tier
    changed = {name: getattr(other, name) for name in ("query", "check") if getattr(other, name) is not None}
    if other.expect is not None:
        given = {name: getattr(other.expect, name) for name in other.expect.model_fields_set}
        if "labels" in given:
            given["labels"] = {**tier.expect.labels, **other.expect.labels}
        changed["expect"] = tier.expect.model_copy(update=given)
    return tier.model_copy(update=changed)
