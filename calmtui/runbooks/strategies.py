"""How the strategies of runbooks are written: in which order nodes are begun, and what comes in between.

Imports pydantic, so only what reads or carries out runbooks imports this.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from calmtui.estate.problems import closest
from calmtui.runbooks.fields import Amount, Batches, Length, Strict
from calmtui.runbooks.steps.approve import Asking
from calmtui.runbooks.steps.kinds import GateStep, NodeStep

OnFailure = Literal["stop", "continue", "rollback", "ask"]
Order = Literal["name", "reverse", "spread"]


class Paced(Strict):
    """How many nodes at once, and when no further one."""

    parallel: Annotated[int, Field(ge=1)] = 8
    """How many nodes at once, within a batch."""
    max_failed: Amount | None = None
    """How many nodes of the whole run may fail before `on_failure` holds. Unset: none; with `continue`, all."""
    min_healthy: Amount | None = None
    """How many of all the nodes have to run at any moment; no further node is begun before. A percentage is rounded
    up."""
    order: Order = "name"
    """In which order: by name, the other way round, or in turn from each zone (or region, where there are no zones)."""


class Rolling(Paced):
    """A part of the nodes after the other."""

    batches: Batches = ["100%"]
    """How many nodes go first, how many then: `[1, 25%, 100%]`. The last counts again until none are left."""
    pause: Length | None = None
    """How long to wait between batches."""


class Rolled(Strict):
    """A strategy with settings of its own."""

    rolling: Rolling
    """A part of the nodes after the other."""


class Canary(Paced):
    """A few nodes first; the others only when the gates have been passed."""

    stages: Batches = ["1", "10%", "100%"]
    """How many nodes go first, how many then: `[1, 10%, 100%]`. The last counts again until none are left."""
    gates: Annotated[list[GateStep], Field(min_length=1)]
    """What has to hold between the stages, on every node that has come through so far. When it cannot be looked at, a
    person is asked."""
    hold: Length = "0s"
    """How long each stage is watched before the next one: the gates are looked at all the while, and once at least."""
    inconclusive: Asking = Asking()
    """Whose approval it takes to go on when a gate cannot be looked at."""


class Canaried(Strict):
    """A strategy with settings of its own."""

    canary: Canary
    """A few nodes first; the others only when the gates have been passed."""


class BlueGreen(Strict):
    """A second set of nodes is brought up beside the one that serves, and takes its place. It replaces `steps` and
    `rollback`; `on_failure` is `rollback` unless it says otherwise.
    """

    blue: str
    """The query of those of the targets that serve now."""
    green: str
    """The query of those of the targets that are to take their place."""
    up: Annotated[list[NodeStep], Field(min_length=1)]
    """What brings up green, node by node."""
    gates: list[GateStep] = []
    """What has to hold on green before the switch, and while it is held afterwards. When it cannot be looked at, a
    person is asked."""
    switch: Annotated[list[NodeStep], Field(min_length=1)]
    """What has customers served by green: on the nodes of green, then on targets of neither side (a proxy), then on
    those of blue. `when` says which step is for which."""
    hold: Length = "5m"
    """How long blue stays up after the switch; the gates are looked at all the while."""
    retire: list[NodeStep] = []
    """What ends blue, node by node. When it fails, nothing is switched back."""
    back: Annotated[list[NodeStep], Field(min_length=1)]
    """What switches back when anything before has failed: on the nodes that were begun, the last first, so on blue,
    then on targets of neither side, then on green."""
    parallel: Annotated[int, Field(ge=1)] = 8
    """How many nodes at once."""
    max_failed: Amount | None = None
    """How many nodes may fail. Unset: none."""
    inconclusive: Asking = Asking()
    """Whose approval it takes to go on when a gate cannot be looked at."""


class BlueGreened(Strict):
    """A strategy with settings of its own."""

    blue_green: BlueGreen
    """A second set of nodes is brought up beside the one that serves, and takes its place."""


def _known(value: Any) -> Any:
    """Refuses what is no strategy, with a word on what is one."""
    words, kinds = ("all", "one at a time"), ("rolling", "canary", "blue_green")
    if isinstance(value, Strict) or value in words:
        return value
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in kinds:
        return value
    said = " and ".join(map(repr, value)) if isinstance(value, dict) else repr(value)
    near = closest(next(iter(value), "") if isinstance(value, dict) else value, [*words, *kinds])
    allowed = (
        f"'all', 'one at a time', or one of {', '.join(kinds)} with its settings: {{rolling: {{batches: [1, 25%]}}}}"
    )
    raise ValueError(
        f"{said} is no strategy; {allowed}" + (f"; did you mean {near!r}?" if near not in ("", value) else "")
    )


def _tag(value: Any) -> str:
    """Which strategy it is, so that an error says what is wrong with that one."""
    if isinstance(value, Strict):
        return type(value).__name__
    kinds = {"canary": "Canaried", "blue_green": "BlueGreened"}
    return next((kinds[key] for key in value if key in kinds), "Rolled") if isinstance(value, dict) else "Word"


Strategy = Annotated[
    Annotated[Literal["all", "one at a time"], Tag("Word")]
    | Annotated[Rolled, Tag("Rolled")]
    | Annotated[Canaried, Tag("Canaried")]
    | Annotated[BlueGreened, Tag("BlueGreened")],
    Discriminator(_tag),
    BeforeValidator(_known),
]
