"""What a step of a runbook is, of whatever kind, and what comes of it."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui.actions.outcome import Status
from calmtui.providers.base import Danger
from calmtui.runbooks.fields import Strict
from calmtui.runbooks.steps.expression import Expression

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Batch, Doing

BACK_OFF = 1.0
"""Seconds before the first retry; twice as many before the second, and so on."""


@dataclass(frozen=True)
class Result:
    """What came of a step."""

    status: Status
    detail: str = ""
    output: str = ""


@dataclass(frozen=True)
class Effect:
    """What a step does to nodes, as the gate and its policies know it."""

    danger: Danger = Danger.NONE
    acts: frozenset[str] = frozenset()
    """`exec`, or names of actions."""


CHANGES_NOTHING = Effect()


class Stopped(asyncio.CancelledError):
    """A step that was cancelled knows what has come of it: what was under way elsewhere was ended as well."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.detail)
        self.result = result


def cancelled(error: asyncio.CancelledError) -> Result:
    """What has come of a step that was cancelled."""
    if isinstance(error, Stopped):
        return error.result
    return Result(Status.UNKNOWN, "cancelled under way: it may have happened")


class AnyStep(Strict, abc.ABC):
    """What every step has."""

    name: str = ""
    """What it is called. Unset: what it does."""
    when: str | Expression | None = None
    """A query, or an expression of CEL: the step is done on the nodes that it selects at that moment, and skipped on
    the others."""

    @property
    def once(self) -> bool:
        """Whether it is done once for all nodes of a batch, and not on each by itself."""
        return isinstance(self, OnceStep)

    @property
    def per_node(self) -> bool:
        """Whether each node has an outcome of its own in it."""
        return not self.once

    @abc.abstractmethod
    def said(self, filled: Mapping[str, str]) -> str:
        """What it does, in words, with `filled` put in."""

    def files(self) -> tuple[str, ...]:
        """The files that it needs, relative to the estate: a plan binds what they hold."""
        return ()

    def beside(self, file: Path) -> Sequence[Path]:
        """What one of its files, found there, uses in turn: a plan binds that too. Blocks. Raises UsageError."""
        return ()

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """What it does to some nodes. Raises UsageError where it cannot be done to any of them."""
        return CHANGES_NOTHING


class EachStep(AnyStep, abc.ABC):
    """A step that is done on each node by itself."""

    @abc.abstractmethod
    async def do(self, doing: Doing) -> Result:
        """Do it on a node. `doing.before` is set where it was begun before and may have happened. Raises CalmError."""


class OnceStep(AnyStep, abc.ABC):
    """A step that is done once for all nodes of a batch, when all of them have come so far."""

    @abc.abstractmethod
    async def do_once(self, batch: Batch) -> Result:
        """Do it for a batch. Raises CalmError."""


async def retried(again: int, attempt: Callable[[], Awaitable[Result]]) -> Result:
    """The first try that does not fail, or the last of them."""
    for number in range(again):
        result = await attempt()
        if result.status is not Status.FAILED:
            return result
        await asyncio.sleep(BACK_OFF * 2**number)
    return await attempt()
