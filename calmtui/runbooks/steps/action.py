"""`action`: an action of the catalogue on each node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from calmtui.actions import parameters
from calmtui.actions.catalogue import action_of, refusal
from calmtui.actions.execute import acted
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, OutcomeUnknown, UsageError
from calmtui.runbooks import template
from calmtui.runbooks.fields import Value
from calmtui.runbooks.steps.step import EachStep, Effect, Result, retried

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.providers.base import Action
    from calmtui.runbooks.steps.doing import Doing


class ActionStep(EachStep):
    """An action of the catalogue on each node: restart, cordon, scale…"""

    action: str
    """Its name, as `calmtui show` lists it."""
    parameters: dict[str, Value] = {}
    """What it needs to be told."""
    repeatable: bool = False
    """Whether doing it again is harmless, should it not be known whether it was done."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to try again where it failed."""

    def said(self, filled: Mapping[str, str]) -> str:
        """The action with what it is told."""
        given = "".join(f" {name}={template.text(value, filled)}" for name, value in self.parameters.items())
        return f"{self.action}{given}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """As dangerous as it is to any of the nodes."""
        actions = [action for node in nodes if (action := action_of(node, self.action, known))]
        if not actions:
            offered = sorted({name for node in nodes for name in node.actions})
            raise UsageError(f"none of the {len(nodes)} targets knows the action {self.action!r}",
                             next_step=f"they offer: {', '.join(offered) or 'nothing'}")  # fmt: skip
        return Effect(max(action.danger for action in actions), frozenset({self.action}))

    async def do(self, doing: Doing) -> Result:
        """Do it; one that was interrupted only where its state tells that it was not done."""
        action = action_of(doing.node, self.action, doing.live.actions())
        if action is None:
            return Result(Status.FAILED, f"a {doing.node.kind} has no {self.action}")
        if doing.before is not None and not self.repeatable:
            return _looked_up(doing, action)
        given = {name: template.text(value, doing.filled) for name, value in self.parameters.items()}
        values = parameters.check(action.parameters, given)

        async def attempt() -> Result:
            node = doing.node
            if action.name not in node.actions and not (action.reaches is not None and node.state is action.reaches):
                return Result(Status.FAILED, refusal(node, action.name))
            try:
                return Result(*await acted(doing.live, node, action, values))
            except OutcomeUnknown:
                raise
            except CalmError as error:
                return Result(Status.FAILED, str(error))

        return await retried(self.retries, attempt)


def _looked_up(doing: Doing, action: Action) -> Result:
    """What has come of an action that was interrupted, as far as the node tells."""
    node = doing.node
    was = doing.before.detail if doing.before is not None else ""  # its state, where that is known
    if action.reaches is not None and node.state is action.reaches and was not in ("", node.state):
        return Result(Status.OK, f"it was interrupted; looked up: it is {node.state}")
    return Result(Status.UNKNOWN, "it was interrupted: it may have happened, and its state does not tell")
