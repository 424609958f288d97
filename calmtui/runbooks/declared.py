"""The models of a runbook file.

Imports pydantic, so only what reads or carries out runbooks imports this. The docstrings are the
descriptions that editors show (`inventory/runbook.schema.json`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from calmtui.actions import batches
from calmtui.errors import UsageError
from calmtui.estate.declared import Name
from calmtui.estate.problems import closest
from calmtui.fleet.moment import seconds

PARAMETER = r"[A-Za-z_]\w*"
"""What a parameter may be called."""
_LENGTH = r"(\d+(\.\d+)?[smhdw])+"
_AMOUNT = r"\d+%?"


def _length(text: str) -> str:
    if seconds(text) is None:
        raise ValueError(f"{text!r} is no length of time; write 30s, 5m or 1h30m")
    return text


def _amount(text: str) -> str:
    try:
        batches.budget(text, 1)
    except UsageError as error:
        raise ValueError(f"{error.what}; {error.next_step}") from None
    return text


def _batch(text: str) -> str:
    try:
        batches.read(text)
    except UsageError as error:
        raise ValueError(f"{error.what}; write a number of nodes or a percentage of them: 1, 25%") from None
    return text


def _parameter(text: str) -> str:
    if not re.fullmatch(PARAMETER, text) or text == "node":
        raise ValueError(f"{text!r} is no name of a parameter; letters, digits and _, and not 'node'")
    return text


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


Value = Annotated[
    str,
    BeforeValidator(_text),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]}),
]
"""Anything that is written as one word or text: it is read as text."""
Length = Annotated[str, AfterValidator(_length), WithJsonSchema({"type": "string", "pattern": f"^{_LENGTH}$"})]
"""A length of time: `30s`, `5m`, `1h30m`."""
Amount = Annotated[
    str,
    AfterValidator(_amount),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_AMOUNT}$"}, {"type": "integer", "minimum": 0}]}),
]
"""So many nodes, or so many of a hundred: `3`, `5%`."""
Batch = Annotated[
    str,
    AfterValidator(_batch),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_AMOUNT}$"}, {"type": "integer", "minimum": 1}]}),
]
ParameterName = Annotated[
    str, AfterValidator(_parameter), WithJsonSchema({"type": "string", "pattern": f"^{PARAMETER}$"})
]
Statuses = Annotated[list[int], BeforeValidator(_listed, json_schema_input_type=int | list[int])]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, populate_by_name=True, frozen=True)


# -- parameters ---------------------------------------------------------------------


class Parameter(_Strict):
    """A value that whoever starts the runbook gives. `{{ NAME }}` stands for it."""

    type: Literal["string", "integer", "number", "boolean", "duration", "secret"] = "string"
    """What it is. A `secret` is never written down: only where it is found."""
    summary: str = ""
    """What it is for."""
    required: bool = False
    """It has to be given. Not with a default."""
    default: Value | None = None
    """What holds when it is not given."""
    one_of: list[Value] = []
    """The values that it may have."""
    pattern: str = ""
    """A regular expression that the whole of it matches."""
    minimum: float | None = None
    """The least number."""
    maximum: float | None = None
    """The greatest number."""
    env: str = ""
    """Of a secret: the environment variable that holds it."""
    file: str = ""
    """Of a secret: the file that holds it, relative to the estate."""

    @model_validator(mode="after")
    def _fits(self) -> Parameter:
        if self.required and self.default is not None:
            raise ValueError("required and a default; leave one of them away")
        if self.type == "secret" and (bool(self.env) == bool(self.file) or self.default is not None):
            raise ValueError("a secret needs 'env' or 'file', and has no default; name where it is found")
        if self.type != "secret" and (self.env or self.file):
            raise ValueError("'env' and 'file' are for secrets; write 'type: secret'")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"{self.pattern!r} is no regular expression; {error}") from None
        return self


# -- strategy -------------------------------------------------------------------------


class Rolling(_Strict):
    """A part of the nodes after the other."""

    batches: Annotated[list[Batch], BeforeValidator(_listed, json_schema_input_type=Batch | list[Batch])] = ["100%"]
    """How many nodes go first, how many then: `[1, 25%, 100%]`. The last counts again until none are left."""
    parallel: Annotated[int, Field(ge=1)] = 8
    """How many nodes at once, within a batch."""
    max_failed: Amount | None = None
    """How many nodes of the whole run may fail before `on_failure` holds. Unset: none; with `continue`, all."""
    min_healthy: Amount | None = None
    """How many of all the nodes have to run at any moment; no further node is begun before. A percentage is rounded
    up."""
    pause: Length | None = None
    """How long to wait between batches."""
    order: Literal["name", "reverse", "spread"] = "name"
    """In which order: by name, the other way round, or in turn from each region."""


class Rolled(_Strict):
    """A strategy with settings of its own."""

    rolling: Rolling
    """A part of the nodes after the other."""


Strategy = Literal["all", "one at a time"] | Rolled

# -- steps ------------------------------------------------------------------------------


class _Step(_Strict):
    name: str = ""
    """What it is called. Unset: what it does."""
    when: str | None = None
    """A query: the step is done on the nodes that it selects at that moment, and skipped on the others."""


class RunStep(_Step):
    """A command on each node."""

    run: str
    """A line for the node's shell. Values that are put in are quoted; secrets belong into `env`."""
    env: dict[str, Value] = {}
    """Environment of the command. It does not show in the node's list of processes."""
    unless: str | None = None
    """A command: where it succeeds, nothing is to be done. It makes repeating harmless."""
    creates: str | None = None
    """A path: where it is there, nothing is to be done. It makes repeating harmless."""
    repeatable: bool = False
    """Whether doing it again is harmless, should it not be known whether it was done."""
    expect: Statuses = [0]
    """The exit statuses that mean success."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to try again where it failed."""
    timeout: Length | None = None
    """How long each try may take on a node. Unset: no limit."""


