"""The tables of the journal of runs: on a PostgreSQL server, or in a SQLite file, which is made here."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from calmtui.estate import folders
from calmtui.store import postgres
from calmtui.store.database import BUSY_SECONDS, StoreError, journal_mode, statements, transaction
from calmtui.store.filesystem import is_network

_STEPS = (
    """
    create table runs (
        id text primary key,
        runbook text not null,
        who text not null,
        nodes integer not null,
        hash text not null,
        plan text not null,
        status text not null,
        detail text not null default '',
        attempt integer not null default 1,
        wanted text not null default '',
        submitted_at real not null,
        began_at real,
        ended_at real
    ) strict;
    create index runs_by_time on runs (submitted_at);
    create table events (
        seq integer primary key,
        run text not null references runs (id),
        attempt integer not null,
        at real not null,
        node text not null,
        step text not null,
        status text not null,
        detail text not null,
        output text not null
    ) strict;
    create index events_of_runs on events (run, seq);
    """,
    """
    alter table runs add column estate text not null default '';
    alter table runs add column sites text not null default '';
    alter table runs add column owner text not null default '';
    alter table runs add column epoch integer not null default 0;
    create index runs_under_way on runs (owner) where ended_at is null;
    create table workers (
        id text primary key,
        host text not null,
        pid integer not null,
        sites text not null,
        since real not null,
        beat real not null,
        idle_since real,
        gone integer not null default 0
    ) strict;
    """,
)
"""The schema, as the steps that led to it. A released step never changes."""

TABLES = postgres.Tables("runs", tuple(map(postgres.translated, _STEPS)))


def opened(path: Path) -> sqlite3.Connection:
    """The journal in that file, made or brought up to date first. Raises StoreError, and what SQLite raises."""
    if not path.exists():
        folders.made(path.parent)
        path.touch(0o600)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    connection.execute("pragma synchronous = full")
    version: int = connection.execute("pragma user_version").fetchone()[0]
    if version > len(_STEPS):
        connection.close()
        raise StoreError("the journal was written by a newer calmtui", where=str(path), next_step="start that")
    if version < len(_STEPS):
        _make(path, connection)
    return connection


def _make(path: Path, connection: sqlite3.Connection) -> None:
    if is_network(path):
        raise StoreError("the journal of runs cannot lie on a network file system", where=str(path),
                         next_step="set XDG_STATE_HOME to a folder on a local disk")  # fmt: skip
    connection.execute(f"pragma journal_mode = {journal_mode()}")
    with transaction(connection):
        version = connection.execute("pragma user_version").fetchone()[0]  # another may have been quicker
        for step in _STEPS[version:]:
            for statement in statements(step):
                connection.execute(statement)
        connection.execute(f"pragma user_version = {len(_STEPS):d}")
