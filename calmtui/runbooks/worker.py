"""The worker: a process of its own, away from every terminal, that carries out the runs of a journal.

Where the journal is a file there is one, as a lock on a file beside it says; on a server there may be many, on
many machines. Whoever submits a run starts one if there is none, under a keeper that starts it again should it
be killed. It leaves when nothing has been to do for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import gc
import hashlib
import importlib
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from calmtui.actions.gate import Gate
from calmtui.errors import CalmError
from calmtui.estate import folders
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.governance.decide import Subject
from calmtui.runbooks import workers
from calmtui.runbooks.account import Account
from calmtui.runbooks.carry import Carrying
from calmtui.runbooks.durable import Durable
from calmtui.runbooks.engine import Flow
from calmtui.runbooks.journal import Journal, Lost, Run, Standing
from calmtui.store import postgres
from calmtui.store.postgres import Away

log = logging.getLogger(__name__)

Result = TypeVar("Result")

IDLE = 60.0
"""Seconds without anything to do after which it leaves."""
RESTING = 5.0
"""Seconds without anything to do after which it takes up as little as it can."""
LOOK = 0.3
"""Seconds between two looks for new runs; as long as a file was not written to, that costs next to nothing."""
LOOK_FAR = 1.0
"""The same, in a database on a server, while there is nothing to do."""
PATIENCE = 60.0
"""Seconds that it waits for the database's server before it says that something cannot be done."""
COMING, COMING_FOR = "CALMTUI_COMING", 60.0
"""The variable that names the estate of a run that is about to be submitted, and seconds that it is held open."""
SETTLING = 30.0
"""Seconds that a source of an estate may take to get any further before a run begins without it."""


def lock_path(journal: Journal) -> Path:
    """The file whose lock the worker of a journal holds that was started on demand; it says the worker's pid."""
    which = f"-{hashlib.sha256(journal.url.encode()).hexdigest()[:8]}" if journal.url else ""
    return journal.path.with_name(f"worker{which}.lock")


def log_path(journal: Journal) -> Path:
    """The file that workers started on demand write to."""
    return journal.path.with_name("worker.log")


def serving(journal: Journal) -> int | None:
    """The pid of the worker that is at work here and was started on demand; None: there is none."""
    try:
        with lock_path(journal).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
    except FileNotFoundError:
        pass
    return None


def start(journal: Journal, coming: Path | None = None) -> None:
    """Start a worker, away from this terminal, unless there is one or one is on its way. Raises OSError, StoreError.

    `coming`: the file of an estate of which a run is about to be submitted; the worker connects to it meanwhile.
    """
    if serving(journal) is not None or (journal.url and workers.alive(journal)):
        return
    folders.made(journal.path.parent)
    keeper = lock_path(journal).with_suffix(".keeper")
    with keeper.open("a") as lock, log_path(journal).open("ab") as told:
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
            env={
                **os.environ,
                "MALLOC_ARENA_MAX": "1",
                "CALMTUI_DATABASE": journal.url,  # it may hold a password
                COMING: "" if journal.url or coming is None else str(coming),
            },
        )


def unserved(journal: Journal, run: Run) -> str:
    """The sites of a run that no worker which is at work serves all of; empty: there is one, or can be. Blocks."""
    if not (journal.url and run.sites) or any(one.serves(run.sites) for one in workers.alive(journal)):
        return ""
    return run.sites