class ActionStep(_Step):
    """An action of the catalogue on each node: restart, cordon, scale…"""

    action: str
    """Its name, as `calmtui show` lists it."""
    parameters: dict[str, Value] = {}
    """What it needs to be told."""
    repeatable: bool = False
    """Whether doing it again is harmless, should it not be known whether it was done."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to try again where it failed."""


class Waiting(_Strict):
    """What to wait for."""

    query: str
    """The query that has to select the node."""
    for_: Annotated[Length, Field(alias="for")] = "0s"
    """How long without interruption."""
    timeout: Length = "5m"
    """After how long it has failed."""


class WaitStep(_Step):
    """Wait until a query selects the node for so long."""

    wait: Waiting
    """What to wait for."""


class LogRate(_Strict):
    """Lines that must not be too many."""

    pattern: str
    """A regular expression (RE2) of the lines that count."""
    max: Annotated[int, Field(ge=0)] = 0
    """How many of them there may be."""
    window: Length = "60s"
    """Of how much time the lines count, from the run's first step on the node at the earliest: it is waited for, and
    it fails as soon as there are more."""


class HttpCheck(_Strict):
    """An answer over HTTP, asked for from where the run is carried out."""

    url: str
    """What to ask for: `http://{{ node.address }}:8080/health`."""
    status: Statuses = [200]
    """The statuses that mean success."""
    contains: str = ""
    """A text that the answer has to hold."""


class Check(_Strict):
    """What has to hold: one of these."""

    command: str | None = None
    """A command that has to succeed on the node. It is expected to change nothing."""
    http: HttpCheck | None = None
    """An answer over HTTP."""
    tcp: str | None = None
    """`HOST:PORT` that accepts connections: `{{ node.address }}:22`."""
    query: str | None = None
    """A query that has to select the node."""
    logs: LogRate | None = None
    """Lines in the node's logs that must not be too many."""

    @model_validator(mode="after")
    def _one(self) -> Check:
        if sum(value is not None for value in (self.command, self.http, self.tcp, self.query, self.logs)) != 1:
            raise ValueError("not one check; write one of command, http, tcp, query, logs")
        return self


