"""The schema, as the steps that led to it. A released step never changes: a new one follows it."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from calmtui.store.database import VERSION, transaction

migrations = Migrations("calmtui")


@migrations()
def m001_last_fleet_marks_views(db: Database) -> None:
    """What a console shows before any source has answered."""
    db.table("sources").create(
        {"estate": str, "source": str, "saved_at": float, "status": bytes}, pk=("estate", "source"), strict=True
    )
    db.table("nodes").create(
        {"estate": str, "source": str, "part": int, "nodes": bytes}, pk=("estate", "source", "part"), strict=True
    )
    db.table("marks").create({"estate": str, "node": str}, pk=("estate", "node"), strict=True)
    db.table("views").create({"estate": str, "name": str, "value": str}, pk=("estate", "name"), strict=True)


@migrations()
def m002_changes(db: Database) -> None:
    """What changed, and since when each source is known."""
    db.table("changes").create(
        {"seq": int, "estate": str, "at": float, "source": str, "node": str, "record": bytes}, pk="seq", strict=True
    )
    db.table("changes").create_index(["estate", "at"])
    db.table("beginnings").create({"estate": str, "source": str, "at": float}, pk=("estate", "source"), strict=True)


@migrations()
def m003_changes_by_node(db: Database) -> None:
    """What changed of one node is found at once, and when each node last changed without reading a record."""
    db.table("changes").create_index(["estate", "node", "at"])


@migrations()
def m004_pins(db: Database) -> None:
    """Log lines that were kept with a note; `at` is in nanoseconds, `when` in seconds since the epoch."""
    db.table("pins").create(
        {"number": int, "estate": str, "node": str, "name": str, "stream": str, "at": int, "text": str, "note": str,
         "who": str, "when": float},
        pk="number", strict=True,
    )  # fmt: skip
    db.table("pins").create_index(["estate", "at"])


@migrations()
def m005_commands(db: Database) -> None:
    """Commands that were run, secrets masked; `nodes` is how many, `counts` a JSON object of outcomes."""
    db.table("commands").create(
        {"number": int, "estate": str, "at": float, "who": str, "command": str, "query": str, "nodes": int,
         "counts": str},
        pk="number", strict=True,
    )  # fmt: skip
    db.table("commands").create_index(["estate", "at"])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database up to VERSION; all steps and their record in one transaction."""
    with transaction(connection):
        migrations.apply(Database(connection, execute_plugins=False))
        connection.execute(f"pragma user_version = {VERSION:d}")
