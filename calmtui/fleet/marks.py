"""Marks: the ids that the operator has marked. They outlive filters, refreshes and the nodes themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from calmtui.fleet.node import NodeId
from calmtui.fleet.row import Row


class Marks(AbstractSet[NodeId]):
    """A set of node ids that remembers where marking last happened."""

    def __init__(self, ids: Iterable[NodeId] = ()) -> None:
        self._ids = set(ids)
        self._last: NodeId | None = None

    def __contains__(self, node_id: object) -> bool:
        return node_id in self._ids

    def __iter__(self) -> Iterator[NodeId]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    @classmethod
    def _from_iterable(cls, it: Iterable[NodeId]) -> set[NodeId]:  # type: ignore[override]  # `&` of marks is a set
        return set(it)

    def toggle(self, ids: Sequence[NodeId]) -> None:
        """Mark these; when all of them are marked already, unmark them."""
        if self._ids.issuperset(ids):
            self._ids.difference_update(ids)
        else:
            self._ids.update(ids)
        self._last = ids[-1] if ids else self._last

    def span(self, rows: Sequence[Row], at: int) -> None:
        """Mark every node from the one marked last to the row `at`; only that row when none was, or it is hidden."""
        begin = next((index for index, row in enumerate(rows) if row.id == self._last), at)
        first, last = sorted((begin, at))
        self._ids.update(row.id for row in rows[first : last + 1] if row.node is not None and row.match)
        self._last = rows[at].id

    def put(self, ids: Iterable[NodeId]) -> None:
        """Mark these too."""
        self._ids.update(ids)

    def invert(self, ids: Iterable[NodeId]) -> None:
        """Of these, mark what is not marked and unmark what is."""
        self._ids.symmetric_difference_update(ids)

    def replace(self, ids: Iterable[NodeId]) -> None:
        """Mark these and nothing else."""
        self._ids = set(ids)
        self._last = None
