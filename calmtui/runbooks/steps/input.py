"""`input`: ask a person for a value in the middle of a run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from calmtui.actions.outcome import Status
from calmtui.fleet.moment import seconds
from calmtui.governance.policies import DAY
from calmtui.runbooks import template, values
from calmtui.runbooks.fields import Length, Names, ParameterName, Strict, Value
from calmtui.runbooks.steps.step import OnceStep, Result

if TYPE_CHECKING:
    from calmtui.runbooks.steps.doing import Batch

LOOK = 1.0
"""Seconds between two looks for an answer."""


class Input(Strict):
    """What is asked for."""

    name: ParameterName
    """`{{ NAME }}` stands for the answer in the steps that follow."""
    text: str = ""
    """What to tell whoever answers."""
    type: Literal["string", "integer", "number", "boolean", "duration"] = "string"
    """What it is."""
    one_of: list[Value] = []
    """The values that it may have."""
    pattern: str = ""
    """A regular expression that the whole of it matches."""
    by: Names = []
    """Groups of which any member may answer. Unset: anybody."""
    timeout: Length = "1d"
    """After how long it has failed."""

    def checked(self, value: str) -> str:
        """An answer in its one spelling. Raises UsageError."""
        parameter = values.Parameter(type=self.type, one_of=self.one_of, pattern=self.pattern)
        return values.checked(self.name, parameter, value)


class InputStep(OnceStep):
    """Ask a person for a value, once in a run: what was answered for one batch holds for those after it."""

    input_: Annotated[Input, Field(alias="input")]
    """What is asked for."""

    def said(self, filled: Mapping[str, str]) -> str:
        """What is asked for, and who is."""
        return f"ask {' or '.join(self.input_.by) or 'somebody'} for {self.input_.name}{self._text(filled)}"

    async def do_once(self, batch: Batch) -> Result:
        """Wait for an answer, unless there is one."""
        wanted = self.input_
        began = batch.before.at if batch.before is not None else time.time()
        if wanted.name not in batch.filled:
            run = batch.account.run.id
            await batch.waiting(f"`calmtui run answer {run} {wanted.name}=…`{self._text(batch.filled)}")
        while (answer := await batch.account.answer(wanted.name)) is None:
            if time.time() - began > (seconds(wanted.timeout) or DAY):
                return Result(Status.FAILED, f"nobody has told {wanted.name} within {wanted.timeout}")
            await asyncio.sleep(LOOK)
        return Result(Status.OK, f"{wanted.name} is {answer.detail}, says {answer.output}")

    def _text(self, filled: Mapping[str, str]) -> str:
        return f": {template.text(self.input_.text, filled)}" if self.input_.text else ""
