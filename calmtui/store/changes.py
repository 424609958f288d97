"""The changes of an estate: appended as they are seen, read by time and node, pruned by age and number."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from calmtui.fleet.history import Record
from calmtui.fleet.node import NodeId
from calmtui.store.database import default_path, reading, writing

KEEP_DAYS = 30
"""Days that a change is kept."""
KEEP_RECORDS = 1_000_000
"""Changes of an estate that are kept, about 300 bytes each; the oldest go first."""
ALWAYS = 1e18
"""Later than any time: seconds since the epoch."""
LAST = 2**63 - 1
"""No record has a higher number."""

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
    since: float = 0.0,
    until: float = ALWAYS,
    node: NodeId | None = None,
    after: int = 0,
    upto: int = LAST,
    limit: int | None = None,
    path: Path | None = None,
) -> list[Record]:
    """Records in the order of their time, of `since` ≤ at < `until`; of the newest `limit` at the most.

    `node` narrows them to those of one; `after` and `upto` to those of `after` < number ≤ `upto`, where
    each record has the number that `newest_number` gave when it was the last. Raises StoreError.
    """
    which = "and node = ?" if node is not None else ""
    sql = (
        f"select record from changes where estate = ? {which} and at >= ? and at < ? and seq > ? and seq <= ?"  # noqa: S608 -- no foreign text
        " order by at desc, seq desc limit ?"
    )
    narrowed = (node,) if node is not None else ()
    return _decoded(sql, (estate, *narrowed, since, until, after, upto, -1 if limit is None else limit), path)[::-1]


def newest_number(*, path: Path | None = None) -> int:
    """The number of the record that was stored last, of any estate; 0 when there is none. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return 0
        found: int | None = connection.execute("select max(seq) from changes").fetchone()[0]
        return found or 0


def last_at(estate: str, *, until: float = ALWAYS, path: Path | None = None) -> dict[NodeId, float]:
    """When each node last changed before `until`, seconds since the epoch. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return {}
        sql = "select node, max(at) from changes where estate = ? and at < ? group by node"
        return dict(connection.execute(sql, (estate, until)).fetchall())


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


def _decoded(sql: str, values: tuple[object, ...], path: Path | None) -> list[Record]:
    with reading(path or default_path()) as connection:
        if connection is None:
            return []
        found = []
        for (record,) in connection.execute(sql, values):
            try:
                found.append(_decoder.decode(record))
            except msgspec.MsgspecError:  # written by an older program in a form that this one cannot read
                continue
        return found