class CheckStep(_Step):
    """Something that has to hold before the run goes on."""

    check: Check
    """What has to hold."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to look again where it does not."""
    interval: Length = "2s"
    """How long to wait before looking again."""
    timeout: Length = "30s"
    """How long each look may take; a look at logs takes its window besides."""


class Asking(_Strict):
    """Whose approval it takes."""

    by: Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])] = []
    """Groups of which any member may approve. Unset: anybody but who started the run."""
    number: Annotated[int, Field(ge=1)] = 1
    """How many people."""
    timeout: Length = "1d"
    """After how long it has failed."""
    text: str = ""
    """What to look at before."""


class ApproveStep(_Step):
    """Wait until others have approved, once for each batch, when all of its nodes have come so far."""

    approve: Asking
    """Whose approval it takes."""


class NotifyStep(_Step):
    """Tell people through the estate's `notify`, once for each batch."""

    notify: str
    """What to tell them."""


class RunbookStep(_Step):
    """The steps of another runbook on the same nodes."""

    runbook: Name
    """Its name."""
    parameters: dict[ParameterName, Value] = {}
    """What it needs to be told."""


class ParallelStep(_Step):
    """Steps that are done on a node at the same time."""

    parallel: Annotated[list[NodeStep], Field(min_length=2)]
    """The steps."""


_ON_NODES: dict[str, type[_Step]] = {"run": RunStep, "action": ActionStep, "wait": WaitStep, "check": CheckStep}
_KINDS: dict[str, type[_Step]] = {
    **_ON_NODES, "approve": ApproveStep, "notify": NotifyStep, "runbook": RunbookStep, "parallel": ParallelStep,
}  # fmt: skip
"""Steps by the key that only they have."""


def _tag(value: Any) -> str:
    """Which step it is. The tags are no keys of steps: in the places of errors they would be taken for them."""
    if isinstance(value, _Step):
        return type(value).__name__
    kind = next((kind for kind in _KINDS if kind in value), "run") if isinstance(value, dict) else "run"
    return _KINDS[kind].__name__


def _one_of(kinds: Iterable[str]) -> BeforeValidator:
    """Refuses what is not one step of those kinds, with a word on what it is."""
    known = tuple(kinds)

    def check(value: Any) -> Any:
        found = [kind for kind in _KINDS if kind in value] if isinstance(value, dict) else []
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


NodeStep = Annotated[
    Annotated[RunStep, Tag("RunStep")]
    | Annotated[ActionStep, Tag("ActionStep")]
    | Annotated[WaitStep, Tag("WaitStep")]
    | Annotated[CheckStep, Tag("CheckStep")],
    Discriminator(_tag),
    _one_of(_ON_NODES),
]
"""A step that is done on each node by itself."""

Step = Annotated[
    Annotated[RunStep, Tag("RunStep")]
    | Annotated[ActionStep, Tag("ActionStep")]
    | Annotated[WaitStep, Tag("WaitStep")]
    | Annotated[CheckStep, Tag("CheckStep")]
    | Annotated[ApproveStep, Tag("ApproveStep")]
    | Annotated[NotifyStep, Tag("NotifyStep")]
    | Annotated[RunbookStep, Tag("RunbookStep")]
    | Annotated[ParallelStep, Tag("ParallelStep")],
    Discriminator(_tag),
    _one_of(_KINDS),
]
"""A step of a runbook."""

ParallelStep.model_rebuild()

OnFailure = Literal["stop", "continue", "rollback", "ask"]


class Told(_Strict):
    """Whom a run tells of its end, through the estate's `notify`."""

    ended: bool = False
    """Tell when it has ended, however it did."""
    failed: bool = False
    """Tell when it has not ended well."""
    waiting: bool = False
    """Tell when it waits for somebody."""


class DeclaredRunbook(_Strict):
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
