"""Examples that policies must answer as written: `calmtui policy test FILE`. Imports pydantic."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from calmtui.estate.explain import explain
from calmtui.estate.problems import EstateError, closest
from calmtui.estate.written import Written, read
from calmtui.fleet.node import Node, State
from calmtui.fleet.production import is_production
from calmtui.governance.decide import Circumstances, Question, Subject, Verdict, decide
from calmtui.governance.identity import Who
from calmtui.governance.policies import Policies
from calmtui.governance.rulebook import action_names
from calmtui.governance.vocabulary import COMMANDS


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Person(_Strict):
    """Who asks."""

    user: str
    groups: list[str] = []
    origin: str = ""


class Thing(_Strict):
    """The node."""

    kind: str = "container"
    name: str = "example"
    source: str = "example"
    state: State = State.RUNNING
    env: str = ""
    service: str = ""
    region: str = ""
    image: str = ""
    labels: dict[str, str] = {}
    selections: list[str] = []
    """Groups of the estate that it is in."""


class Situation(_Strict):
    """The circumstances; what is left out is as harmless as it can be."""

    danger: Literal["none", "confirm", "type-name"] = "confirm"
    targets: int = 1
    production: int | None = None
    hidden: int = 0
    freezes: list[str] = []
    undo: bool = False
    break_glass: bool = False
    incident: bool = False
    interactive: bool = True
    through: str = "console"


class Example(_Strict):
    """One example."""

    name: str = ""
    who: Person
    action: str
    node: Thing = Thing()
    circumstances: Situation = Situation()
    expect: Literal["allowed", "approval", "denied"]
    by: str = ""
    """The rule that must be among those that decide."""


_DANGERS = {"none": 0, "confirm": 1, "type-name": 2}


@dataclass(frozen=True)
class Answered:
    """An example and what the policies say to it."""

    example: Example
    verdict: Verdict

    @property
    def as_expected(self) -> bool:
        """Whether they say what it expects."""
        by = self.example.by
        return self.verdict.answer.value == self.example.expect and (not by or by in self.verdict.rules)


def load(file: Path) -> list[Example]:
    """The examples of a file. Raises EstateError with everything that is wrong with it."""
    written = read(file, {})
    if not isinstance(written.value, list):
        written.add((1, 1), "the file is not a list of examples", "write '- {who: {user: …}, action: …, expect: …}'")
        raise EstateError(written.problems)
    found = [_example(value, number, written) for number, value in enumerate(written.value)]
    if written.problems:
        raise EstateError(written.problems)
    return [example for example in found if example is not None]


def _example(value: Any, number: int, written: Written) -> Example | None:
    try:
        example = Example.model_validate(value)
    except ValidationError as error:
        explain(error, Example, (number,), written)
        return None
    known = [*action_names(), *COMMANDS]
    if example.action not in known:
        what = f"there is no action {example.action!r}"
        written.add(written.place((number, "action")), what, did_you_mean=closest(example.action, known))
    return example


def answered(policies: Policies, examples: list[Example]) -> list[Answered]:
    """What the policies say to each example."""
    return [Answered(example, _verdict(policies, example)) for example in examples]


def _verdict(policies: Policies, example: Example) -> Verdict:
    thing, situation = example.node, example.circumstances
    node = Node(
        f"example:{thing.source}/{thing.name}", thing.kind, thing.name, thing.source, state=thing.state,
        labels=thing.labels, image=thing.image, env=thing.env, service=thing.service, region=thing.region,
    )  # fmt: skip
    production = situation.targets if is_production(node) else 0
    circumstances = Circumstances(
        _DANGERS[situation.danger], situation.targets,
        production if situation.production is None else situation.production, situation.hidden, situation.undo,
        situation.break_glass, situation.incident, situation.interactive, situation.through,
    )  # fmt: skip
    question = Question(
        example.action, [node], circumstances, [tuple(situation.freezes)],
        selections=lambda _: thing.selections, is_production=is_production,
    )  # fmt: skip
    subject = Subject(Who(example.who.user, origin=example.who.origin), frozenset(example.who.groups))
    return decide(policies, subject, question)[0]
