"""Outline: the fleet as a flat list of visible rows, grouped, folded, filtered and sorted.

Made for 100,000 nodes: a change costs the path to the root and, in an unfolded place, one splice of
the list; only many changes at once walk the tree again. What hangs under what is the forest's.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Collection, Iterator

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.folds import Folds
from calmtui.fleet.forest import Forest, Predicate
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
        return self._forest.row(row_id)

    def shows(self, node_id: NodeId) -> bool:
        """Whether the filter lets a node through, folded away or not."""
        return node_id in self._forest.nodes and self._forest.lets_through(node_id)

    def index(self, row_id: RowId) -> int | None:
        """Where a row stands in `rows`; None when it is not visible."""
        row = self._forest.rows.get(row_id)
        if row is None:
            return None
        at = self._place(row)
        return at if at < len(self.rows) and self.rows[at] is row else None

    def matches(self) -> Iterator[Node]:
        """Every node that the filter lets through, folded away or not."""
        return (node for node_id, node in self._forest.nodes.items() if self._forest.lets_through(node_id))

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

    def filter(self, predicate: Predicate | None, matching: set[NodeId] | None = None) -> None:
        """Show only the nodes that it lets through and what they hang under; None: all.

        `matching`: ids of those nodes, when they have been worked out already; it is the outline's from then on.
        """
        self._forest.filter(predicate, matching)
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
        row = self._forest.row(row_id)
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
        nodes, forest = self.fleet.nodes, self._forest
        known = [(before, nodes.get(node_id)) for node_id in ids if (before := forest.nodes.get(node_id)) is not None]
        # What has another parent lets go of the old one before anything finds its place, or two nodes
        # that changed places would each hang under the other.
        moved = [(before, node) for before, node in known if node is not None and before.parent != node.parent]
        for before, node in moved:
            self._alter(before, node, forest.group_of(node))
        gone = [before for before, after in known if after is None]
        for node in gone:
            self._remove(node)
        forest.forget(gone)
        for before, after in known:
            if after is not None and after is not forest.nodes.get(after.id):
                self._alter(before, after, forest.container(after))
        for node_id in ids:
            if node_id in nodes and node_id not in forest.nodes:
                self._add(nodes[node_id])
        for _, node in moved:
            self._settle(node.id)
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
        self._forest.match(node.id, matched=self._matches(node))
        self.census[node.state] = self.census.get(node.state, 0) + 1
        self._attach(node, self._forest.container(node))
        self._settle(node.id)

    def _remove(self, node: Node) -> None:
        self.census[node.state] -= 1
        self._settle(node.id)  # what hangs under it, while it still has its place
        self._detach(node)

    def _alter(self, before: Node, node: Node, container: Row) -> None:
        forest, row = self._forest, self._forest.rows.get(node.id)
        matched = self._matches(node)
        self.census[before.state] -= 1
        self.census[node.state] = self.census.get(node.state, 0) + 1
        moves = container is not forest.holder(before) or matched != forest.lets_through(node.id)
        if moves or (row is not None and self.order(node) != forest.key(row)):
            self._detach(before)
            forest.match(node.id, matched=matched)
            if row is not None:
                row.node, row.sort_key = node, None
            self._attach(node, container)
        else:
            forest.replace(before, node)

    def _matches(self, node: Node) -> bool:
        return self._forest.predicate is None or self._forest.predicate(node)

    def _settle(self, node_id: NodeId) -> None:
        """Move a node, and what names it as its parent at any depth, to where they belong now."""
        pending, seen, forest = [node_id], {node_id}, self._forest
        while pending:
            node_id = pending.pop()
            node = forest.nodes.get(node_id)
            if node is not None and node_id in self.fleet.nodes:
                container = forest.container(node)
                if container is not forest.holder(node):
                    self._detach(node)
                    self._attach(node, container)
            if self.grouping.nested:
                beneath = self.fleet.children.get(node_id, {}).keys() - seen
                seen |= beneath
                pending += beneath

    # -- the list -----------------------------------------------------------------------

    def _attach(self, node: Node, container: Row) -> None:
        self._forest.attach(node, container)
        if self._splicing(node.id, container) and (row := self._forest.row(node.id)) is not None:
            at = self._place(row)
            self.rows[at:at] = [row, *(self._visible_under(row) if self.is_open(row) else ())]

    def _detach(self, node: Node) -> None:
        row = self._forest.rows.get(node.id)
        if row is not None and self._splicing(node.id, self._forest.holder(node)):
            at = self._place(row)
            del self.rows[at : at + 1 + (len(self._visible_under(row)) if self.is_open(row) else 0)]
        self._forest.detach(node)

    def _splicing(self, node_id: NodeId, above: Row | None) -> bool:
        """Whether to change the visible list for this node now; counts it, so that many are left to one walk."""
        row = self._forest.rows.get(node_id)
        shown = row.shown if row is not None else self._forest.lets_through(node_id)
        if not shown or self._splices > SPLICES or self._forest.appeared:
            return False
        while above is not self._forest.root:
            if above is None or not self.is_open(above):  # None: what it hangs under is gone in the same batch
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
