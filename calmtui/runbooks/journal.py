"""The journal of runs: what each of them is, how it stands, and all that has happened in it.

It is one SQLite file for all consoles and the worker of a user, or a PostgreSQL database for several people
and machines. What happens is appended and on the disk before the next thing is done, so that whoever carries
a run on knows what was begun and what has ended; how a step stands is its last event. Whoever carries out a run
has claimed it: what they write counts only as long as nobody else has claimed it since (`epoch`).
Everything here blocks, and raises StoreError.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec

from calmtui.actions.outcome import Status
from calmtui.errors import UsageError
from calmtui.estate import folders
from calmtui.estate.settings import settings
from calmtui.fleet.node import NodeId
from calmtui.runbooks import tables
from calmtui.runbooks.plan import RunPlan
from calmtui.store import postgres
from calmtui.store.database import StoreError, stamp, transaction
from calmtui.store.postgres import Connection


class Lost(StoreError):
    """Somebody else has claimed the run, because this worker was silent for too long: it is theirs to carry out."""


class Standing(StrEnum):
    """How a run stands."""

    SUBMITTED = "submitted"
    """No worker has begun it."""
    RUNNING = "running"
    WAITING = "waiting"
    """For somebody or something; the detail says for what."""
    PAUSED = "paused"
    """Somebody has paused it: nothing is under way, and it goes on when it is resumed."""
    OK = "ok"
    FAILED = "failed"
    """Not every node has all that was to be done."""
    ROLLED_BACK = "rolled back"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come by itself."""
        return self not in (Standing.SUBMITTED, Standing.RUNNING, Standing.WAITING, Standing.PAUSED)


Wish = Literal["", "pause", "cancel", "rollback"]
"""What somebody wants of a run: that it goes on, begins nothing more for now, ends, or takes back what it did."""


