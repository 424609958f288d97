"""One SQLite file for all consoles of a user: opened for each use, never half written, never lost in silence.

Reading needs the standard library alone, because the first paint waits for it; sqlite-utils is
imported when something is written. Everything raises StoreError, and a console goes on without.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from calmtui.errors import CalmError
from calmtui.estate import folders
from calmtui.store.filesystem import is_network

if TYPE_CHECKING:
    from sqlite_utils import Database

VERSION = 5
"""The schema that this program writes (`PRAGMA user_version`): how many migrations there are."""
BUSY_SECONDS = 5.0
"""How long one console waits while another writes; a write takes well under one second."""
WAL_IS_WHOLE = (3, 51, 3)
"""The first version of SQLite whose write-ahead log several writers cannot damage."""

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class StoreError(CalmError):
    """The database cannot be used now; `where` is its path."""


def default_path() -> Path:
    """The database of this user."""
    return folders.state() / "state.db"


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection to read with; None when nothing was ever stored. Raises StoreError."""
    if not path.exists():
        yield None
        return
    with _told(path), contextlib.closing(_connect(path)) as connection:
        if _version(connection, path) < VERSION:
            _prepare(path)
        connection.execute("pragma query_only = on")
        yield connection


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Database]:
    """The database within one transaction: all of it happens, or on an exception nothing. Raises StoreError."""
    from sqlite_utils import Database  # takes 0.2 s to import

    with _told(path):
        _prepare(path)
        with contextlib.closing(_connect(path)) as connection:
            connection.execute("pragma synchronous = normal")  # of WAL: a power cut loses the last moments, no more
            database = Database(connection, execute_plugins=False)
            with transaction(connection):
                yield database


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that has the right to write from its beginning, so that it waits rather than fails midway."""
    connection.execute("begin immediate")
    with connection:  # commits, or on an exception rolls back
        yield


def journal_mode() -> str:
    """How files that several processes write to at once are kept whole: WAL where SQLite's own is.

    Before 3.51.3 two processes that write and reset the log at the same instant can damage the file
    (sqlite.org/wal.html#walresetbug).
    """
    return "wal" if sqlite3.sqlite_version_info >= WAL_IS_WHOLE else "delete"


def stamp(path: Path) -> tuple[int, ...]:
    """Another one whenever something may have been written; to look at it costs nothing."""
    files = (path, path.with_name(f"{path.name}-wal"))
    told = [file.stat() for file in files if file.exists()]
    return tuple(number for one in told for number in (one.st_mtime_ns, one.st_size))


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would end the transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def check(path: Path) -> str:
    """What SQLite finds wrong with the file; empty when all is well. Raises StoreError when it cannot be opened."""
    with reading(path) as connection:
        if connection is None:
            return ""
        found = [str(row[0]) for row in connection.execute("pragma quick_check(5)")]
    return "" if found == ["ok"] else "; ".join(found)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    if version > VERSION:
        raise StoreError(
            f"written by a newer calmtui (schema {version}, this one knows {VERSION})",
            where=str(path),
            next_step="start the newer one, or set XDG_STATE_HOME to another folder",
        )
    return version


# -- made, brought up to date, set aside ------------------------------------------


def _prepare(path: Path) -> None:
    """Make the file, or bring it up to the newest schema; costs one look when there is nothing to do."""
    if path.exists():
        with contextlib.closing(_connect(path)) as connection:
            if _version(connection, path) == VERSION:
                return
    from calmtui.store.migrations import migrate

    folders.made(path.parent)
    with _alone(path):
        if not path.exists():  # closing a file that SQLite has open would drop its locks
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        path.chmod(0o600)
        with contextlib.closing(_connect(path)) as connection:
            if not is_network(path):  # WAL shares memory, which machines cannot
                connection.execute("pragma journal_mode = wal")
            if _version(connection, path) < VERSION:
                migrate(connection)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While no other console makes, migrates or sets aside the file."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """SQLite's errors as an operator is told them; a damaged file is set aside."""
    inode = path.stat().st_ino if path.exists() else None
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            raise _set_aside(path, inode, error) from error
        step = (
            "another console is writing; try again"
            if code == sqlite3.SQLITE_BUSY
            else "look at the disk and the file's rights"
        )
        raise StoreError(f"the database cannot be used: {error}", where=str(path), next_step=step) from error
    except OSError as error:
        raise StoreError(
            f"the database cannot be used: {error.strerror}", where=str(path), next_step="look at the folder's rights"
        ) from error


def _set_aside(path: Path, inode: int | None, error: sqlite3.Error) -> StoreError:
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")
    with _alone(path):
        if path.exists() and path.stat().st_ino == inode:  # another console may have done it, and begun a new one
            path.rename(aside)
            for suffix in ("-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return StoreError(
        f"the database was damaged ({error}); marks, views and the last known fleet begin anew",
        where=str(path),
        next_step=f"the damaged file is kept as {aside.name}",
    )
