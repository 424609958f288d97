"""`jenkins`: a job of a Jenkins, started and followed to its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from calmtui import masks
from calmtui.actions.outcome import Status
from calmtui.actions.said import lines
from calmtui.errors import CalmError
from calmtui.fleet.moment import seconds
from calmtui.providers.base import Danger
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Names, Strict, Value
from calmtui.runbooks.steps import commands
from calmtui.runbooks.steps.jenkins_api import Jenkins
from calmtui.runbooks.steps.step import EachStep, Effect, OnceStep, Result, Stopped

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Batch, Doing

LOOK = 1.0
"""Seconds between two looks at a build."""
STOPPING = 10.0
"""Seconds that a build which is stopped has to end."""
_QUEUED, _BUILDING = re.compile(r"queued: \S*/queue/item/(\d+)/"), re.compile(r"building: \S*/(\d+)/")


class Job(Strict):
    """A job, and what it is told."""

    url: str
    """The address of Jenkins: `https://ci.example`."""
    job: str
    """Its name, the folders in which it is before it: `shop/deploy`."""
    parameters: dict[str, Value] = {}
    """Its parameters. Secrets may stand here."""
    user: str = ""
    """Who starts it. Unset: nobody in particular."""
    token: str = ""
    """The API token of the user: a secret, `"{{ token }}"`."""
    accept: Names = ["SUCCESS"]
    """The results of the build that mean success; add UNSTABLE where tests may fail."""
    each: bool = False
    """Whether it is started for each node by itself; else once for a batch."""
    timeout: Length | None = None
    """How long it may take, the queue included; it is stopped then, and has failed. Unset: no limit."""


class JenkinsStep(EachStep, OnceStep):
    """A job of a Jenkins, started and followed to its end; what it prints is the output.

    The build is noted before it is followed: whoever carries the run on follows the same build. When the run is
    cancelled, the build is stopped.
    """

    jenkins: Job
    """The job."""
    repeatable: bool = False
    """Whether starting it again is harmless, should it not be known whether it was started."""

    @property
    def once(self) -> bool:
        """Unless it is started for each node."""
        return not self.jenkins.each

    def said(self, filled: Mapping[str, str]) -> str:
        """The job with its parameters, secrets masked."""
        job = self.jenkins
        given = "".join(f" {name}={template.text(value, filled)}" for name, value in job.parameters.items())
        return f"build {template.text(job.job, filled)} on {template.text(job.url, filled)}{given}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """A job may do anything."""
        return Effect(Danger.CONFIRM, frozenset({"http"}))

    async def do(self, doing: Doing) -> Result:
        """Build it for a node."""
        before = doing.before.detail if doing.before is not None else None
        return await self._do(doing, before)

    async def do_once(self, batch: Batch) -> Result:
        """Build it for a batch."""
        before = batch.before.detail if batch.before is not None else None
        return await self._do(batch, before)

    async def _do(self, place: Doing | Batch, before: str | None) -> Result:
        """`before`: what was told of it last; None: it was not begun."""
        job, filled = self.jenkins, place.filled
        secrets = [filled[name] for name in place.step.secrets]
        user, token = template.text(job.user, filled), template.text(job.token, filled)
        async with Jenkins(template.text(job.url, filled), template.text(job.job, filled), user, token) as jenkins:
            build = Build(jenkins, place.tell, secrets)
            if before is None or not build.found(before):
                if before is not None and not self.repeatable:
                    what = "it was interrupted: it may have been started, and nothing tells whether"
                    return Result(Status.UNKNOWN, f"{what}; look at {jenkins.job}")
                await build.start({name: template.text(value, filled) for name, value in job.parameters.items()})
            return await self._follow(build, place)

    async def _follow(self, build: Build, place: Doing | Batch) -> Result:
        """Follow a build that was started; where it is to end before, so is the build."""
        timeout = self.jenkins.timeout
        try:
            async with asyncio.timeout(seconds(timeout) if timeout else None):
                came = await build.end()
        except TimeoutError:
            stopped = await build.stop()
            return Result(stopped.status, f"not done within {timeout}: {stopped.detail}", build.output)
        except asyncio.CancelledError:
            if await place.account.cancelled():
                stopped = await build.stop()
                raise Stopped(Result(stopped.status, f"cancelled: {stopped.detail}")) from None
            raise
        if came is None:
            return Result(Status.UNKNOWN, f"Jenkins does not know {build.where} any more", build.output)
        status = Status.OK if came in self.jenkins.accept else Status.FAILED
        return Result(status, f"{came}: {build.where}", build.output)


class Build:
    """A build of a job: an item of the queue first, then a build with a number."""

    def __init__(self, jenkins: Jenkins, tell: Callable[[str, str], Awaitable[None]], secrets: Sequence[str]) -> None:
        self._jenkins = jenkins
        self._tell = tell
        self._secrets = secrets
        self._item = 0
        self._number = 0
        self._read = 0
        """Bytes of its log."""
        self._end = b""
        """Of its log, the last that was read."""

    @property
    def where(self) -> str:
        """Its address."""
        return (
            self._jenkins.build_url(self._number) if self._number else f"{self._jenkins.url}/queue/item/{self._item}/"
        )

    @property
    def output(self) -> str:
        """The end of what it has printed, safe for a terminal."""
        return masks.without("\n".join(lines(self._end)[-commands.SHOWN :]), self._secrets)  # type: ignore[no-any-return]

    def found(self, before: str) -> bool:
        """Whether it is the one of which was told before."""
        if building := _BUILDING.match(before):
            self._number = int(building[1])
        elif queued := _QUEUED.match(before):
            self._item = int(queued[1])
        return bool(self._number or self._item)

    async def start(self, parameters: Mapping[str, str]) -> None:
        """Start it, and note where it is found. Raises CalmError."""
        self._item = await self._jenkins.start(parameters)
        await self._tell(f"queued: {self.where}", "")

    async def end(self) -> str | None:
        """Wait for its end; its result. None when Jenkins does not know it any more. Raises CalmError."""
        while not self._number:
            item = await self._jenkins.queued(self._item)
            if item is not None and item.get("cancelled"):
                return "CANCELLED"
            if item is None:  # it has left the queue a while ago
                self._number = await self._jenkins.build_of(self._item) or 0
                if not self._number:
                    return None
            else:
                self._number = _number_of(item)
                if not self._number:
                    await asyncio.sleep(LOOK)
        await self._tell(f"building: {self.where}", self.output)
        while True:
            found = await self._jenkins.build(self._number)
            if found is None:
                return None
            more = await self._read_log()
            if not found.get("building") and found.get("result") and not more:
                return str(found["result"])
            await asyncio.sleep(LOOK)

    async def stop(self) -> Result:
        """Stop it, and wait a little for its end; whether it has ended. Raises nothing."""
        with suppress(CalmError, TimeoutError):
            async with asyncio.timeout(STOPPING):
                if not self._number:
                    await self._jenkins.cancel(self._item)
                    item = await self._jenkins.queued(self._item)
                    if item is None or item.get("cancelled"):
                        return Result(Status.FAILED, f"taken out of the queue: {self.where}")
                    self._number = _number_of(item)
                if self._number and await self._jenkins.stop(self._number):
                    came = await self.end()
                    return Result(Status.FAILED, f"stopped ({came}): {self.where}")
        return Result(Status.UNKNOWN, f"it may go on: {self.where}")

    async def _read_log(self) -> bool:
        """Take in what it has printed since; whether more may come."""
        text, self._read, more = await self._jenkins.log(self._number, self._read)
        if text:
            self._end = (self._end + text)[-commands.KEPT :]
            await self._tell(f"building: {self.where}", self.output)
        return more


def _number_of(item: Mapping[str, Any]) -> int:
    """The number of the build that an item of the queue has become; 0: it waits."""
    return int((item.get("executable") or {}).get("number") or 0)
