"""All kinds of steps, by the key that only they have; and those that are made of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from calmtui.estate.declared import Name
from calmtui.estate.problems import closest
from calmtui.runbooks.fields import ParameterName, Value
from calmtui.runbooks.steps.action import ActionStep
from calmtui.runbooks.steps.ansible import AnsibleStep
from calmtui.runbooks.steps.approve import ApproveStep
from calmtui.runbooks.steps.check import CheckStep
from calmtui.runbooks.steps.copy import CopyStep
from calmtui.runbooks.steps.expression import Expression
from calmtui.runbooks.steps.http import HttpStep
from calmtui.runbooks.steps.input import InputStep
from calmtui.runbooks.steps.jenkins import JenkinsStep
from calmtui.runbooks.steps.kubernetes import KubernetesStep
from calmtui.runbooks.steps.loadbalancer import LoadBalancerStep
from calmtui.runbooks.steps.notify import NotifyStep
from calmtui.runbooks.steps.run import RunStep
from calmtui.runbooks.steps.script import ScriptStep
from calmtui.runbooks.steps.step import AnyStep
from calmtui.runbooks.steps.wait import WaitStep


class RunbookStep(AnyStep):
    """The steps of another runbook on the same nodes."""

    runbook: Name
    """Its name."""
    parameters: dict[ParameterName, Value] = {}
    """What it needs to be told."""

    @model_validator(mode="after")
    def _fits(self) -> RunbookStep:
        if isinstance(self.when, Expression):
            what = "an expression for all steps of another runbook; write a query, or put it into its steps"
            raise ValueError(what)  # noqa: TRY004 -- as pydantic wants it
        return self

    def said(self, filled: Mapping[str, str]) -> str:
        """Which one; a plan holds its steps instead."""
        return f"runbook {self.runbook}"


class ParallelStep(AnyStep):
    """Steps that are done on a node at the same time."""

    parallel: Annotated[list[NodeStep], Field(min_length=2)]
    """The steps."""

    def said(self, filled: Mapping[str, str]) -> str:
        """All of them."""
        return " | ".join(part.said(filled) for part in self.parallel)


EACH: dict[str, type[AnyStep]] = {
    "run": RunStep, "script": ScriptStep, "copy": CopyStep, "action": ActionStep, "wait": WaitStep,
    "check": CheckStep, "http": HttpStep, "jenkins": JenkinsStep, "kubernetes": KubernetesStep,
    "loadbalancer": LoadBalancerStep,
}  # fmt: skip
"""What is done on each node by itself."""
KINDS: dict[str, type[AnyStep]] = {
    **EACH, "approve": ApproveStep, "input": InputStep, "notify": NotifyStep, "runbook": RunbookStep,
    "parallel": ParallelStep, "ansible": AnsibleStep,
}  # fmt: skip


def _tag(value: Any) -> str:
    """Which step it is. The tags are no keys of steps: in the places of errors they would be taken for them."""
    if isinstance(value, AnyStep):
        return type(value).__name__
    kind = next((kind for kind in KINDS if kind in value), "run") if isinstance(value, dict) else "run"
    return KINDS[kind].__name__


def _one_of(kinds: Iterable[str]) -> BeforeValidator:
    """Refuses what is not one step of those kinds, with a word on what it is."""
    known = tuple(kinds)

    def check(value: Any) -> Any:
        found = [kind for kind in KINDS if kind in value] if isinstance(value, dict) else []
        if not isinstance(value, dict) or (len(found) == 1 and found[0] in known):
            return value
        if len(found) > 1:
            raise ValueError(f"a step that is both {' and '.join(found)}; one of {', '.join(known)}")
        if found:
            raise ValueError(f"no {found[0]} can stand here; one of {', '.join(known)}")
        near = next((meant for key in value if (meant := closest(key, known))), "")
        meant = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"a step that does nothing; one of {', '.join(known)}{meant}")

    return BeforeValidator(check)


_Each = (
    Annotated[RunStep, Tag("RunStep")]
    | Annotated[ActionStep, Tag("ActionStep")]
    | Annotated[WaitStep, Tag("WaitStep")]
    | Annotated[CheckStep, Tag("CheckStep")]
    | Annotated[JenkinsStep, Tag("JenkinsStep")]
    | Annotated[ScriptStep, Tag("ScriptStep")]
    | Annotated[CopyStep, Tag("CopyStep")]
    | Annotated[HttpStep, Tag("HttpStep")]
    | Annotated[KubernetesStep, Tag("KubernetesStep")]
    | Annotated[LoadBalancerStep, Tag("LoadBalancerStep")]
)


def _on_each(step: AnyStep) -> AnyStep:
    if step.once:
        raise ValueError("no step that is done once for a batch can stand here; write 'each: true'")
    return step


NodeStep = Annotated[_Each, Discriminator(_tag), _one_of(EACH), AfterValidator(_on_each)]
"""A step that is done on each node by itself."""

GateStep = Annotated[CheckStep, _one_of(("check",))]
"""What is looked at between the stages of a canary."""

Step = Annotated[
    _Each
    | Annotated[ApproveStep, Tag("ApproveStep")]
    | Annotated[InputStep, Tag("InputStep")]
    | Annotated[NotifyStep, Tag("NotifyStep")]
    | Annotated[RunbookStep, Tag("RunbookStep")]
    | Annotated[ParallelStep, Tag("ParallelStep")]
    | Annotated[AnsibleStep, Tag("AnsibleStep")],
    Discriminator(_tag),
    _one_of(KINDS),
]
"""A step of a runbook."""

ParallelStep.model_rebuild()
