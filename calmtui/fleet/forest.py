"""Forest: which row hangs under which, and what is counted beneath each: the outline without folds and order on screen.

A node hangs under its parent when the grouping nests, both are of one source and the parents end
within `DEEPEST` steps; otherwise it stands in its group. Group rows exist while they hold something;
the rows of sources always.
"""

from __future__ import annotations

import bisect
import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from calmtui.fleet.fleet import Fleet
from calmtui.fleet.grouping import BY_SOURCE, Grouping, Order, SortKey, natural
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.row import NOTHING, Row, RowId

Predicate = Callable[[Node], bool]
NONE_KNOWN: Mapping[int, bool] = MappingProxyType({})
DEEPEST = 24
"""Parents above a node before it is drawn in its group instead. No source nests so deep; one may err in a circle."""


class Forest:
    """Rows by id, what each hangs under, their counts; children are sorted when somebody asks for them in order."""

    def __init__(self, fleet: Fleet, grouping: Grouping, order: Order) -> None:
        self.fleet = fleet
        self.grouping = grouping
        self.order = order
        self.predicate: Predicate | None = None
        """The filter, None: all match. Set it with `filter`."""
        self.root = Row("", None)
        self.rows: dict[RowId, Row] = {}
        """Every row by its id, whether or not the filter or a fold hides it."""
        self.emptied: list[Row] = []
        """Groups out of which something was taken, to be looked at by `prune`."""
        self.appeared = False
        """Whether a row that is no match of its own came into sight or went out of it since this was last unset."""

    # -- the whole ----------------------------------------------------------------------

    def build(self, grouping: Grouping) -> None:
        """Put every node of the fleet in its place. The rows that there are stay the same objects."""
        self.grouping, self._read = grouping, grouping.reader()
        with _without_collecting():
            self.root, self.emptied = Row("", None), []
            self.rows = self._node_rows()
            self._hang_all()
            self._count(self.root)

    def _hang_all(self) -> None:
        """Hang every row under its parent's or its group's: the hot loop of the first paint, hence written out."""
        parents: dict[NodeId, _Family] = {}
        groups: dict[tuple[str, ...], _Family] = {}
        nested, read, known = self.grouping.nested, self._read, parents.get
        nodes = self.fleet.nodes
        for node_id, node, row in zip(nodes, nodes.values(), list(self.rows.values()), strict=True):
            family, parent = NOBODY, node.parent
            if nested and parent is not None:
                family = known(parent) or parents.setdefault(parent, _family(self._bearing(parent)))
            above, source, beneath = family
            if source != node.source:
                values = read(node)
                above, _, beneath = groups.get(values) or groups.setdefault(values, _family(self.group(values)))
            row.container = above
            beneath[node_id] = row

    def _node_rows(self) -> dict[RowId, Row]:
        """A row for each node of the fleet, by its id and in its order: the one that there is, with nothing beneath."""
        if not self.rows and self.predicate is None:  # at the start, where a call for each would cost a tenth
            nodes = self.fleet.nodes
            return dict(zip(nodes, map(Row, nodes, nodes.values()), strict=True))
        return {node_id: self._renewed(node) for node_id, node in self.fleet.nodes.items()}

    def _renewed(self, node: Node) -> Row:
        row = self.rows.get(node.id) or Row(node.id, node)
        if row.container is None or row.node is not node:
            row.node, row.sort_key = node, None
            row.match = self.matches(row)
        row.container = row.children = row.order = None
        row.counts = NOTHING
        return row

    def filter(self, predicate: Predicate | None, known: Mapping[int, bool] = NONE_KNOWN) -> None:
        """Have other nodes match. `known`: answers that were worked out before, by `id` of the node."""
        self.predicate = predicate
        answered = known.get
        for row in self.rows.values():
            answer = answered(id(row.node))
            row.match = self.matches(row) if answer is None else answer
        self._count(self.root)

    def reorder(self, order: Order) -> None:
        """Sort siblings by something else."""
        self.order = order
        for row in (self.root, *self.rows.values()):
            row.order = row.sort_key = None

    def _count(self, row: Row) -> None:
        counts: dict[State, int] = {}
        for child in row.children.values() if row.children else ():
            if child.children:
                self._count(child)
                for state, count in child.counts.items():
                    counts[state] = counts.get(state, 0) + count
            node = child.node
            if child.match and node is not None:
                state = node.state
                if state in counts:
                    counts[state] += 1
                else:
                    counts[state] = 1
        row.counts = counts

    # -- where a node belongs --------------------------------------------------------------

    def container(self, node: Node) -> Row:
        """The row under which a node hangs, or its group, which is made when there is none."""
        if self.grouping.nested and node.parent is not None:
            parent = self._bearing(node.parent)
            if parent is not None and parent.node is not None and parent.node.source == node.source:
                return parent
        return self.group_of(node)

    def group_of(self, node: Node) -> Row:
        """The group of a node, whatever its parent; made when there is none."""
        return self.group(self._read(node))

    def group(self, values: tuple[str, ...]) -> Row:
        """The row of a group; made when there is none."""
        row_id = "\0" + "\0".join(values)  # no text from a source holds this character
        row = self.rows.get(row_id)
        if row is None:
            container = self.group(values[:-1]) if len(values) > 1 else self.root
            row = Row(row_id, None, values[-1], len(values) - 1)
            row.match = self.matches(row)
            self.appeared |= row.match
            self.rows[row_id] = row
            self.attach(row, container)
        return row

    def _bearing(self, node_id: NodeId) -> Row | None:
        """The row of a node, if nodes of its source that name it as their parent hang under it."""
        node = self.fleet.nodes.get(node_id)
        return self.rows.get(node.id) if node is not None and self._height(node) + 1 < DEEPEST else None

    def _height(self, node: Node) -> int:
        """How many parents of its source a node has above it, `DEEPEST` at most."""
        nodes, height = self.fleet.nodes, 0
        while height < DEEPEST and node.parent is not None:
            parent = nodes.get(node.parent)
            if parent is None or parent.source != node.source:
                break
            node, height = parent, height + 1
        return height

    # -- one row at a time ---------------------------------------------------------------

    def attach(self, row: Row, container: Row) -> None:
        """Hang a row under another."""
        row.container = container
        if container.children is None:
            container.children = {}
        container.children[row.id] = row
        if container.order is not None:
            bisect.insort(container.order, row, key=self.key)
        self.tally(container, row.worth)

    def detach(self, row: Row) -> None:
        """Take a row away from what it hangs under, with what is beneath it."""
        container = row.container
        assert container is not None
        assert container.children is not None
        del container.children[row.id]
        if container.order is not None:
            del container.order[bisect.bisect_left(container.order, self.key(row), key=self.key)]
        self.tally(container, {state: -count for state, count in row.worth.items()})
        row.container = None
        if container.node is None and not container.children:
            self.emptied.append(container)

    def tally(self, container: Row | None, worth: dict[State, int]) -> None:
        """Add to the counts of a row and of all above it."""
        while container is not None and worth:
            before = container.counts
            counts = {state: before.get(state, 0) + worth.get(state, 0) for state in before.keys() | worth.keys()}
            container.counts = {state: count for state, count in counts.items() if count}
            if bool(before) != bool(container.counts) and not container.match:
                self.appeared = True
            container = container.container

    def matches(self, row: Row) -> bool:
        """Whether a row is shown for its own sake: a match of the filter; a source, when there is no filter."""
        if row.node is None:
            return self.predicate is None and self._lasting(row)
        return self.predicate is None or self.predicate(row.node)

    def show_sources(self) -> None:
        """Have a row for each source, whether or not it has nodes, if the grouping is by source."""
        if self.grouping.levels == BY_SOURCE.levels:
            known = {self.group((name,)) for name in self.fleet.sources}
            for row in known.union(self.root.children.values() if self.root.children else ()):
                row.match = self.matches(row)
                if not row.children:
                    self.emptied.append(row)

    def prune(self) -> None:
        """Take away the groups that hold nothing any more."""
        while self.emptied:
            group = self.emptied.pop()
            if not group.children and not self._lasting(group) and self.rows.pop(group.id, None) is not None:
                self.detach(group)

    def _lasting(self, group: Row) -> bool:
        by_source = self.grouping.levels == BY_SOURCE.levels and group.name in self.fleet.sources
        return by_source or group is self.root

    # -- in order ------------------------------------------------------------------------

    def key(self, row: Row) -> SortKey:
        """The place of a row among its siblings."""
        if row.sort_key is None:
            node = row.node
            row.sort_key = self.order(node) if node else (-1, "~" if not row.name else "", natural(row.name), row.id)
        return row.sort_key

    def sorted(self, row: Row) -> list[Row]:
        """What hangs under a row, in order; the caller leaves it as it is."""
        if row.order is None:
            row.order = sorted(row.children.values(), key=self.key) if row.children else []
        return row.order

    def within(self, row: Row) -> Iterator[Node]:
        """What a row stands for: a node itself; of a group, its matching nodes, not what hangs under those."""
        if row.node is not None:
            yield row.node
            return
        for child in self.sorted(row):
            if child.node is None:
                yield from self.within(child)
            elif child.match:
                yield child.node


class _Family(NamedTuple):
    """A row under which others hang."""

    row: Row
    source: str | None
    """Whose nodes hang there; None of a group."""
    beneath: dict[RowId, Row]


NOBODY = _Family(Row("", None), None, {})
"""Of a node without a parent."""


def _family(row: Row | None) -> _Family:
    if row is None:
        return NOBODY
    if row.children is None:
        row.children = {}
    return _Family(row, row.node.source if row.node else None, row.children)


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Make many objects without the collector walking all of them again and again: half the time at 100,000 nodes."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