class Run(msgspec.Struct, frozen=True):
    """A run, without its plan."""

    id: str
    """Eight characters, to be typed."""
    runbook: str
    who: str
    nodes: int
    hash: str
    standing: Standing
    detail: str
    attempt: int
    """From 1; one more each time it is resumed, retried or rolled back after its end."""
    wanted: Wish
    """What somebody wants of it; empty: that it goes on."""
    submitted_at: float
    began_at: float | None
    ended_at: float | None
    estate: str = ""
    """The estate's file, which whoever carries it out has to have; empty: what was discovered."""
    sites: str = ""
    """The sites of its targets, with spaces between; whoever carries it out serves all of them."""
    owner: str = ""
    """The worker that has claimed it; empty: none."""
    epoch: int = 0
    """How many times it was claimed."""

    @property
    def workflow(self) -> str:
        """What the engine calls this attempt."""
        return f"{self.id}-{self.attempt}"


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened: a step was begun on a node, or has ended there."""

    node: NodeId
    """Empty: of the run, not of a node."""
    step: str
    """The key of the step; empty: of the node as a whole."""
    status: Status
    detail: str = ""
    """In a few words, safe for a terminal; of a beginning: the state in which the node was before it."""
    output: str = ""
    """The end of what a command has printed, safe for a terminal."""
    at: float = 0.0
    """Seconds since the epoch."""
    attempt: int = 0
    """Of the run."""
    seq: int = 0
    """Its number; set when it is written."""


ASKED = "asked"
"""The step of the events that tell what people have asked of the run."""

_RUN = (
    "select id, runbook, who, nodes, hash, status, detail, attempt, wanted, submitted_at, began_at, ended_at,"
    " estate, sites, owner, epoch from runs"
)


class Journal:
    """The journal in a file, which is made when it is first written to, or in a database on a server."""

    def __init__(self, place: Path | str | None = None) -> None:
        """`place` is a file, or the URL of a database; None: what the settings say, else this user's own file."""
        place = place or settings().database or folders.state() / "runs.db"
        self.url = place if isinstance(place, str) else ""
        """The URL of the database; empty: it is a file."""
        self.path = place if isinstance(place, Path) else folders.state() / "runs.db"
        """The file, beside which everything else lies that belongs to runs."""

    @property
    def where(self) -> str:
        """What people are told that it is in."""
        return postgres.shown(self.url) if self.url else str(self.path)

    def stamp(self) -> object:
        """Another one whenever something may have been written; to look at it costs next to nothing."""
        return object() if self.url else stamp(self.path)

    def submit(self, plan: RunPlan, sites: Iterable[str] = ()) -> Run:
        """Take in a plan to be carried out, by a worker that serves those sites."""
        run_id = secrets.token_hex(4)
        with self.writing() as connection:
            connection.execute(
                "insert into runs (id, runbook, who, nodes, hash, plan, status, submitted_at, estate, sites)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    run_id, plan.runbook, plan.who.name, len(plan.nodes), plan.hash,
                    msgspec.json.encode(plan).decode(), Standing.SUBMITTED.value, time.time(),
                    plan.estate, " ".join(sorted(sites)),
                ),
            )  # fmt: skip
        return self.run(run_id)

    def runs(self, limit: int = 50) -> list[Run]:
        """The newest runs, the newest first."""
        return self._runs(f"{_RUN} order by submitted_at desc limit ?", limit)

    def unfinished(self) -> list[Run]:
        """The runs that a worker has to carry out, the oldest first."""
        ended = [standing.value for standing in Standing if standing.ended]
        marks = ", ".join("?" * len(ended))
        return self._runs(f"{_RUN} where status not in ({marks}) order by submitted_at", *ended)

    def run(self, wanted: str) -> Run:
        """The run of that id, or the only one whose id begins so. Raises UsageError."""
        found = self._runs(f"{_RUN} where substr(id, 1, ?) = ? limit 2", len(wanted), wanted) if wanted else []
        if len(found) != 1:
            what = f"{wanted!r} are several runs" if found else f"there is no run {wanted!r}"
            raise UsageError(what, next_step="`calmtui runs` lists them")
        return found[0]

    def plan(self, run_id: str) -> RunPlan:
        """The plan of a run. Raises StoreError when it is not the one that was submitted."""
        with self.reading() as connection:
            row = connection.execute("select plan, hash from runs where id = ?", (run_id,)).fetchone()
        plan = msgspec.json.decode(row[0], type=RunPlan)
        if plan.hash != row[1]:
            raise StoreError(f"the plan of run {run_id} was altered", where=self.where, next_step="start it anew")
        return plan

    def claim(self, run: Run, owner: str) -> Run | None:
        """Make a run one's own, unless somebody else has claimed it, or it has ended, since it was read."""
        with self.writing() as connection:
            done = connection.execute(
                "update runs set owner = ?, epoch = epoch + 1 where id = ? and epoch = ? and ended_at is null",
                (owner, run.id, run.epoch),
            )
            if not done.rowcount:
                return None
        return msgspec.structs.replace(run, owner=owner, epoch=run.epoch + 1)

    def stands(self, run_id: str, standing: Standing, detail: str = "", *, epoch: int | None = None) -> None:
        """Note how a run stands now. `epoch`: that of whoever carries it out; raises Lost when it is not theirs."""
        now = time.time()
        with self._writing_of(run_id, epoch) as connection:
            connection.execute(
                "update runs set status = ?, detail = ?, began_at = coalesce(began_at, ?), ended_at = ? where id = ?",
                (standing.value, detail, now, now if standing.ended else None, run_id),
            )

    def want(self, run_id: str, what: Wish, by: str = "") -> Run:
        """Ask a run that has not ended to pause, to go on again (empty), to end, or, while it is paused, to roll back.

        One that no worker has begun ends at once. `by` is who asks, for the record. Raises UsageError where it cannot.
        """
        now = time.time()
        with self._writing_of(run_id) as connection:
            row = connection.execute(
                "select status, wanted, attempt, owner from runs where id = ?", (run_id,)
            ).fetchone()
            standing, wanted = Standing(row[0]), row[1]
            _refuse(run_id, standing, wanted, what)
            connection.execute("update runs set wanted = ? where id = ?", (what, run_id))
            if what == "cancel" and standing is Standing.SUBMITTED and not row[3]:
                connection.execute(
                    "update runs set status = ?, detail = 'cancelled before it began', ended_at = ? where id = ?",
                    (Standing.CANCELLED.value, now, run_id),
                )
            asked = Event("", ASKED, Status.OK, f"{what or 'go on'}, by {by}" if by else what or "go on", at=now,
                          attempt=row[2])  # fmt: skip
            self._append(connection, run_id, [asked])
        return self.run(run_id)

    def reopen(self, run_id: str, what: Wish = "", events: Iterable[Event] = ()) -> Run:
        """Have a run that has ended be taken up again, as one more attempt. Raises UsageError.

        `events` say what of it is to be done; they are written with the number of that attempt.
        """
        run = self.run(run_id)
        with self.writing() as connection:
            done = connection.execute(
                "update runs set status = ?, detail = '', wanted = ?, ended_at = null, attempt = attempt + 1,"
                " owner = ''"
                " where id = ? and attempt = ? and ended_at is not null",
                (Standing.SUBMITTED.value, what, run.id, run.attempt),
            )
            if not done.rowcount:
                raise UsageError(f"run {run.id} has not ended", next_step=f"`calmtui run show {run.id}` watches it")
            self._append(
                connection, run.id, [msgspec.structs.replace(event, attempt=run.attempt + 1) for event in events]
            )
        return self.run(run.id)

    def append(self, run_id: str, events: Iterable[Event], *, epoch: int | None = None) -> None:
        """Write what has happened in a run through to the disk.

        `epoch`: that of whoever carries it out; raises Lost, and writes nothing, when it is not theirs any more.
        """
        with self._writing_of(run_id, epoch) as connection:
            self._append(connection, run_id, events)

    def _append(self, connection: Connection, run_id: str, events: Iterable[Event]) -> None:
        connection.executemany(
            "insert into events (run, attempt, at, node, step, status, detail, output) values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(run_id, one.attempt, one.at, one.node, one.step, one.status.value, one.detail, one.output)
             for one in events],
        )  # fmt: skip

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        """What has happened in a run after the event of a number, in its order."""
        with self.reading() as connection:
            rows = connection.execute(
                "select node, step, status, detail, output, at, attempt, seq from events"
                " where run = ? and seq > ? order by seq",
                (run_id, after),
            ).fetchall()
        return [Event(node, step, Status(status), *rest) for node, step, status, *rest in rows]

    def answers(self, run_id: str, name: str) -> list[Event]:
        """What a run was told that it asks for, under a name: one event, or none."""
        from calmtui.runbooks.progress import ANSWER

        with self.reading() as connection:
            rows = connection.execute(
                "select step, detail, output, at, attempt from events where run = ? and node = '' and step = ?"
                " order by seq limit 1",
                (run_id, f"{ANSWER}{name}"),
            ).fetchall()
        return [Event("", step, Status.OK, *rest) for step, *rest in rows]

    def _runs(self, sql: str, *values: str | int) -> list[Run]:
        with self.reading() as connection:
            rows = connection.execute(sql, values).fetchall()
        return [msgspec.convert(dict(zip(Run.__struct_fields__, row, strict=True)), Run) for row in rows]

    @contextlib.contextmanager
    def _writing_of(self, run_id: str, epoch: int | None = None) -> Iterator[Connection]:
        """The same for one run, which nobody else writes of meanwhile: its events are in the order of their numbers."""
        with self.writing() as connection:
            held = connection.execute(
                "update runs set owner = owner where id = ? and epoch = coalesce(?, epoch)", (run_id, epoch)
            )
            if not held.rowcount:
                raise Lost(f"run {run_id} was taken over by another worker", where=self.where)
            yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with. Raises StoreError."""
        if self.url:
            with postgres.session(self.url, tables.TABLES) as session:
                yield session
            return
        with self._told(), contextlib.closing(tables.opened(self.path)) as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection within one transaction that is on the disk when this is left. Raises StoreError."""
        if self.url:
            with postgres.session(self.url, tables.TABLES) as session:
                yield session
            return
        with self._told(), contextlib.closing(tables.opened(self.path)) as connection, transaction(connection):
            yield connection

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the journal of runs cannot be used: {error}", where=str(self.path),
                             next_step="look at the disk, the file and its rights") from error  # fmt: skip
        except OSError as error:
            raise StoreError(f"the journal of runs cannot be used: {error.strerror}", where=str(self.path),
                             next_step="look at the folder's rights") from error  # fmt: skip


def _refuse(run_id: str, standing: Standing, wanted: str, what: Wish) -> None:
    """Raise UsageError where a run that stands so cannot do what is asked of it."""
    if standing.ended:
        again = f"`calmtui run resume {run_id}` goes on with it, `retry` and `rollback` take it up as well"
        raise UsageError(f"run {run_id} has ended: it is {standing}", next_step=again)
    if wanted in ("cancel", "rollback") and what != "cancel":
        raise UsageError(f"run {run_id} is ending already", next_step=f"`calmtui run show {run_id}` watches it")
    if what == "" and wanted != "pause":
        raise UsageError(f"run {run_id} is not paused: it is {standing}", next_step="there is nothing to resume")
    if what == "rollback" and standing is not Standing.PAUSED:
        raise UsageError(f"run {run_id} is {standing}", next_step=f"`calmtui run pause {run_id}` or `abort` it first")
