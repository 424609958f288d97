"""Marks of an estate, from one start to the next."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from calmtui.fleet.node import NodeId
from calmtui.store.database import default_path, reading, writing


def load(estate: str, *, path: Path | None = None) -> set[NodeId]:
    """The ids that were marked when they were last saved. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return set()
        return {node for (node,) in connection.execute("select node from marks where estate = ?", (estate,))}


def save(estate: str, marks: Iterable[NodeId], *, path: Path | None = None) -> None:
    """Keep these and no others; of two consoles the last one wins. Blocks: call it in a thread. Raises StoreError."""
    with writing(path or default_path()) as database:
        database.execute("delete from marks where estate = ?", (estate,))
        database.table("marks").insert_all({"estate": estate, "node": node} for node in set(marks))
