"""What `run` and `script` share: a command on each node, repeated only where that is harmless."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from calmtui.actions.outcome import Status
from calmtui.errors import OutcomeUnknown
from calmtui.fleet.moment import seconds
from calmtui.providers.base import Danger
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Statuses, Value
from calmtui.runbooks.steps.commands import Answer
from calmtui.runbooks.steps.step import EachStep, Effect, Result, retried

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Doing


class CommandStep(EachStep, abc.ABC):
    """A command on each node, whatever it is made of."""

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

    @abc.abstractmethod
    async def answer(self, doing: Doing, limit: float | None) -> Answer:
        """Run it once, `limit` seconds at the most. Raises CalmError."""

    @property
    def _guarded(self) -> bool:
        """Whether it can be looked up if it was done."""
        return self.unless is not None or self.creates is not None

    def guards(self, filled: Mapping[str, str]) -> str:
        """Where nothing is done, in words."""
        said = f", unless {template.shell(self.unless, filled)} succeeds" if self.unless else ""
        return said + (f", unless {template.text(self.creates, filled)} is there" if self.creates else "")

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """A command may do anything."""
        return Effect(Danger.CONFIRM, frozenset({"exec"}))

    async def do(self, doing: Doing) -> Result:
        """Run it, unless what it is for is so already."""
        if doing.before is not None and not self._guarded and not self.repeatable:
            return Result(Status.UNKNOWN, "it was interrupted: it may have happened, and nothing tells whether")
        if self._guarded and (done := await self._done(doing)):
            if doing.before is not None:
                return Result(Status.OK, f"it was interrupted; looked up: {done}")
            return Result(Status.UNCHANGED, done)
        result = await retried(self.retries, lambda: self._try(doing))
        if doing.before is not None:
            why = "repeated after check" if self._guarded else "repeated, which is harmless"
            result = replace(result, detail="; ".join(filter(None, (why, result.detail))))
        return result

    async def _done(self, doing: Doing) -> str:
        """Why nothing is to be done; empty: it is."""
        if self.creates is not None:
            path = template.text(self.creates, doing.filled)
            if (await doing.asked(f"test -e {quote(path)}")).status == 0:
                return f"{path} is there"
        if self.unless is not None and (await doing.command(self.unless, self.env)).status == 0:
            return "so already"
        return ""

    async def _try(self, doing: Doing) -> Result:
        try:
            answer = await self.answer(doing, seconds(self.timeout) if self.timeout else None)
        except OutcomeUnknown as error:
            if self._guarded and (done := await self._done(doing)):
                return Result(Status.OK, f"{error}; looked up: {done}")
            if self._guarded or self.repeatable:
                return Result(Status.FAILED, str(error))
            raise
        if answer.status in self.expect:
            return Result(Status.OK, answer.last, answer.output)
        ending = "timed out" if answer.status is None else f"exit {answer.status}"
        return Result(Status.FAILED, ": ".join(filter(None, (ending, answer.last))), answer.output)
