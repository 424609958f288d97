"""The workers of a journal: which there are, which of them are silent, and what each has in hand.

Each notes every few seconds that it is alive. One that is silent is taken for dead by whoever wants its runs,
and told so in its own row: should it come back, it reads there that nothing is its own any more. Everything
here blocks, and raises StoreError.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterable

import msgspec

from calmtui.runbooks.journal import Journal, Lost, Run
from calmtui.store import postgres

BEAT = 3.0
"""Seconds between two notes that a worker is alive."""
SILENT = 15.0
"""Seconds without one after which it is taken for dead."""
ALL_SITES = "*"
"""What a worker is told that serves every site."""


class Enlisted(msgspec.Struct, frozen=True):
    """A worker, as the others see it."""

    id: str
    """Host and a number of its own, which no other process ever has."""
    host: str
    pid: int
    sites: str
    """What it serves besides runs without a site, with spaces between."""
    since: float
    """Seconds since the epoch, as all times here."""
    beat: float
    """When it last noted that it is alive, by the clock of the journal."""
    idle_since: float | None = None
    """None: it has something to do."""
    gone: int = 0
    """1: it was taken for dead."""

    def serves(self, sites: str) -> bool:
        """Whether it serves all of the sites of a run."""
        mine = self.sites.split()
        return ALL_SITES in mine or set(sites.split()) <= set(mine)


def oneself(sites: Iterable[str]) -> Enlisted:
    """A worker that is this process."""
    host, now = socket.gethostname(), time.time()
    return Enlisted(f"{host}:{uuid.uuid4()}", host, os.getpid(), " ".join(sorted(sites)), now, now, now)


def enlist(journal: Journal, worker: Enlisted, *, alone: bool) -> None:
    """Enter a worker; `alone`: there is no other, for it has the lock of the journal."""
    with journal.writing() as connection:
        if alone:
            connection.execute("delete from workers")
        connection.execute(
            "insert into workers (id, host, pid, sites, since, beat, idle_since) values (?, ?, ?, ?, ?, ?, ?)",
            (worker.id, worker.host, worker.pid, worker.sites, worker.since, postgres.now(connection),
             worker.idle_since),
        )  # fmt: skip


def beat(journal: Journal, worker: Enlisted, idle_since: float | None) -> None:
    """Note that a worker is alive. Raises Lost when it was taken for dead."""
    with journal.writing() as connection:
        done = connection.execute(
            "update workers set beat = ?, idle_since = ? where id = ? and gone = 0",
            (postgres.now(connection), idle_since, worker.id),
        )
        if not done.rowcount:
            raise Lost("this worker was silent for too long and was taken for dead", where=journal.where)


def leave(journal: Journal, worker: Enlisted) -> None:
    """It works no more: what it has in hand is anybody's."""
    with journal.writing() as connection:
        connection.execute("update runs set owner = '' where owner = ? and ended_at is null", (worker.id,))
        connection.execute("delete from workers where id = ?", (worker.id,))


def enlisted(journal: Journal) -> list[Enlisted]:
    """The workers that have not left, the oldest first; some of them may be dead."""
    with journal.reading() as connection:
        rows = connection.execute(
            "select id, host, pid, sites, since, beat, idle_since, gone from workers order by since"
        ).fetchall()
    return [Enlisted(*row) for row in rows]


def alive(journal: Journal) -> list[Enlisted]:
    """Those that have lately noted that they are alive."""
    with journal.reading() as connection:
        since = postgres.now(connection) - SILENT
    return [worker for worker in enlisted(journal) if worker.beat >= since and not worker.gone]


def in_hand(worker: Enlisted, unfinished: Iterable[Run]) -> list[Run]:
    """The runs that it carries out."""
    return [run for run in unfinished if run.owner == worker.id]


class Watch:
    """What one worker sees of the others. It goes by its own clock, and by nobody's word but theirs."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._heard: dict[str, tuple[float, float]] = {}
        """The last beat of each, and since when it is known, by our clock."""
        self._looked = float("-inf")

    def alive(self) -> set[str]:
        """The ids of those who are at work. Those of whom nothing was heard while we looked on are told otherwise."""
        now, found = time.monotonic(), enlisted(self._journal)
        if now - self._looked > SILENT / 2:  # we were stopped, or the database away: the others may have been, too
            self._heard.clear()
        self._looked = now
        before = self._heard
        self._heard = {
            one.id: before[one.id] if before.get(one.id, (0.0, 0.0))[0] == one.beat else (one.beat, now)
            for one in found
        }
        silent = {one.id for one in found if now - self._heard[one.id][1] > SILENT}
        return {one.id for one in found if not one.gone and not (one.id in silent and self._told(one))}

    def _told(self, worker: Enlisted) -> bool:
        """Note that it is taken for dead, unless it was heard of meanwhile."""
        with self._journal.writing() as connection:
            done = connection.execute("update workers set gone = 1 where id = ? and beat = ?", (worker.id, worker.beat))
            connection.execute(
                "delete from workers where gone = 1 and not exists"
                " (select 1 from runs where owner = workers.id and ended_at is null)"
            )
            return bool(done.rowcount)
