"""Outline: the fleet as a flat list of visible rows, grouped, folded, filtered and sorted.

Made for 100,000 nodes: a change costs the path to the root and, in an unfolded place, one splice of
the list; only many changes at once walk the tree again. Children are sorted when their parent is
first unfolded, not before.

A node hangs under its parent when the grouping nests, both are of one source and the parents end
within `DEEPEST` steps; otherwise it stands in its group. Group rows exist while they hold something;
the rows of sources always.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Collection, Iterator

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.folds import Folds
from calmtui.fleet.grouping import BY_SOURCE, Grouping, Order, SortKey, by_name, natural
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.row import Row, RowId

Predicate = Callable[[Node], bool]
DEEPEST = 24
"""Parents above a node before it is drawn in its group instead. No source nests so deep; one may err in a circle."""
SPLICES = 8
"""Changes of the visible list in one batch that are spliced in; from the next on it is walked again once."""


class Outline:
    """The visible rows over a fleet. Told of changes by `refresh`; reads the fleet as it is then."""

    def __init__(self, fleet: Fleet, grouping: Grouping = BY_SOURCE, order: Order = by_name) -> None:
        self.fleet = fleet
        self.grouping = grouping
        self.rows: list[Row] = []
        """What is visible, from the top."""
        self.census: dict[State, int] = {}
        """All nodes by state, whether the filter shows them or not."""
        self.order = order
        self._predicate: Predicate | None = None
        self._folds = Folds()
        self._build()

    # -- asking -------------------------------------------------------------------

    @property
    def filtered(self) -> bool:
        """Whether a filter is on."""
        return self._predicate is not None

    @property
    def matching(self) -> int:
        """How many nodes the filter lets through."""
        return self._root.total

    def row(self, row_id: RowId) -> Row | None:
        """The row of that id, visible or not."""
        return self._by_id.get(row_id)

    def index(self, row_id: RowId) -> int | None:
        """Where a row stands in `rows`; None when it is not visible."""
        row = self._by_id.get(row_id)
        try:
            return self.rows.index(row) if row is not None else None
        except ValueError:
            return None

    def matches(self) -> Iterator[Node]:
        """Every node that the filter lets through, folded away or not."""
        return (row.node for row in self._by_id.values() if row.node is not None and row.match)

    def within(self, row: Row) -> Iterator[Node]:
        """What a row stands for: a node itself; of a group, its matching nodes, not what hangs under those."""
        if row.node is not None:
            yield row.node
            return
        for child in self._sorted(row):
            if child.node is None:
                yield from self.within(child)
            elif child.match:
                yield child.node

    def is_open(self, row: Row) -> bool:
        """Whether what is beneath a row is visible when the row is."""
        return self._folds.is_open(row, self.grouping.unfolded)

    def next(self, index: int, step: int) -> int | None:
        """The next row from there, down (1) or up (-1): a match of the filter; without a filter, trouble."""
        at = index + step
        while 0 <= at < len(self.rows):
            row = self.rows[at]
            wanted = row.node is not None and row.match if self.filtered else row.troubled
            if wanted:
                return at
            at += step
        return None

    # -- changing what is shown -----------------------------------------------------

    def regroup(self, grouping: Grouping) -> None:
        """Group by something else. What was folded by hand under it before is so again."""
        self.grouping = grouping
        self._build()

    def reorder(self, order: Order) -> None:
        """Sort siblings by something else."""
        self.order = order
        for row in (self._root, *self._by_id.values()):
            row.order = row.sort_key = None
        self._walk_all()

    def filter(self, predicate: Predicate | None) -> None:
        """Show only the nodes that it lets through and what they hang under; None: all."""
        self._predicate = predicate
        self._folds.set_filtered(predicate is not None)
        for row in self._by_id.values():
            row.match = self._matches(row)
        self._count(self._root)
        self._walk_all()

    def fold(self, row: Row, *, opened: bool) -> None:
        """Fold or unfold a row; the rows around it stay."""
        if not row.children or self.is_open(row) == opened:
            return
        index = self.index(row.id)
        if index is not None and not opened:
            del self.rows[index + 1 : index + 1 + len(self._visible_under(row))]
        self._folds.set(row.id, opened=opened)
        if index is not None and opened:
            self.rows[index + 1 : index + 1] = self._visible_under(row)

    def fold_all(self, *, opened: bool) -> None:
        """Fold or unfold everything."""
        self._folds.set_all(opened=opened)
        self._walk_all()

    def reveal(self, row_id: RowId) -> int | None:
        """Unfold what a row hangs under; its index, or None when the filter hides it."""
        row = self._by_id.get(row_id)
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
        known = [(self._by_id[node_id], self.fleet.nodes.get(node_id)) for node_id in ids if node_id in self._by_id]
        # What has another parent lets go of the old one before anything finds its place, or two nodes
        # that changed places would each hang under the other.
        moved = [(row, node) for row, node in known if node and row.node and row.node.parent != node.parent]
        for row, node in moved:
            self._alter(row, node, self._group(self._read(node)))
        for row, after in known:
            if after is None:
                self._remove(row)
        for row, after in known:
            if after is not None and after is not row.node:
                self._alter(row, after, self._container(after))
        for node_id in ids:
            if node_id in self.fleet.nodes and node_id not in self._by_id:
                self._add(self.fleet.nodes[node_id])
        for row, _ in moved:
            self._settle(row)
        self._finish()

    def refresh_sources(self) -> None:
        """Take in that sources were added or taken away: one has a row before it has nodes."""
        if self.grouping.levels == BY_SOURCE.levels:
            known = {self._group((name,)) for name in self.fleet.sources}
            for row in known.union(self._root.children.values() if self._root.children else ()):
                row.match = self._matches(row)
                if not row.children:
                    self._emptied.append(row)
            self._splices = SPLICES + 1
        self._finish()

    def _finish(self) -> None:
        while self._emptied:
            group = self._emptied.pop()
            if not group.children and not self._lasting(group) and self._by_id.pop(group.id, None) is not None:
                self._detach(group)
        if self._splices > SPLICES:
            self._walk_all()
        self._splices = 0

    # -- the tree under the rows --------------------------------------------------------

    def _build(self) -> None:
        self._root = Row("", None)
        self._read = self.grouping.reader()
        self._splices = SPLICES + 1  # nothing is spliced while building
        self._emptied: list[Row] = []
        self._by_id: dict[RowId, Row] = {node_id: Row(node_id, node) for node_id, node in self.fleet.nodes.items()}
        self.census = dict(Counter([node.state for node in self.fleet]))
        for row in list(self._by_id.values()):
            node = row.node
            assert node is not None
            if self._predicate is not None:
                row.match = self._predicate(node)
            container = self._container(node)
            row.container = container
            if container.children is None:
                container.children = {}
            container.children[row.id] = row
        self._count(self._root)
        self.refresh_sources()

    def _container(self, node: Node) -> Row:
        if self.grouping.nested and node.parent is not None:
            parent = self._by_id.get(node.parent)
            if parent is not None and self._hangs(node):
                return parent
        return self._group(self._read(node))

    def _hangs(self, node: Node) -> bool:
        nodes, step = self.fleet.nodes, node
        for _ in range(DEEPEST):
            parent = nodes.get(step.parent) if step.parent is not None else None
            if parent is None or parent.source != node.source:
                return step is not node
            step = parent
        return False

    def _group(self, values: tuple[str, ...]) -> Row:
        row_id = "\0" + "\0".join(values)  # no text from a source holds this character
        row = self._by_id.get(row_id)
        if row is None:
            container = self._group(values[:-1]) if len(values) > 1 else self._root
            row = Row(row_id, None, values[-1], len(values) - 1)
            row.match = self._matches(row)
            self._by_id[row_id] = row
            self._attach(row, container)
        return row

    def _matches(self, row: Row) -> bool:
        if row.node is None:
            return self._predicate is None and self._lasting(row)
        return self._predicate is None or self._predicate(row.node)

    def _add(self, node: Node) -> None:
        row = Row(node.id, node)
        row.match = self._matches(row)
        self._by_id[node.id] = row
        self.census[node.state] = self.census.get(node.state, 0) + 1
        self._attach(row, self._container(node))
        self._settle(row)

    def _remove(self, row: Row) -> None:
        assert row.node is not None
        self.census[row.node.state] -= 1
        del self._by_id[row.id]
        self._settle(row)  # what hangs under it, while it still has its place
        self._detach(row)

    def _alter(self, row: Row, node: Node, container: Row) -> None:
        old = row.node
        assert old is not None
        self.census[old.state] -= 1
        self.census[node.state] = self.census.get(node.state, 0) + 1
        matched = self._predicate is None or self._predicate(node)
        if container is not row.container or matched != row.match or self.order(node) != self.order(old):
            self._detach(row)
            row.node, row.match, row.sort_key = node, matched, None
            self._attach(row, container)
        else:
            row.node = node
            if node.state != old.state and matched:
                self._tally(row.container, {old.state: -1, node.state: 1})

    def _settle(self, row: Row) -> None:
        """Move a row, and what names it as its parent at any depth, to where they belong now."""
        pending, seen = [row], {row.id}
        while pending:
            row = pending.pop()
            if row.node is not None and row.id in self._by_id:
                container = self._container(row.node)
                if container is not row.container:
                    self._detach(row)
                    self._attach(row, container)
            if self.grouping.nested:
                beneath = self.fleet.children.get(row.id, set()) - seen
                seen |= beneath
                pending += [self._by_id[child_id] for child_id in beneath if child_id in self._by_id]

    def _attach(self, row: Row, container: Row) -> None:
        row.container = container
        if container.children is None:
            container.children = {}
        container.children[row.id] = row
        if container.order is not None:
            bisect.insort(container.order, row, key=self._key)
        self._tally(container, row.worth)
        if self._splicing(row):
            at = self._index_of(row)
            self.rows[at:at] = [row, *(self._visible_under(row) if self.is_open(row) else ())]

    def _detach(self, row: Row) -> None:
        container = row.container
        assert container is not None
        assert container.children is not None
        if self._splicing(row):
            at = self.rows.index(row)
            del self.rows[at : at + 1 + (len(self._visible_under(row)) if self.is_open(row) else 0)]
        del container.children[row.id]
        if container.order is not None:
            del container.order[bisect.bisect_left(container.order, self._key(row), key=self._key)]
        self._tally(container, {state: -count for state, count in row.worth.items()})
        row.container = None
        if container.node is None and not container.children:
            self._emptied.append(container)

    def _lasting(self, group: Row) -> bool:
        by_source = self.grouping.levels == BY_SOURCE.levels and group.name in self.fleet.sources
        return by_source or group is self._root

    def _splicing(self, row: Row) -> bool:
        """Whether to change the visible list for this row now; counts it, so that many are left to one walk."""
        if not row.shown or self._splices > SPLICES:
            return False
        above = row.container
        while above is not self._root:
            assert above is not None
            if not self.is_open(above):
                return False
            above = above.container
        self._splices += 1
        return self._splices <= SPLICES

    def _index_of(self, row: Row) -> int:
        """Where a row that is not yet in the list belongs, its container being visible and unfolded."""
        container = row.container
        assert container is not None
        before = None
        siblings = self._sorted(container)
        at = bisect.bisect_left(siblings, self._key(row), key=self._key)
        while at and before is None:
            at -= 1
            if siblings[at].shown:
                before = siblings[at]
        if before is None:
            return 0 if container is self._root else self.rows.index(container) + 1
        under = len(self._visible_under(before)) if self.is_open(before) else 0
        return self.rows.index(before) + 1 + under

    def _tally(self, container: Row | None, worth: dict[State, int]) -> None:
        """Add to the counts of a row and of all above it. One that thereby appears or vanishes needs a walk."""
        while container is not None and worth:
            counts, was = container.counts, bool(container.counts)
            for state, more in worth.items():
                count = counts.get(state, 0) + more
                if count:
                    counts[state] = count
                else:
                    del counts[state]
            if was != bool(counts) and not container.match:
                self._splices = SPLICES + 1
            container = container.container

    def _count(self, row: Row) -> None:
        counts: dict[State, int] = {}
        for child in row.children.values() if row.children else ():
            if child.children:
                self._count(child)
                for state, count in child.counts.items():
                    counts[state] = counts.get(state, 0) + count
            if child.node is not None and child.match:
                state = child.node.state
                counts[state] = counts.get(state, 0) + 1
        row.counts = counts

    # -- the list -----------------------------------------------------------------------

    def _key(self, row: Row) -> SortKey:
        if row.sort_key is None:
            node = row.node
            row.sort_key = self.order(node) if node else (-1, "~" if not row.name else "", natural(row.name), row.id)
        return row.sort_key

    def _sorted(self, row: Row) -> list[Row]:
        if row.order is None:
            row.order = sorted(row.children.values(), key=self._key) if row.children else []
        return row.order

    def _walk_all(self) -> None:
        self.rows = self._visible_under(self._root)

    def _visible_under(self, row: Row) -> list[Row]:
        """The visible rows beneath a row that is unfolded."""
        found: list[Row] = []
        for child in self._sorted(row):
            if child.match or child.counts:  # `shown`, written out: this is the hot loop
                found.append(child)
                if child.children and self.is_open(child):
                    found += self._visible_under(child)
        return found
