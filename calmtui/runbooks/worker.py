"""The worker: a process of its own, away from every terminal, that carries out the runs of this user's journal.

There is one for a journal, as a lock on a file beside it says; whoever submits a run starts one if there
is none, under a keeper that starts it again should it be killed. It leaves when nothing has been to do for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from calmtui.actions.gate import Gate
from calmtui.errors import CalmError
from calmtui.estate import folders
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.governance.decide import Subject
from calmtui.runbooks.account import Account
from calmtui.runbooks.carry import Carrying
from calmtui.runbooks.durable import Durable
from calmtui.runbooks.engine import Flow
from calmtui.runbooks.journal import Journal, Standing
from calmtui.runbooks.plan import RunPlan, path_of

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds without anything to do after which it leaves."""
LOOK = 0.3
"""Seconds between two looks for new runs."""
SETTLING = 30.0
"""Seconds that the sources of an estate have to answer before a run begins."""


def lock_path(journal: Journal) -> Path:
    """The file whose lock the worker of a journal holds; it says the worker's pid."""
    return journal.path.with_name("worker.lock")


def serving(journal: Journal) -> int | None:
    """The pid of the worker that is at work; None: there is none."""
    try:
        with lock_path(journal).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
    except FileNotFoundError:
        pass
    return None


def start(journal: Journal) -> None:
    """Start a worker, away from this terminal, unless there is one or one is on its way. Raises OSError."""
    if serving(journal) is not None:
        return
    folders.made(journal.path.parent)
    output = journal.path.with_name("worker.log")
    with journal.path.with_name("keeper.lock").open("a") as lock, output.open("ab") as told:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        subprocess.Popen(  # it is to outlive us, and holds the lock as long as it lives
            [sys.executable, "-m", "calmtui.runbooks.keeper"],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )


class Worker:
    """Carries out the runs of a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._estates = _Estates()
        self._under_way: set[str] = set()

    async def work(self) -> None:
        """Until nothing has been to do for a while. Raises CalmError when the journal cannot be used."""
        loop = asyncio.get_running_loop()
        async with Durable(self._body, self._journal.path.with_name("workflows.db")) as engine:
            self._under_way.update(await engine.take_over())
            busy = loop.time()
            while loop.time() - busy < IDLE:
                for run in await asyncio.to_thread(self._journal.unfinished):
                    busy = loop.time()
                    if run.workflow in self._under_way:
                        continue
                    self._under_way.add(run.workflow)
                    if not await engine.begin(run.workflow):
                        text = "its workflow ended before it did; `calmtui run resume` goes on"
                        await asyncio.to_thread(self._journal.stands, run.id, Standing.FAILED, text)
                await asyncio.sleep(LOOK)

    async def _body(self, workflow: str, flow: Flow) -> None:
        """Carry out the run of a workflow; what goes wrong is how the run has ended."""
        run = self._journal.run(workflow.rpartition("-")[0])
        try:
            plan = self._journal.plan(run.id)
            account = Account(self._journal, run)
            async with self._estates.opened(plan) as live:
                subject = Subject(plan.who, frozenset(plan.groups))
                gate = Gate(live, read_only=False, through="runbook", interactive=False, subject=subject)
                await Carrying(live, gate, plan, account).carry_out(flow)
        except CalmError as error:
            log.warning("run %s: %s", run.id, error)
            self._journal.stands(run.id, Standing.FAILED, str(error))
        except Exception as error:
            log.exception("run %s", run.id)
            text = f"internal error: {type(error).__name__}; calmtui's log file has the details"
            self._journal.stands(run.id, Standing.FAILED, text)


class _Estates:
    """The estates of the runs under way, each open once."""

    def __init__(self) -> None:
        self._live: dict[str, LiveEstate] = {}
        self._users: dict[str, int] = {}
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def opened(self, plan: RunPlan) -> AsyncIterator[LiveEstate]:
        """The estate of a run, its sources settled. Raises EstateError."""
        async with self._turn:
            if plan.estate not in self._live:
                live = LiveEstate(await asyncio.to_thread(load_estate, path_of(plan)))
                self._live[plan.estate] = await live.__aenter__()
            self._users[plan.estate] = self._users.get(plan.estate, 0) + 1
        try:
            await self._live[plan.estate].gatherer.settled(SETTLING)
            yield self._live[plan.estate]
        finally:
            async with self._turn:
                self._users[plan.estate] -= 1
                if not self._users[plan.estate]:
                    await self._live.pop(plan.estate).__aexit__(None, None, None)


def main() -> int:
    """Work, unless another worker does; returns what to exit with."""
    journal = Journal()
    file = _locked(lock_path(journal))
    if file is None:
        return 0
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        asyncio.run(Worker(journal).work())
    except CalmError as error:
        log.error("%s", error)  # noqa: TRY400 -- told as an operator is told it
        return 1
    return 0


def _locked(path: Path) -> IO[str] | None:
    """The lock file, locked and with our pid in it, for as long as it is open; None: another has it."""
    folders.made(path.parent)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


if __name__ == "__main__":
    sys.exit(main())
