"""Commands that were run on many nodes: when, by whom, where, and how it went. Secrets are masked before."""

from __future__ import annotations

from pathlib import Path

import msgspec

from calmtui import masks
from calmtui.store.database import default_path, reading, writing


class Ran(msgspec.Struct, frozen=True):
    """One command that was run."""

    at: float
    """When it was begun, seconds since the epoch."""
    who: str
    command: str
    """As it was typed, secrets masked."""
    query: str
    """Which nodes: the query, or their names as a host set."""
    nodes: int
    """How many."""
    counts: dict[str, int]
    """How many of them by outcome: `ok`, `failed`…"""


def add(estate: str, ran: Ran, *, path: Path | None = None) -> None:
    """Remember a command; secrets in it are masked here. Blocks: call it in a thread. Raises StoreError."""
    row = {
        "estate": estate, "at": ran.at, "who": ran.who, "command": masks.text(ran.command), "query": ran.query,
        "nodes": ran.nodes, "counts": msgspec.json.encode(ran.counts).decode(),
    }  # fmt: skip
    with writing(path or default_path()) as database:
        database.table("commands").insert(row)


def load(estate: str, *, text: str = "", limit: int = 200, path: Path | None = None) -> list[Ran]:
    """The latest commands of an estate in which a text stands, newest first. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            "select at, who, command, query, nodes, counts from commands where estate = ?"
            " and (instr(lower(command), lower(?)) or instr(lower(query), lower(?))) order by at desc limit ?",
            (estate, text, text, limit),
        ).fetchall()
    return [
        Ran(at, who, command, query, nodes, msgspec.json.decode(counts, type=dict[str, int]))
        for at, who, command, query, nodes, counts in rows
    ]
