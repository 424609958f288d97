"""The model of a runbook file.

Imports pydantic, so only what reads or carries out runbooks imports this. The docstrings are the
descriptions that editors show (`inventory/runbook.schema.json`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, model_validator

from calmtui.estate.declared import Name
from calmtui.runbooks.fields import ParameterName, Strict
from calmtui.runbooks.steps.check import CheckStep
from calmtui.runbooks.steps.kinds import NodeStep, ParallelStep, Step
from calmtui.runbooks.steps.step import AnyStep
from calmtui.runbooks.strategies import BlueGreened, OnFailure, Strategy
from calmtui.runbooks.values import Parameter


class Told(Strict):
    """Whom a run tells of its end, through the estate's `notify`."""

    ended: bool = False
    """Tell when it has ended, however it did."""
    failed: bool = False
    """Tell when it has not ended well."""
    waiting: bool = False
    """Tell when it waits for somebody."""


class DeclaredRunbook(Strict):
    """A runbook: what is done to which nodes, in which order, and what when it fails."""

    runbook: Name
    """Its name, which is that of its file."""
    summary: str
    """What it does, in a sentence."""
    parameters: dict[ParameterName, Parameter] = {}
    """Values that whoever starts it gives, by name."""
    targets: str
    """The query of the nodes: `kind=host and service={{ service }}`."""
    strategy: Strategy = "all"
    """In which order the nodes are begun: `all`, `one at a time`, or `rolling`, `canary` or `blue_green` with their
    settings."""
    steps: Annotated[list[Step], Field(min_length=1)] = []
    """What is done, in this order: on each node by itself as far as `approve` and `notify`, for which the nodes of a
    batch wait for each other. Only with `blue_green` there are none."""
    on_failure: OnFailure = "stop"
    """When more nodes have failed than may: begin no more, go on all the same, roll back, or ask a person."""
    rollback: list[NodeStep] = []
    """What takes back the steps, on the nodes that were begun, the last first."""
    notifications: Told = Told()
    """Whom it tells of its end."""

    @model_validator(mode="after")
    def _fits(self) -> DeclaredRunbook:
        if isinstance(self.strategy, BlueGreened):
            if self.steps or self.rollback:
                raise ValueError("'steps' or 'rollback' beside blue_green; write them as its up, switch, retire, back")
        elif not self.steps:
            raise ValueError("a runbook that does nothing; write 'steps: [STEP…]'")
        elif self.on_failure == "rollback" and not self.rollback:
            raise ValueError("'on_failure: rollback' without steps to roll back; write 'rollback: [STEP…]'")
        for step in self._each():
            if isinstance(step, CheckStep) and step.check.logs is not None and step.check.logs.times_rest is not None:
                raise ValueError("'times_rest' outside of a gate; leave it away, or make the step a gate of a canary")
        return self

    def _each(self) -> Iterator[AnyStep]:
        """All steps but the gates of a canary, those within others among them."""
        steps: list[AnyStep] = [*self.steps, *self.rollback]
        if isinstance(self.strategy, BlueGreened):
            both = self.strategy.blue_green
            steps += [*both.up, *both.gates, *both.switch, *both.retire, *both.back]
        for step in steps:
            yield from step.parallel if isinstance(step, ParallelStep) else [step]

    @property
    def answer(self) -> OnFailure:
        """What is done when more nodes have failed than may."""
        said = "on_failure" in self.model_fields_set
        return "rollback" if isinstance(self.strategy, BlueGreened) and not said else self.on_failure
