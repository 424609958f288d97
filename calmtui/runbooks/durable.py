"""The engine on DBOS: workflows in a database, which outlive the processes that carry them out.

Each engine is an executor of its own name and listens to a queue of its own, so that it begins only what it is
told to. The version of the application is set by hand: it names the steps that a body may ask for, and an engine
of another version could not go on with them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from calmtui.estate import folders
from calmtui.runbooks.engine import Body, Do
from calmtui.store import postgres

if TYPE_CHECKING:
    from dbos import DBOSConfig

VERSION = "runs-2"
"""Changes when a body asks for other steps, or for the same in another order."""
SCHEMA = "calmtui_dbos"
"""The schema of its tables, where the database is on a server."""

OPEN = ("PENDING", "ENQUEUED", "DELAYED")
"""How workflows stand that come to their end."""


def engine_name() -> str:
    """What people are told."""
    return f"dbos {metadata.version('dbos')}"


class Durable:
    """The engine on a database: a file, or one on a server. Import and launch take half a second.

    While it is awake its threads ask the database five times a second whether there is anything to do: let it
    rest when there is not.
    """

    def __init__(self, body: Body, place: Path | str, executor: str = "") -> None:
        """`place` is a file or a URL; `executor` a name that no other process ever has."""
        self._body = body
        self._place = place
        self._name = executor or f"{socket.gethostname()}:{uuid.uuid4()}"
        self._wakes = 0
        self._workflow: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """What it carries out; None while it rests."""

    @property
    def _executor(self) -> str:
        """Another one each time it wakes: what is left of an earlier time is taken over only when it is begun."""
        return f"{self._name}/{self._wakes}"

    async def __aenter__(self) -> Durable:
        await self._wake()
        return self

    async def _wake(self) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        url = self._place
        if isinstance(url, Path):
            folders.made(url.parent)
            url.touch(0o600)
            url = f"sqlite:///{url}"
        self._wakes += 1
        quiet = logging.getLogger("dbos")
        if not quiet.handlers:  # else it writes to the terminal
            quiet.addHandler(logging.NullHandler())
        config: DBOSConfig = {
            "name": "calmtui", "system_database_url": url, "dbos_system_schema": SCHEMA,
            "executor_id": self._executor, "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(), "log_level": "WARNING",
            "sys_db_idle_transaction_timeout_sec": postgres.IDLE_IN_TRANSACTION,
            "use_listen_notify": False,  # nothing is notified
        }  # fmt: skip
        DBOS(config=config)

        async def run(workflow: str) -> None:
            await self._body(workflow, _Steps())

        workflow = DBOS.workflow(name="run", max_recovery_attempts=None)(run)
        DBOS.listen_queues([_queue(self._executor)])
        DBOS.launch()  # in the thread of our loop, which it then takes for its own
        await DBOS.register_queue_async(_queue(self._executor))
        self._workflow = workflow

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.rest()

    async def rest(self) -> None:
        """End its threads until something is begun. Only for when nothing is under way."""
        from dbos import DBOS

        if self._workflow is None:
            return
        self._workflow = None
        try:
            await DBOS.delete_queue_async(_queue(self._executor))
        finally:
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())  # it had put in its own, now ended

    async def begin(self, workflow: str) -> bool:
        """Begin it, or go on with what another engine has left of it."""
        from dbos import DBOS, SetWorkflowID

        if self._workflow is None:
            await self._wake()
        assert self._workflow is not None, "it is awake"
        known = await DBOS.get_workflow_status_async(workflow)
        if known is None:
            with SetWorkflowID(workflow):
                await DBOS.start_workflow_async(self._workflow, workflow)
            return True
        if known.status not in OPEN or known.app_version != VERSION:
            return False
        if known.executor_id != self._executor:
            await DBOS.resume_workflow_async(workflow, queue_name=_queue(self._executor))
            for left in {known.queue_name, _queue(known.executor_id or "")} - {None, _queue(self._executor)}:
                await DBOS.delete_queue_async(str(left))
        return True


def _queue(executor: str) -> str:
    return f"worker {executor}"


class _Steps:
    """The steps of the workflow that is under way where this is asked."""

    async def step(self, name: str, do: Do) -> str:
        """The recorded result of a step, or that of doing it."""
        from dbos import DBOS

        async def doing() -> str:
            return await do()

        result: str = await DBOS.run_step_async({"name": name}, doing)
        return result
