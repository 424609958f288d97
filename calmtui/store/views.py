"""How an estate was last looked at (grouping, folds, columns, chosen sources), by name, as JSON-like values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from calmtui.store.database import default_path, reading, writing


def load(estate: str, *, path: Path | None = None) -> dict[str, Any]:
    """Everything that was saved of an estate's view, by name. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return {}
        rows = connection.execute("select name, value from views where estate = ?", (estate,)).fetchall()
    return {name: msgspec.json.decode(value) for name, value in rows}


def save(estate: str, values: dict[str, Any], *, path: Path | None = None) -> None:
    """Keep these values; other names stay as they are. Blocks: call it in a thread. Raises StoreError."""
    rows = [
        {"estate": estate, "name": name, "value": msgspec.json.encode(value).decode()} for name, value in values.items()
    ]
    with writing(path or default_path()) as database:
        database.table("views").upsert_all(rows, pk=("estate", "name"))
