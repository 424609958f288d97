"""Pins: log lines that somebody thought worth keeping, with a note; an incident is told from them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from calmtui.fleet.node import NodeId
from calmtui.store.database import default_path, reading, writing


class Pin(msgspec.Struct, frozen=True):
    """One line of one node's log, and what was thought of it. All text in it is safe for a terminal."""

    node: NodeId
    name: str
    """The node's name, as it was drawn."""
    stream: str
    """A path, a container's name; empty when the node has one stream only."""
    at: int
    """Where the line stands in time, nanoseconds since the epoch."""
    text: str
    note: str
    who: str
    when: float
    """When it was pinned, seconds since the epoch."""
    number: int = 0
    """What `remove` knows it by; given when it is stored."""


_COLUMNS = ("node", "name", "stream", "at", "text", "note", "who", "when")


def load(estate: str, *, path: Path | None = None) -> list[Pin]:
    """Every pin of an estate, in the order of the lines' time. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return []
        columns = ", ".join(f'"{name}"' for name in _COLUMNS)
        sql = f"select {columns}, number from pins where estate = ? order by at, number"  # noqa: S608 -- no foreign text
        return [Pin(*row) for row in connection.execute(sql, (estate,))]


def add(estate: str, pin: Pin, *, path: Path | None = None) -> None:
    """Keep a pin. Blocks: call it in a thread. Raises StoreError."""
    values = {name: getattr(pin, name) for name in _COLUMNS}
    with writing(path or default_path()) as database:
        database.table("pins").insert({"estate": estate, **values})


def remove(estate: str, number: int, *, path: Path | None = None) -> None:
    """Forget a pin; one that is gone already is no error. Blocks: call it in a thread. Raises StoreError."""
    with writing(path or default_path()) as database:
        database.execute("delete from pins where estate = ? and number = ?", (estate, number))
