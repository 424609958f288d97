"""The last known fleet of an estate: read for the first paint, before any source has answered."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from calmtui.fleet.node import Node
from calmtui.fleet.source import Health, SourceStatus
from calmtui.store.database import default_path, reading, writing

PART = 1_000
"""Nodes of a row: encoding so many holds the interpreter for half a millisecond, so the screen keeps moving."""

_encode = msgspec.msgpack.Encoder().encode
_nodes = msgspec.msgpack.Decoder(list[Node])
_status = msgspec.msgpack.Decoder(SourceStatus)


def load(estate: str, *, path: Path | None = None) -> tuple[list[Node], list[SourceStatus]]:
    """Nodes and sources as they were last saved; both empty when there is nothing.

    `estate` is a key of `estate.find`. The sources are as before the first answer: connecting, with
    the age of what is known. What an older program stored and this one cannot read is left out.
    Raises StoreError.
    """
    nodes: list[Node] = []
    sources: list[SourceStatus] = []
    with reading(path or default_path()) as connection:
        if connection is None:
            return nodes, sources
        for (status,) in connection.execute("select status from sources where estate = ?", (estate,)):
            try:
                sources.append(_as_unconfirmed(_status.decode(status)))
            except msgspec.MsgspecError:
                continue
        rows = connection.execute("select nodes from nodes where estate = ? order by source, part", (estate,))
        for (part,) in rows:
            try:
                nodes += _nodes.decode(part)
            except msgspec.MsgspecError:
                continue
    known = {source.name for source in sources}
    return [node for node in nodes if node.source in known], sources


def save(
    estate: str,
    sources: Iterable[SourceStatus],
    nodes: Mapping[str, Sequence[Node]],
    *,
    only: Collection[str],
    path: Path | None = None,
) -> None:
    """Keep the statuses of sources, and the nodes of those that are named in `nodes`, in place of what was stored.

    Sources that are not among `only` are forgotten. Blocks: call it in a thread. Raises StoreError.
    """
    now = time.time()
    statuses = [
        {"estate": estate, "source": status.name, "saved_at": now, "status": _encode(status)} for status in sources
    ]
    parts = (  # encoded one after the other: all at once would be another fleet in memory
        {"estate": estate, "source": name, "part": number, "nodes": _encode(of_source[start : start + PART])}
        for name, of_source in nodes.items()
        for number, start in enumerate(range(0, len(of_source), PART))
    )
    with writing(path or default_path()) as database:
        stored = database.execute("select source from sources where estate = ?", (estate,)).fetchall()
        forgotten = {name for (name,) in stored} - set(only)
        for name in forgotten | set(nodes):
            database.execute("delete from nodes where estate = ? and source = ?", (estate, name))
        for name in forgotten:
            database.execute("delete from sources where estate = ? and source = ?", (estate, name))
        database.table("sources").upsert_all(statuses, pk=("estate", "source"))
        database.table("nodes").insert_all(parts, batch_size=4)


def saved_at(*, path: Path | None = None) -> float | None:
    """When any fleet was last saved, seconds since the epoch; None: never. Raises StoreError."""
    with reading(path or default_path()) as connection:
        if connection is None:
            return None
        found: float | None = connection.execute("select max(saved_at) from sources").fetchone()[0]
        return found


def _as_unconfirmed(status: SourceStatus) -> SourceStatus:
    return SourceStatus(
        status.name, status.kind, Health.CONNECTING, confirmed_at=status.confirmed_at, nodes=status.nodes
    )
