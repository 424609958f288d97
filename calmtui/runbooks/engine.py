"""The port to what keeps workflows alive, and its smallest implementation.

A workflow is a body of named steps. An engine sees to it that a workflow that was begun comes to its
end although processes die, and that a step which has ended is not done again: its result is remembered.
A step in whose course the process dies is done again, so the body has to make that harmless: the
journal does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol

Do = Callable[[], Awaitable[str]]
"""Does a step; its result is what is remembered."""


class Flow(Protocol):
    """What the body of a workflow asks of its engine."""

    async def step(self, name: str, do: Do) -> str:
        """The result of a step of that name; it is done unless it has ended before, by whatever process."""
        ...


Body = Callable[[str, Flow], Awaitable[None]]
"""Carries out the workflow of an id. Raises nothing: what goes wrong is told where the workflow's subject is kept."""


class WorkflowEngine(Protocol):
    """Keeps workflows alive. Entered, it works; left, it lets go of what is under way as if it had died."""

    async def __aenter__(self) -> WorkflowEngine: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def begin(self, workflow: str) -> bool:
        """Begin the workflow of that id, or go on with it where another engine has left it.

        False when it has ended, or cannot be gone on with. No other engine may be at work on it.
        """
        ...


class InMemory:
    """An engine that remembers as long as it lives, for tests: entered again, it is the next process."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._results: dict[tuple[str, str], str] = {}
        self._open: dict[str, None] = {}
        self._begun: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> InMemory:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def begin(self, workflow: str) -> bool:
        """Begin it, or go on with what was under way when this was left."""
        if workflow in self._begun and workflow not in self._open:
            return False
        self._begun.add(workflow)
        self._open[workflow] = None
        if workflow not in self._tasks:
            self._tasks[workflow] = asyncio.create_task(self._run(workflow), name=f"workflow {workflow}")
        return True

    async def ended(self, workflow: str) -> None:
        """Wait until a workflow that is under way here has ended."""
        await self._tasks[workflow]

    async def _run(self, workflow: str) -> None:
        await self._body(workflow, _Remembered(workflow, self._results))
        del self._open[workflow]


class _Remembered:
    """The steps of one workflow."""

    def __init__(self, workflow: str, results: dict[tuple[str, str], str]) -> None:
        self._workflow = workflow
        self._results = results

    async def step(self, name: str, do: Do) -> str:
        key = self._workflow, name
        if key not in self._results:
            self._results[key] = await do()
        return self._results[key]
