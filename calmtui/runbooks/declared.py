"""The model of a runbook file.

Imports pydantic, so only what reads or carries out runbooks imports this. The docstrings are the
descriptions that editors show (`inventory/runbook.schema.json`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from calmtui.estate.declared import Name
from calmtui.runbooks.fields import ParameterName, Strict
from calmtui.runbooks.steps.kinds import NodeStep, Step
from calmtui.runbooks.strategy import OnFailure, Strategy
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
    """In which order the nodes are begun: `all`, `one at a time`, or `rolling` with its settings."""
    steps: Annotated[list[Step], Field(min_length=1)]
    """What is done, in this order: on each node by itself as far as `approve` and `notify`, for which the nodes of a
    batch wait for each other."""
    on_failure: OnFailure = "stop"
    """When more nodes have failed than may: begin no more, go on all the same, roll back, or ask a person."""
    rollback: list[NodeStep] = []
    """What takes back the steps, on the nodes that were begun, the last first."""
    notifications: Told = Told()
    """Whom it tells of its end."""

    @model_validator(mode="after")
    def _fits(self) -> DeclaredRunbook:
        if self.on_failure == "rollback" and not self.rollback:
            raise ValueError("'on_failure: rollback' without steps to roll back; write 'rollback: [STEP…]'")
        return self
