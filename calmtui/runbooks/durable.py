"""The engine on DBOS: workflows in a database, which outlive the processes that carry them out.

Only the one worker that holds the lock of the database opens it. Each worker is an executor of its own
name, so that none is taken for another; those that have died are taken over by whoever holds the lock
next. The version of the application is set by hand: it names the steps that a body may ask for, and a
worker of another version could not go on with them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from calmtui.estate import folders
from calmtui.runbooks.engine import Body, Do

if TYPE_CHECKING:
    from dbos import DBOSConfig

VERSION = "runs-2"
"""Changes when a body asks for other steps, or for the same in another order."""

OPEN = ("PENDING", "ENQUEUED", "DELAYED")
"""How workflows stand that come to their end."""


class Durable:
    """The engine on a database file. Import and launch take half a second."""

    def __init__(self, body: Body, path: Path) -> None:
        self._body = body
        self._path = path
        self._executor = f"{socket.gethostname()}:{uuid.uuid4()}"
        self._workflow: Callable[[str], Coroutine[Any, Any, None]] | None = None

    async def __aenter__(self) -> Durable:
        from dbos import DBOS, DBOSPortableJSONSerializer

        folders.made(self._path.parent)
        self._path.touch(0o600)
        quiet = logging.getLogger("dbos")
        if not quiet.handlers:  # else it writes to the terminal
            quiet.addHandler(logging.NullHandler())
        config: DBOSConfig = {
            "name": "calmtui", "system_database_url": f"sqlite:///{self._path}", "executor_id": self._executor,
            "application_version": VERSION, "serializer": DBOSPortableJSONSerializer(), "log_level": "WARNING",
        }  # fmt: skip
        DBOS(config=config)

        async def run(workflow: str) -> None:
            await self._body(workflow, _Steps())

        self._workflow = DBOS.workflow(name="run", max_recovery_attempts=None)(run)
        DBOS.launch()  # in the thread of our loop, which it then takes for its own
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from dbos import DBOS

        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

    async def begin(self, workflow: str) -> bool:
        """Begin it, unless the database knows it."""
        from dbos import DBOS, SetWorkflowID

        assert self._workflow is not None, "it was entered"
        known = await DBOS.get_workflow_status_async(workflow)
        if known is not None:
            return known.status in OPEN
        with SetWorkflowID(workflow):
            await DBOS.start_workflow_async(self._workflow, workflow)
        return True

    async def take_over(self) -> list[str]:
        """Go on with what executors of other names have left."""
        from dbos import DBOS

        pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        dead = [each.workflow_id for each in pending if each.executor_id != self._executor]
        if dead:
            await DBOS.resume_workflows_async(dead)
        return dead


class _Steps:
    """The steps of the workflow that is under way where this is asked."""

    async def step(self, name: str, do: Do) -> str:
        """The recorded result of a step, or that of doing it."""
        from dbos import DBOS

        async def doing() -> str:
            return await do()

        result: str = await DBOS.run_step_async({"name": name}, doing)
        return result
