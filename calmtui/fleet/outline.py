"""Outline: the fleet as a flat list of visible rows, grouped, folded, filtered and sorted.

Made for 100,000 nodes: a change costs the path to the root and, in an unfolded place, one splice of
the list; only many changes at once walk the tree again. What hangs under what is the forest's.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.folds import Folds
from calmtui.fleet.forest import NONE_KNOWN, Forest, Predicate
from calmtui.fleet.grouping import BY_SOURCE, Grouping, Order, SortKey, by_name
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.row import Row, RowId

SPLICES = 32
"""Changes of the visible list in one batch that are spliced in; from the next on it is walked again once."""


class Outline:
    """The visible rows over a fleet. Told of changes by `refresh`; reads the fleet as it is then."""

    def __init__(
        self, fleet: Fleet, grouping: Grouping = BY_SOURCE, order: Order = by_name, folds: Folds | None = None
    ) -> None:
        self.fleet = fleet
        self.rows: list[Row] = []
        """What is visible, from the top."""
        self.census: dict[State, int] = {}
        """All nodes by state, whether the filter shows them or not."""
        self.folds = folds or Folds()
        """What was folded and unfolded."""
        self._forest = Forest(fleet, grouping, order)
        self._splices = 0
        self._build(grouping)

    # -- asking -------------------------------------------------------------------

    @property
    def grouping(self) -> Grouping:
        """By what it is grouped."""
        return self._forest.grouping

    @property
    def order(self) -> Order:
        """By what siblings are sorted."""
        return self._forest.order

    @property
    def filtered(self) -> bool:
        """Whether a filter is on."""
        return self._forest.predicate is not None

    @property
    def matching(self) -> int:
        """How many nodes the filter lets through."""
        return self._forest.root.total

    def row(self, row_id: RowId) -> Row | None:
        """The row of that id, visible or not."""
        return self._forest.rows.get(row_id)

    def index(self, row_id: RowId) -> int | None:
        """Where a row stands in `rows`; None when it is not visible."""
        row = self._forest.rows.get(row_id)
        if row is None:
            return None
        at = self._place(row)
        return at if at < len(self.rows) and self.rows[at] is row else None

    def matches(self) -> Iterator[Node]:
        """Every node that the filter lets through, folded away or not."""
        return (row.node for row in self._forest.rows.values() if row.node is not None and row.match)

    def within(self, row: Row) -> Iterator[Node]:
        """What a row stands for: a node itself; of a group, its matching nodes, not what hangs under those."""
        return self._forest.within(row)

    def is_open(self, row: Row) -> bool:
        """Whether what is beneath a row is visible when the row is."""
        return self.folds.is_open(row, self.grouping.unfolded)

    def next(self, index: int, step: int) -> int | None:
        """The next row from there, down (1) or up (-1): a match of the filter; without a filter, trouble.

        A folded row stands for the matches beneath it.
        """
        at = index + step
        while 0 <= at < len(self.rows):
            if self._wanted(self.rows[at]):
                return at
            at += step
        return None

    def _wanted(self, row: Row) -> bool:
        if not self.filtered:
            return row.troubled
        return (row.node is not None and row.match) or (bool(row.counts) and not self.is_open(row))

    # -- changing what is shown -----------------------------------------------------

    def regroup(self, grouping: Grouping) -> None:
        """Group by something else. What was folded by hand under it before is so again."""
        self._build(grouping)

    def reorder(self, order: Order) -> None:
        """Sort siblings by something else."""
        self._forest.reorder(order)
        self._walk_all()

    def filter(self, predicate: Predicate | None, known: Mapping[int, bool] = NONE_KNOWN) -> None:
        """Show only the nodes that it lets through and what they hang under; None: all.

        `known`: answers of the predicate that were worked out before, by `id` of the node.
        """
        self._forest.filter(predicate, known)
        self.folds.set_filtered(predicate is not None, self.matching)
        self._walk_all()

    def fold(self, row: Row, *, opened: bool) -> None:
        """Fold or unfold a row; the rows around it stay."""
        if not row.children or self.is_open(row) == opened:
            return
        index = self.index(row.id)
        if index is not None and not opened:
            del self.rows[index + 1 : index + 1 + len(self._visible_under(row))]
        self.folds.set(row.id, opened=opened)
        if index is not None and opened:
            self.rows[index + 1 : index + 1] = self._visible_under(row)

    def fold_all(self, *, opened: bool) -> None:
        """Fold or unfold everything."""
        self.folds.set_all(opened=opened)
        self._walk_all()

    def reveal(self, row_id: RowId) -> int | None:
        """Unfold what a row hangs under; its index, or None when the filter hides it."""
        row = self._forest.rows.get(row_id)
        above = []
        while row is not None and row.container is not None:
            row = row.container
            above.append(row)
        for container in reversed(above[:-1]):
            self.fold(container, opened=True)
        return self.index(row_id)

    # -- following the fleet ----------------------------------------------------------

    def refresh(self, ids: Collection[NodeId]) -> None:
        """Take in that the nodes of these ids were added, altered or are gone: all that changed since the last time."""
        rows, nodes, forest = self._forest.rows, self.fleet.nodes, self._forest
        known = [(rows[node_id], nodes.get(node_id)) for node_id in ids if node_id in rows]
        # What has another parent lets go of the old one before anything finds its place, or two nodes
        # that changed places would each hang under the other.
        moved = [(row, node) for row, node in known if node and row.node and row.node.parent != node.parent]
        for row, node in moved:
            self._alter(row, node, forest.group_of(node))
        for row, after in known:
            if after is None:
                self._remove(row)
        for row, after in known:
            if after is not None and after is not row.node:
                self._alter(row, after, forest.container(after))
        for node_id in ids:
            if node_id in nodes and node_id not in rows:
                self._add(nodes[node_id])
        for row, _ in moved:
            self._settle(row)
        self._finish()

    def refresh_sources(self) -> None:
        """Take in that sources were added or taken away: one has a row before it has nodes."""
        self._forest.show_sources()
        self._finish()

    def _finish(self) -> None:
        self._forest.prune()
        if self._splices > SPLICES or self._forest.appeared:
            self._walk_all()
        self._splices = 0

    def _build(self, grouping: Grouping) -> None:
        self._forest.build(grouping)
        self._forest.show_sources()
        self._forest.prune()
        root = self._forest.root
        self.census = dict(Counter([node.state for node in self.fleet]) if self.filtered else root.counts)
        self._walk_all()

    def _add(self, node: Node) -> None:
        row = Row(node.id, node)
        row.match = self._forest.matches(row)
        self._forest.rows[node.id] = row
        self.census[node.state] = self.census.get(node.state, 0) + 1
        self._attach(row, self._forest.container(node))
        self._settle(row)

    def _remove(self, row: Row) -> None:
        assert row.node is not None
        self.census[row.node.state] -= 1
        del self._forest.rows[row.id]
        self._settle(row)  # what hangs under it, while it still has its place
        self._detach(row)

    def _alter(self, row: Row, node: Node, container: Row) -> None:
        old, forest = row.node, self._forest
        assert old is not None
        self.census[old.state] -= 1
        self.census[node.state] = self.census.get(node.state, 0) + 1
        matched = forest.predicate is None or forest.predicate(node)
        if container is not row.container or matched != row.match or self.order(node) != forest.key(row):
            self._detach(row)
            row.node, row.match, row.sort_key = node, matched, None
            self._attach(row, container)
        else:
            row.node = node
            if node.state != old.state and matched:
                forest.tally(row.container, {old.state: -1, node.state: 1})

    def _settle(self, row: Row) -> None:
        """Move a row, and what names it as its parent at any depth, to where they belong now."""
        rows = self._forest.rows
        pending, seen = [row], {row.id}
        while pending:
            row = pending.pop()
            if row.node is not None and row.id in rows:
                container = self._forest.container(row.node)
                if container is not row.container:
                    self._detach(row)
                    self._attach(row, container)
            if self.grouping.nested:
                beneath = self.fleet.children.get(row.id, {}).keys() - seen
                seen |= beneath
                pending += [rows[child_id] for child_id in beneath if child_id in rows]

    # -- the list -----------------------------------------------------------------------

    def _attach(self, row: Row, container: Row) -> None:
        self._forest.attach(row, container)
        if self._splicing(row):
            at = self._place(row)
            self.rows[at:at] = [row, *(self._visible_under(row) if self.is_open(row) else ())]

    def _detach(self, row: Row) -> None:
        if self._splicing(row):
            at = self._place(row)
            del self.rows[at : at + 1 + (len(self._visible_under(row)) if self.is_open(row) else 0)]
        self._forest.detach(row)

    def _splicing(self, row: Row) -> bool:
        """Whether to change the visible list for this row now; counts it, so that many are left to one walk."""
        if not row.shown or self._splices > SPLICES or self._forest.appeared:
            return False
        above = row.container
        while above is not self._forest.root:
            assert above is not None
            if not self.is_open(above):
                return False
            above = above.container
        self._splices += 1
        return self._splices <= SPLICES

    def _place(self, row: Row) -> int:
        """Where a row stands in the list, or belongs: the list is in the order of the paths that lead to its rows."""
        return bisect.bisect_left(self.rows, self._path(row), key=self._path)

    def _path(self, row: Row) -> list[SortKey]:
        """What a row and those that it hangs under are sorted by, the outermost first."""
        path = []
        while row.container is not None:
            path.append(self._forest.key(row))
            row = row.container
        return path[::-1]

    def _walk_all(self) -> None:
        self.rows = self._visible_under(self._forest.root)
        self._forest.appeared = False

    def _visible_under(self, row: Row) -> list[Row]:
        """The visible rows beneath a row that is unfolded."""
        found: list[Row] = []
        for child in self._forest.sorted(row):
            if child.match or child.counts:  # `shown`, written out: this is the hot loop
                found.append(child)
                if child.children and self.is_open(child):
                    found += self._visible_under(child)
        return found
