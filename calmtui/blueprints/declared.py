"""The models of a blueprint file.

Imports pydantic, so only what reads blueprints imports this. The docstrings are the descriptions
that editors show (`inventory/blueprint.schema.json`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from calmtui.estate.declared import Name
from calmtui.runbooks.fields import Batch, Length, Names, ParameterName, Strict, Value
from calmtui.runbooks.steps.action import ActionStep
from calmtui.runbooks.steps.check import Check
from calmtui.runbooks.steps.kinds import NodeStep


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _counted(value: Any) -> Any:
    return {"min": value, "max": value} if isinstance(value, str | int) and not isinstance(value, bool) else value


NodeState = Literal["running", "pending", "stopping", "stopped", "degraded", "failed", "unknown"]
States = Annotated[
    list[NodeState], BeforeValidator(_listed, json_schema_input_type=NodeState | list[NodeState]), Field(min_length=1)
]
Way = Annotated[
    list[NodeStep], BeforeValidator(_listed, json_schema_input_type=NodeStep | list[NodeStep]), Field(min_length=1)
]
"""A step that is done on each node, or several."""


class Count(Strict):
    """How many nodes there are."""

    min: Annotated[int, Field(ge=0)] = 0
    """At least so many."""
    max: Annotated[int, Field(ge=0)] | None = None
    """At most so many. Unset: any number."""

    @model_validator(mode="after")
    def _fits(self) -> Count:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"at least {self.min} and at most {self.max}; 'max' is not less than 'min'")
        return self


Counted = Annotated[Count, BeforeValidator(_counted, json_schema_input_type=Annotated[int, Field(ge=0)] | Count)]


class Expect(Strict):
    """What the nodes of a tier should look like. `*` in a text stands for anything."""

    count: Counted = Count(min=1)
    """How many there are: `8`, or `{min: 2, max: 6}`. Unset: one or more."""
    state: States = ["running"]
    """The state, or the states, in which each is."""
    image: Value | None = None
    """The image or AMI that each runs: `shop/api:{{ version }}`."""
    version: Value | None = None
    """The version that each runs: `15.*`."""
    version_by: str | None = None
    """A command that prints the version on the node, and changes nothing: `cat /srv/shop/VERSION`. Unset: a label
    tells it, or the tag of the image."""
    labels: dict[str, Value] = {}
    """Labels, or tags, that each has."""


class Tier(Strict):
    """Nodes that do the same for the service. Texts may hold `{{ VARIABLE }}`; those that are not queries also
    `{{ node.NAME }}` and `{{ TIER.address }}` of another tier, which it needs then.
    """

    query: str
    """The query of its nodes: `service=shop-db`. That of the environment narrows it."""
    needs: Names = []
    """The tiers that have to run before it."""
    expect: Expect = Expect()
    """What its nodes should look like."""
    check: Check | None = None
    """What has to hold of each of its nodes besides."""
    start: Way = [ActionStep(action="start")]
    """How each of its nodes is started. Unset: by the action `start`."""
    stop: Way = [ActionStep(action="stop")]
    """How each of its nodes is stopped. Unset: by the action `stop`."""
    restart: Way = [ActionStep(action="restart")]
    """How each of its nodes is restarted. Unset: by the action `restart`."""
    at_once: Batch | None = None
    """How many of its nodes are restarted at once: `1`, `25%`. Unset: all of them."""
    within: Length = "5m"
    """How long a node may take until it is as it should be, after it was started or stopped."""


class Otherwise(Strict):
    """What is otherwise with a tier in an environment."""

    query: str | None = None
    """Another query of its nodes."""
    expect: Expect | None = None
    """What its nodes should look like, where it is not the same everywhere. A count of 0: it has none there."""
    check: Check | None = None
    """What has to hold of each of its nodes instead."""


class Environment(Strict):
    """Where the service runs."""

    query: str
    """The query of all that is there: `env=production`."""
    variables: dict[ParameterName, Value] = {}
    """What `{{ NAME }}` stands for there."""
    tiers: dict[str, Otherwise] = {}
    """The tiers that are not the same there as everywhere."""


class DeclaredBlueprint(Strict):
    """A service: its tiers, in which order they run, and what they look like in each environment."""

    blueprint: Name
    """Its name, which is that of its file."""
    summary: str
    """What it is, in a sentence."""
    query: str | None = None
    """The query of all that belongs to it: what it selects and no tier does is told. Unset: only tiers count."""
    variables: dict[ParameterName, Value] = {}
    """What `{{ NAME }}` stands for where an environment does not say."""
    tiers: Annotated[dict[ParameterName, Tier], Field(min_length=1)]
    """Its tiers by name."""
    environments: Annotated[dict[Name, Environment], Field(min_length=1)]
    """Where it runs, by name."""
