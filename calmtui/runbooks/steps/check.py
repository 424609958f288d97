"""`check`: something that has to hold before the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from calmtui.actions.outcome import Status
from calmtui.errors import CalmError
from calmtui.fleet.moment import seconds
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Statuses, Strict
from calmtui.runbooks.steps import looking
from calmtui.runbooks.steps.step import CHANGES_NOTHING, EachStep, Effect, Result

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Doing


class LogRate(Strict):
    """Lines that must not be too many."""

    pattern: str
    """A regular expression (RE2) of the lines that count."""
    max: Annotated[int, Field(ge=0)] = 0
    """How many of them there may be."""
    window: Length = "60s"
    """Of how much time the lines count, from the run's first step on the node at the earliest: it is waited for, and
    it fails as soon as there are more."""
    times_rest: Annotated[float, Field(gt=0)] | None = None
    """Only in gates: what is more than `max` is let pass as long as it is no more than so many times what there is on a
    node, on average, to which the run has not come yet. It tells a bad version from a bad day."""


class HttpCheck(Strict):
    """An answer over HTTP, asked for from where the run is carried out."""

    url: str
    """What to ask for: `http://{{ node.address }}:8080/health`."""
    status: Statuses = [200]
    """The statuses that mean success."""
    contains: str = ""
    """A text that the answer has to hold."""


class Check(Strict):
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

    def said(self, filled: Mapping[str, str]) -> str:
        """What has to hold, in words."""
        if self.command is not None:
            return template.shell(self.command, filled)
        if self.query is not None:
            return template.query(self.query, filled)
        if self.tcp is not None:
            return f"that {template.text(self.tcp, filled)} accepts connections"
        if self.http is not None:
            return f"that {template.text(self.http.url, filled)} answers"
        assert self.logs is not None
        rest = "" if self.logs.times_rest is None else f", or {self.logs.times_rest:g} times what the rest has"
        return f"that at most {self.logs.max} lines match {self.logs.pattern} in {self.logs.window}{rest}"


class CheckStep(EachStep):
    """Something that has to hold before the run goes on."""

    check: Check
    """What has to hold."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often to look again where it does not."""
    interval: Length = "2s"
    """How long to wait before looking again."""
    timeout: Length = "30s"
    """How long each look may take; a look at logs takes its window besides."""

    def said(self, filled: Mapping[str, str]) -> str:
        """What is checked."""
        return f"check {self.check.said(filled)}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """A command is one, whatever it is expected to do."""
        return Effect(acts=frozenset({"exec"})) if self.check.command is not None else CHANGES_NOTHING

    async def do(self, doing: Doing) -> Result:
        """Look until it holds, as often as may be; to do it again is harmless."""
        result = await self._told(doing)
        for _ in range(self.retries):
            if result.status is Status.OK:
                break
            await asyncio.sleep(seconds(self.interval) or 0.0)
            result = await self._told(doing)
        return result

    async def _told(self, doing: Doing) -> Result:
        try:
            return await self.look(doing)
        except TimeoutError:
            return Result(Status.FAILED, f"no answer within {self._patience:g} s")
        except CalmError as error:
            return Result(Status.FAILED, str(error))

    @property
    def _patience(self) -> float:
        """Seconds that a look may take."""
        window = seconds(self.check.logs.window) if self.check.logs is not None else None
        return (seconds(self.timeout) or 0.0) + (window or 0.0)

    async def look(self, doing: Doing, rest: Sequence[Node] = ()) -> Result:
        """Look once: it holds, or has failed. `rest` are the nodes with which logs are compared.

        Raises CalmError, TimeoutError when it cannot be looked at.
        """
        async with asyncio.timeout(self._patience):
            return await self._looked(doing, rest)

    async def _looked(self, doing: Doing, rest: Sequence[Node]) -> Result:
        check, filled = self.check, doing.filled
        output = ""
        if check.command is not None:
            answer = await doing.command(check.command)
            trouble = "" if answer.status == 0 else f"exit {answer.status}"
            said, output = answer.last, answer.output
        elif check.query is not None:
            trouble, said = ("" if doing.selects(check.query) else "not selected"), template.query(check.query, filled)
        elif check.tcp is not None:
            trouble, said = await looking.tcp(template.text(check.tcp, filled)), ""
        elif check.http is not None:
            url, contains = template.text(check.http.url, filled), template.text(check.http.contains, filled)
            trouble, said = await looking.http(url, check.http.status, contains), ""
        else:
            assert check.logs is not None
            trouble, said = await looking.logs(doing.live, doing.node, check.logs, doing.since, rest)
        detail = ": ".join(filter(None, (trouble, said)))
        return Result(Status.FAILED if trouble else Status.OK, detail, output)
