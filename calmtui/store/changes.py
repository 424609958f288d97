"""The changes of an estate: appended as they are seen, read by time and node, pruned by age and number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from calmtui.fleet.history import Record
from calmtui.fleet.node import NodeId
from calmtui.store.database import default_path, reading, writing

KEEP_DAYS = 30
"""Days that a change is kept."""
KEEP_RECORDS = 1_000_000
"""Changes of an estate that are kept, about 300 bytes each; the oldest go first."""

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Record)


def append(estate: str, records: Iterable[Record], *, path: Path | None = None) -> None:
    """Store records in their order, all or none. Blocks: call it in a thread. Raises StoreError."""
    rows = [
        {"estate": estate, "at": entry.at, "source": entry.source, "node": entry.node, "record": _encode(entry)}
        for entry in records
    ]
    with writing(path or default_path()) as database:
        database.table("changes").insert_all(rows)


def load(
    estate: str,
    *,
    since: float | None = None,
    until: float | None = None,
    nodes: Iterable[NodeId] | None = None,
    limit: int | None = None,
    path: Path | None = None,
) -> list[Record]:
    """Records in the order in which they were seen, of `since` ≤ at < `until`; of the newest `limit` at the most.

    `nodes` narrows them to those ids. Raises StoreError.
    """
    wanted = None if nodes is None else frozenset(nodes)
    found = []
    for entry in _newest_first(estate, since, until, path or default_path()):
        if wanted is None or entry.node in wanted:
            found.append(entry)
            if len(found) == limit:
                break
    return found[::-1]


def first_at(estate: str, *, path: Path | None = None) -> dict[str, float]:
    """When the history of each source begins, seconds since the epoch: before that nothing is known of it."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return {}
        return dict(connection.execute("select source, at from beginnings where estate = ?", (estate,)).fetchall())


def begin(estate: str, beginnings: dict[str, float], *, path: Path | None = None) -> None:
    """Note that the history of sources begins; one that has begun before keeps its time. Raises StoreError."""
    rows = [{"estate": estate, "source": source, "at": at} for source, at in beginnings.items()]
    with writing(path or default_path()) as database:
        database.table("beginnings").insert_all(rows, pk=("estate", "source"), ignore=True)


def prune(estate: str, now: float, *, path: Path | None = None) -> int:
    """Forget what is too old or too many; returns how many records went. Raises StoreError."""
    with writing(path or default_path()) as database:
        oldest = now - KEEP_DAYS * 86400
        many = database.execute(
            "select at from changes where estate = ? order by at desc limit 1 offset ?", (estate, KEEP_RECORDS)
        ).fetchone()
        limit = max(oldest, many[0]) if many else oldest
        gone = database.execute("delete from changes where estate = ? and at <= ?", (estate, limit)).rowcount
        if gone:
            database.execute("update beginnings set at = max(at, ?) where estate = ?", (limit, estate))
    return gone


def _newest_first(estate: str, since: float | None, until: float | None, path: Path) -> Iterator[Record]:
    with reading(path) as connection:
        if connection is None:
            return
        rows = connection.execute(
            "select record from changes where estate = ? and at >= ? and at < ? order by at desc, seq desc",
            (estate, since if since is not None else 0.0, until if until is not None else 1e18),
        )
        for (record,) in rows:
            try:
                yield _decoder.decode(record)
            except msgspec.MsgspecError:  # written by an older program in a form that this one cannot read
                continue