class Worker:
    """Carries out the runs of a journal that it is to serve."""

    def __init__(
        self,
        journal: Journal,
        sites: Iterable[str] = (),
        *,
        keep: bool = False,
        coming: str = "",
        lost: Callable[[Lost], None],
    ) -> None:
        """`keep`: stay when there is nothing to do; `lost` ends this process when it was taken for dead.

        `coming`: the file of an estate of which a run is about to be submitted.
        """
        self.oneself = workers.oneself(sites)
        self._journal = journal
        self._keep = keep
        self._coming = coming
        self._lost = lost
        self._watch = workers.Watch(journal)
        self._estates = _Estates()
        self._held: dict[str, Run] = {}
        """The runs that are being carried out, by workflow, as they were claimed."""
        self._idle_since: float | None = time.time()

    async def work(self) -> None:
        """Until nothing has been to do for a while. Raises CalmError when the journal cannot be used."""
        journal, loop = self._journal, asyncio.get_running_loop()
        await asyncio.to_thread(workers.enlist, journal, self.oneself, alone=not journal.url)
        place = journal.url or journal.path.with_name("workflows.db")
        expecting = asyncio.create_task(self._expect(), name="expect")
        try:
            await asyncio.to_thread(importlib.import_module, "dbos")
            async with Durable(self._body, place, self.oneself.id) as engine:
                beating = asyncio.create_task(self._beat(), name="beat")
                try:
                    busy, seen, rests = loop.time(), None, False
                    while self._keep or loop.time() - busy < IDLE:
                        stamp = journal.stamp()
                        if stamp != seen or self._held:
                            seen = stamp
                            if await self._patiently(partial(self._look, engine)):
                                busy, rests = loop.time(), False
                        if not (rests or self._held) and loop.time() - busy > RESTING:
                            await self._rest(engine)
                            rests = True
                        await asyncio.sleep(LOOK if self._held or not journal.url else LOOK_FAR)
                finally:
                    beating.cancel()
        finally:
            expecting.cancel()
            await asyncio.gather(expecting, return_exceptions=True)
            workers.leave(journal, self.oneself)

    async def _expect(self) -> None:
        """Connect to the estate of a run that is about to come."""
        if self._coming:
            with contextlib.suppress(CalmError):  # it is told of the run, if there comes one
                async with self._estates.opened(self._coming):
                    await asyncio.sleep(COMING_FOR)

    async def _look(self, engine: Durable) -> bool:
        """Take up what nobody carries out; whether there is anything to do."""
        mine = await asyncio.to_thread(self._mine)
        alive: set[str] = set()
        if any(run.owner not in ("", self.oneself.id) for run in mine):
            alive = await asyncio.to_thread(self._watch.alive)
        for run in mine:
            if run.workflow in self._held or run.owner in alive - {self.oneself.id}:
                continue
            claimed = await asyncio.to_thread(self._journal.claim, run, self.oneself.id)
            if claimed is None:
                continue
            if run.owner not in ("", self.oneself.id):
                log.warning("run %s is taken over from %s", run.id, run.owner)
            self._held[run.workflow] = claimed
            if not await engine.begin(run.workflow):
                self._held.pop(run.workflow)
                text = "it cannot be gone on with as it was begun; `calmtui run resume` goes on"
                await asyncio.to_thread(self._journal.stands, run.id, Standing.FAILED, text, epoch=claimed.epoch)
        self._idle_since = None if mine else self._idle_since or time.time()
        return bool(mine)

    async def _rest(self, engine: Durable) -> None:
        """Give back what is not needed while there is nothing to do; on a server the engine stays awake."""
        if not self._journal.url:
            await engine.rest()
        _let_go()

    def _mine(self) -> list[Run]:
        """The runs to be carried out that this worker serves, and whose estate it has."""
        return [
            run for run in self._journal.unfinished()
            if self.oneself.serves(run.sites) and (not run.estate or Path(run.estate).exists())
        ]  # fmt: skip

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(workers.BEAT)
            await self._patiently(
                partial(asyncio.to_thread, workers.beat, self._journal, self.oneself, self._idle_since)
            )

    async def _patiently(self, do: Callable[[], Awaitable[Result]]) -> Result:
        """What comes of something once the server of the database is there."""
        told = False
        while True:
            try:
                return await do()
            except Lost as error:
                self._lost(error)
                raise
            except Away as error:
                if not told:
                    log.warning("%s", error)
                told = True
                await asyncio.sleep(LOOK_FAR)

    async def _body(self, workflow: str, flow: Flow) -> None:
        """Carry out the run of a workflow; what goes wrong is how the run has ended."""
        run = self._held[workflow]
        try:
            plan = await asyncio.to_thread(self._journal.plan, run.id)
            account = await asyncio.to_thread(Account, self._journal, run, self._lost)
            async with self._estates.opened(plan.estate) as live:
                subject = Subject(plan.who, frozenset(plan.groups))
                gate = Gate(live, read_only=False, through="runbook", interactive=False, subject=subject)
                await Carrying(live, gate, plan, account).carry_out(flow)
        except Lost:
            raise
        except CalmError as error:
            log.warning("run %s: %s", run.id, error)
            self._journal.stands(run.id, Standing.FAILED, str(error), epoch=run.epoch)
        except Exception as error:
            log.exception("run %s", run.id)
            text = f"internal error: {type(error).__name__}; calmtui's log file has the details"
            self._journal.stands(run.id, Standing.FAILED, text, epoch=run.epoch)
        finally:
            self._held.pop(workflow, None)


class _Estates:
    """The estates of the runs under way, each open once."""

    def __init__(self) -> None:
        self._live: dict[str, LiveEstate] = {}
        self._users: dict[str, int] = {}
        self._turn = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def opened(self, file: str) -> AsyncIterator[LiveEstate]:
        """The estate in a file (empty: what is discovered), its sources settled. Raises EstateError."""
        async with self._turn:
            if file not in self._live:
                live = LiveEstate(await asyncio.to_thread(load_estate, Path(file) if file else None))
                self._live[file] = await live.__aenter__()
            self._users[file] = self._users.get(file, 0) + 1
        try:
            await self._live[file].gatherer.settled(SETTLING)
            yield self._live[file]
        finally:
            async with self._turn:
                self._users[file] -= 1
                if not self._users[file]:
                    await self._live.pop(file).__aexit__(None, None, None)


def run(journal: Journal, sites: Iterable[str] = (), *, keep: bool = False, coming: str = "") -> None:
    """Work in this process until there is nothing to do. Raises CalmError when the journal cannot be used."""
    postgres.be_patient(PATIENCE)
    worker = Worker(journal, sites, keep=keep, coming=coming, lost=_begin_anew)
    asyncio.run(worker.work())


def _let_go() -> None:
    """Give memory that is not in use back to the system, where the C library can."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _begin_anew(error: Lost) -> None:
    """End all that this process does, at once, and be another worker: whatever it has under way is somebody else's."""
    log.error("%s; it begins anew", error)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 -- ourselves


def main() -> int:
    """Work, unless another worker that was started on demand does; returns what to exit with."""
    journal = Journal()
    file = locked(journal)
    if file is None:
        return 0
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        run(journal, () if journal.url else (workers.ALL_SITES,), coming=os.environ.pop(COMING, ""))
    except CalmError as error:
        log.error("%s", error)  # noqa: TRY400 -- told as an operator is told it
        return 1
    return 0


def locked(journal: Journal) -> IO[str] | None:
    """The lock file, locked and with our pid in it, for as long as it is open; None: another has it."""
    path = lock_path(journal)
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
