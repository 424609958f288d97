"""The ledger: the one trusted record of an estate, in a file of its own or a database that several people share.

Unlike a user's own database it is never set aside or pruned: the trail in it is append-only (triggers
refuse everything else to those who go through the database) and written through to the disk. Its key lies
beside it. Everything raises StoreError; nothing is done that cannot be recorded.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from calmtui.estate import folders
from calmtui.estate.model import Estate
from calmtui.estate.settings import settings
from calmtui.store import database, postgres
from calmtui.store.database import BUSY_SECONDS, StoreError, statements, transaction
from calmtui.store.filesystem import is_network
from calmtui.store.postgres import Connection

Place = Path | str
"""A file, or the URL of a database on a server."""

_STEPS = (
    """
    create table audit (
        seq integer primary key,
        body text not null,
        seal text not null unique,
        at text generated always as (json_extract(body, '$.at')) virtual,
        event text generated always as (json_extract(body, '$.event')) virtual,
        estate text generated always as (json_extract(body, '$.estate')) virtual,
        plan text generated always as (json_extract(body, '$.plan')) virtual
    ) strict;
    create index audit_at on audit (at);
    create index audit_plan on audit (plan) where plan is not null;
    create trigger audit_is_never_altered before update on audit
        begin select raise(abort, 'the audit trail is append-only'); end;
    create trigger audit_is_never_shortened before delete on audit
        begin select raise(abort, 'the audit trail is append-only'); end;
    """,
    """
    create table approvals (
        id text primary key,
        plan text not null,
        estate text not null,
        request text not null,
        asked_at real not null,
        expires_at real not null,
        closed text not null default ''
    ) strict;
    create index approvals_of_plans on approvals (plan);
    create table votes (
        approval text not null references approvals (id),
        who text not null,
        groups text not null,
        at real not null,
        approve integer not null,
        reason text not null,
        primary key (approval, who)
    ) strict;
    create table locks (
        node text primary key,
        estate text not null,
        plan text not null,
        who text not null,
        action text not null,
        since real not null,
        until real not null
    ) strict;
    """,
    """
    create index audit_events on audit (event);
    """,
    """
    alter table locks add column token text not null default '';
    """,
)
"""The schema, as the steps that led to it. A released step never changes."""

_AUDIT_ON_A_SERVER = """
    create table audit (
        seq bigint primary key,
        body text not null,
        seal text not null unique,
        at text generated always as (body::jsonb ->> 'at') stored,
        event text generated always as (body::jsonb ->> 'event') stored,
        estate text generated always as (body::jsonb ->> 'estate') stored,
        plan text generated always as (body::jsonb ->> 'plan') stored
    );
    create index audit_at on audit (at);
    create index audit_plan on audit (plan) where plan is not null;
    create function audit_is_append_only() returns trigger language plpgsql as
        $$ begin raise exception 'the audit trail is append-only'; end $$;
    create trigger audit_is_never_altered before update or delete or truncate on audit
        for each statement execute function audit_is_append_only();
    create table audit_key (key text not null);
    """
TABLES = postgres.Tables("ledger", (_AUDIT_ON_A_SERVER, *map(postgres.translated, _STEPS[1:])))


LOOKED_AT = 3.0
"""Seconds between two looks at a database on a server."""


def default_path() -> Path:
    """The ledger of this user alone, where the estate names none."""
    return folders.state() / "ledger.db"


def of(estate: Estate | None) -> Place:
    """The ledger of an estate: the file that it names, the database that it or the settings name, or this user's own.

    Raises EstateError when the settings are wrong.
    """
    named: Place | None = (estate.ledger or estate.database) if estate is not None else None
    return named or settings().database or default_path()


def where(place: Place) -> str:
    """What people are told that it is in."""
    return postgres.shown(place) if isinstance(place, str) else str(place)


@contextlib.contextmanager
def reading(path: Place) -> Iterator[Connection | None]:
    """A connection to read with; None when nothing was ever recorded. Raises StoreError."""
    if isinstance(path, str):
        with postgres.session(path, TABLES) as session:
            yield session
        return
    if not path.exists():
        yield None
        return
    with _told(path), contextlib.closing(_connect(path)) as connection:
        _check_version(connection, path)
        connection.execute("pragma query_only = on")
        yield connection


@contextlib.contextmanager
def writing(path: Place) -> Iterator[Connection]:
    """A connection within one transaction, alone, that is on the disk when this is left. Raises StoreError."""
    if isinstance(path, str):
        with postgres.session(path, TABLES, alone=True) as session:
            yield session
        return
    with _told(path):
        _made(path)
        with contextlib.closing(_connect(path)) as connection:
            connection.execute("pragma synchronous = full")
            with transaction(connection):
                _migrate(connection, path)
                yield connection


def stamp(path: Place) -> tuple[int, ...]:
    """Another one whenever something may have been written; to look at it costs nothing.

    Of a database on a server that is every few seconds.
    """
    return (int(time.monotonic() / LOOKED_AT),) if isinstance(path, str) else database.stamp(path)


def key_path(path: Path) -> Path:
    """Where the key of a ledger lies."""
    return path.with_suffix(".key")


def read_key(path: Place) -> bytes:
    """The key of a ledger that has one. Raises StoreError."""
    if isinstance(path, str):
        with postgres.session(path, TABLES) as session:
            row = session.execute("select key from audit_key").fetchone()
        if row is None:
            raise _no_key("audit_key", where(path))
        return bytes.fromhex(row[0])
    with _told(path):
        try:
            return key_path(path).read_bytes()
        except FileNotFoundError:
            raise _no_key("key", str(key_path(path))) from None


def _no_key(what: str, place: str) -> StoreError:
    step = "put it back from a backup; without it nothing can be recorded or verified"
    return StoreError(f"the {what} of the ledger is missing", where=place, next_step=step)


def make_key(path: Place) -> bytes:
    """A new key for a ledger without records, with the rights of the ledger itself. Raises StoreError."""
    key = secrets.token_bytes(32)
    if isinstance(path, str):
        with postgres.session(path, TABLES) as session:
            session.execute("delete from audit_key")  # of a first record that failed
            session.execute("insert into audit_key values (?)", (key.hex(),))
        return key
    with _told(path):
        handle = os.open(key_path(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, path.stat().st_mode & 0o660)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    return key


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS)


def _made(path: Path) -> None:
    """The file, made if it is not there: this user's alone, or the group's in a folder that the group may write."""
    if path.exists():
        return
    folders.made(path.parent)
    shared = path.parent.stat().st_mode & 0o020
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        os.fchmod(handle, 0o660 if shared else 0o600)
        os.close(handle)
        if not is_network(path):  # machines that share a file system cannot share the memory that WAL needs
            with contextlib.closing(_connect(path)) as connection:
                connection.execute(f"pragma journal_mode = {database.journal_mode()}")


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    if version > len(_STEPS):
        raise StoreError(
            f"the ledger was written by a newer calmtui (schema {version}, this one knows {len(_STEPS)})",
            where=str(path),
            next_step="start the newer one",
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _check_version(connection, path)
    for step in _STEPS[version:]:
        for statement in statements(step):
            connection.execute(statement)
    if version < len(_STEPS):
        connection.execute(f"pragma user_version = {len(_STEPS):d}")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of SQLite and the disk as an operator is told them."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"the ledger cannot be used: {error}",
            where=str(path),
            next_step="nothing is done that cannot be recorded; look at the disk, the file and its rights",
        ) from error
    except OSError as error:
        raise StoreError(
            f"the ledger cannot be used: {error.strerror}", where=str(path), next_step="look at the folder's rights"
        ) from error
