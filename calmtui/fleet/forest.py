"""Forest: which node hangs under which row, and what is counted beneath each: the outline without folds.

A node hangs under its parent when the grouping nests, both are of one source and the parents end
within `DEEPEST` steps; otherwise it stands in its group. Group rows exist while they hold something;
the rows of sources always. A node has a row of its own once something hangs under it or it stands in
an unfolded place: nine of ten never do.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from operator import attrgetter

from calmtui.fleet.collecting import without_collecting
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.grouping import BY_SOURCE, Grouping, Order, SortKey, group_key
from calmtui.fleet.nesting import DEEPEST, height
from calmtui.fleet.node import Node, NodeId, State
from calmtui.fleet.row import NOTHING, Row, RowId

Predicate = Callable[[Node], bool]


class Forest:
    """The nodes as they were last taken in, by the row that they hang under; sorted when somebody asks for an order."""

    def __init__(self, fleet: Fleet, grouping: Grouping, order: Order) -> None:
        self.fleet = fleet
        self.grouping = grouping
        self.order = order
        self.predicate: Predicate | None = None
        """The filter, None: all match. Set it with `filter`."""
        self.matching: set[NodeId] | None = None
        """Ids of the nodes that the filter lets through; None: all."""
        self.root = Row("", None)
        self.nodes: dict[NodeId, Node] = {}
        """Every node as it was last taken in."""
        self.rows: dict[RowId, Row] = {}
        """The rows there are by now, whether or not the filter or a fold hides them."""
        self.emptied: list[Row] = []
        """Groups out of which something was taken, to be looked at by `prune`."""
        self.appeared = False
        """Whether a row that is no match of its own came into sight or went out of it since this was last unset."""

    # -- the whole ----------------------------------------------------------------------

    def build(self, grouping: Grouping) -> None:
        """Put every node of the fleet in its place. Rows of nodes that there are stay the same objects."""
        self.grouping, self._read = grouping, grouping.reader()
        with without_collecting():
            self._match_what_changed()
            self.nodes = dict(self.fleet.nodes)
            self.root, self.emptied = Row("", None), []
            self._renew_rows()
            self._put_in_groups(self._nest() if grouping.nested else self.nodes.values())
            self._count()

    def _match_what_changed(self) -> None:
        """Before everything is put elsewhere: ask the filter about what changed since the last refresh."""
        if self.matching is None or self.predicate is None:
            return
        for node_id, node in self.fleet.nodes.items():
            if self.nodes.get(node_id) is not node:
                self.match(node_id, matched=self.predicate(node))

    def _renew_rows(self) -> None:
        """Keep the rows of the nodes that there are, each taken away from where it was."""
        nodes, kept = self.nodes, dict[RowId, Row]()
        for row_id, row in self.rows.items():
            node = nodes.get(row_id)
            if node is not None:
                if node is not row.node:
                    row.node, row.sort_key = node, None
                if row.children is not None or row.order is not None:
                    row.children, row.order, row.counts = None, None, NOTHING
                row.container = None
                kept[row_id] = row
        self.rows = kept

    def _nest(self) -> list[Node]:
        """Hang nodes under their parents; those that do not."""
        strays: list[Node] = []
        bearing: set[NodeId] = set()
        for parent_id, children in self.fleet.children.items():
            parent = self.nodes.get(parent_id)
            if parent is not None and height(self.fleet, parent) + 1 < DEEPEST:
                source = parent.source
                others = [node for node in children.values() if node.source != source]
                beneath: dict[RowId, Node | None] = dict(children)
                for node in others:
                    del beneath[node.id]
                row = self.rows.get(parent_id) or self._made(parent)
                row.children = beneath
                strays += others
                bearing.add(parent_id)
        return strays + [node for node in self.nodes.values() if node.parent not in bearing]

    def _put_in_groups(self, nodes: Iterable[Node]) -> None:
        """Put what hangs under no parent in its group."""
        read = self._read
        groups: dict[tuple[str, ...], dict[RowId, Node | None]] = {}
        for node in nodes:
            values = read(node)
            beneath = groups.get(values)
            if beneath is None:
                beneath = groups[values] = self._room(self.group(values))
            beneath[node.id] = node
        for row in self.rows.values():
            if row.node is not None and row.children:
                row.container = self.holder(row.node)

    def filter(self, predicate: Predicate | None, matching: set[NodeId] | None = None) -> None:
        """Have other nodes match. `matching`: ids of those, when they have been worked out already."""
        self.predicate, self.matching = predicate, matching
        if predicate is not None and matching is None:
            self.matching = {node_id for node_id, node in self.fleet.nodes.items() if predicate(node)}
        found = self.nodes if self.matching is None else self.matching
        for row_id, row in self.rows.items():
            row.match = row_id in found if row.node is not None else self.matches(row)
        self._count()

    def reorder(self, order: Order) -> None:
        """Sort siblings by something else."""
        self.order = order
        for row in (self.root, *self.rows.values()):
            row.order = row.sort_key = None

    def _count(self) -> None:
        bearing: dict[RowId, list[Row]] = {}
        for row in self.rows.values():
            if row.children and row.container is not None:
                bearing.setdefault(row.container.id, []).append(row)
        self._count_beneath(self.root, bearing)

    def _count_beneath(self, row: Row, bearing: dict[RowId, list[Row]]) -> Mapping[State, int]:
        counts = dict[State, int]()
        for node in self._matching_under(row.children or {}):
            if node is not None:
                counts[node.state] = counts.get(node.state, 0) + 1
        for child in bearing.get(row.id, ()):
            for state, count in self._count_beneath(child, bearing).items():
                counts[state] = counts.get(state, 0) + count
        row.counts = counts
        return counts

    def _matching_under(self, children: Mapping[RowId, Node | None]) -> Collection[Node | None]:
        among = self.matching
        return children.values() if among is None else [node for node_id, node in children.items() if node_id in among]

    # -- where a node belongs --------------------------------------------------------------

    def container(self, node: Node) -> Row:
        """The row under which a node hangs, or its group, which is made when there is none."""
        if self.grouping.nested and node.parent is not None:
            parent = self.fleet.nodes.get(node.parent)
            if parent is not None and parent.source == node.source and height(self.fleet, parent) + 1 < DEEPEST:
                row = self.row(parent.id)
                if row is not None:
                    return row
        return self.group_of(node)

    def holder(self, node: Node) -> Row:
        """The row under which a node hangs now, given as it was last taken in."""
        row = self.rows.get(node.parent) if node.parent is not None else None
        return row if row is not None and row.children and node.id in row.children else self.group_of(node)

    def group_of(self, node: Node) -> Row:
        """The group of a node, whatever its parent; made when there is none."""
        return self.group(self._read(node))

    def group(self, values: tuple[str, ...]) -> Row:
        """The row of a group; made when there is none."""
        row_id = "\0" + "\0".join(values)  # no text from a source holds this character
        row = self.rows.get(row_id)
        if row is None:
            container = self.group(values[:-1]) if len(values) > 1 else self.root
            row = self.rows[row_id] = Row(row_id, None, values[-1], len(values) - 1)
            row.match = self.matches(row)
            self.appeared |= row.match
            self._room(container)[row_id] = None
            self._insert(row, container)
        return row

    # -- one at a time -------------------------------------------------------------------

    def row(self, row_id: RowId) -> Row | None:
        """The row of a group or of a node, which is made when it had none; None when there is no such thing."""
        row, node = self.rows.get(row_id), self.nodes.get(row_id)
        if row is None and node is not None:
            row = self._made(node)
        if row is not None and row.container is None and node is not None:
            row.container = self.holder(node)
        return row

    def _made(self, node: Node) -> Row:
        row = self.rows[node.id] = Row(node.id, node)
        row.match = self.lets_through(node.id)
        return row

    def _room(self, row: Row) -> dict[RowId, Node | None]:
        if row.children is None:
            row.children = {}
        return row.children

    def attach(self, node: Node, container: Row) -> None:
        """Hang a node under a row."""
        self.nodes[node.id] = self._room(container)[node.id] = node
        row = self.rows.get(node.id)
        if row is None and container.order is not None:
            row = self._made(node)
        if row is not None:
            self._insert(row, container)
        self.tally(container, self._worth(node))

    def _insert(self, row: Row, container: Row) -> None:
        row.container = container
        if container.order is not None:
            bisect.insort(container.order, row, key=self.key)

    def detach(self, node: Node) -> None:
        """Take a node, given as it was last taken in, away from where it hangs, with what is beneath it."""
        container = self.holder(node)
        self._take_out(node.id, container)
        self.tally(container, {state: -count for state, count in self._worth(node).items()})

    def _take_out(self, row_id: RowId, container: Row) -> None:
        row = self.rows.get(row_id)
        del self._room(container)[row_id]
        if row is not None:
            if container.order is not None:
                del container.order[bisect.bisect_left(container.order, self.key(row), key=self.key)]
            row.container = None
        if container.node is None and not container.children:
            self.emptied.append(container)

    def replace(self, before: Node, node: Node) -> None:
        """Have a node as it is now: nothing that places it differs from what it was."""
        container, row = self.holder(before), self.rows.get(node.id)
        self.nodes[node.id] = self._room(container)[node.id] = node
        if row is not None:
            row.node = node
        if before.state != node.state and self.lets_through(node.id):
            self.tally(container, {before.state: -1, node.state: 1})

    def forget(self, nodes: Iterable[Node]) -> None:
        """Let go of nodes that hang nowhere any more; all of a batch at once, for some hung under others."""
        for node in nodes:
            del self.nodes[node.id]
            self.rows.pop(node.id, None)
            if self.matching is not None:
                self.matching.discard(node.id)

    def tally(self, container: Row | None, worth: Mapping[State, int]) -> None:
        """Add to the counts of a row and of all above it."""
        while container is not None and worth:
            before = container.counts
            counts = {state: before.get(state, 0) + worth.get(state, 0) for state in before.keys() | worth.keys()}
            container.counts = {state: count for state, count in counts.items() if count}
            if bool(before) != bool(container.counts) and not container.match:
                self.appeared = True
            container = container.container

    def _worth(self, node: Node) -> dict[State, int]:
        """What a node adds to the counts above it: itself and what is beneath it."""
        row = self.rows.get(node.id)
        worth = dict(row.counts) if row is not None else {}
        if self.lets_through(node.id):
            worth[node.state] = worth.get(node.state, 0) + 1
        return worth

    # -- what the filter says -------------------------------------------------------------

    def lets_through(self, node_id: NodeId) -> bool:
        """Whether a node is a match of the filter."""
        return self.matching is None or node_id in self.matching

    def match(self, node_id: NodeId, *, matched: bool) -> None:
        """Have a node be a match, or none; it hangs under nothing at the time."""
        if self.matching is not None:
            (self.matching.add if matched else self.matching.discard)(node_id)
        if (row := self.rows.get(node_id)) is not None:
            row.match = matched

    def matches(self, row: Row) -> bool:
        """Whether a row is shown for its own sake: a match of the filter; a source, when there is no filter."""
        if row.node is None:
            return self.predicate is None and self._lasting(row)
        return self.lets_through(row.id)

    def show_sources(self) -> None:
        """Have a row for each source, whether or not it has nodes, if the grouping is by source."""
        if self.grouping.levels == BY_SOURCE.levels:
            known = {self.group((name,)) for name in self.fleet.sources}
            for row in known.union(map(self.rows.__getitem__, self.root.children or ())):
                row.match = self.matches(row)
                if not row.children:
                    self.emptied.append(row)

    def prune(self) -> None:
        """Take away the groups that hold nothing any more."""
        while self.emptied:
            group = self.emptied.pop()
            if not group.children and not self._lasting(group) and group.container is not None:
                self._take_out(group.id, group.container)
                del self.rows[group.id]

    def _lasting(self, group: Row) -> bool:
        by_source = self.grouping.levels == BY_SOURCE.levels and group.name in self.fleet.sources
        return by_source or group is self.root

    # -- in order ------------------------------------------------------------------------

    def key(self, row: Row) -> SortKey:
        """The place of a row among its siblings."""
        if row.sort_key is None:
            node = row.node
            row.sort_key = self.order(node) if node is not None else group_key(row.name, row.id)
        return row.sort_key

    def sorted(self, row: Row) -> list[Row]:
        """What hangs under a row, in order; the caller leaves it as it is."""
        if row.order is None:
            row.order = self._rows_under(row)
            row.order.sort(key=attrgetter("sort_key"))
        return row.order

    def _rows_under(self, row: Row) -> list[Row]:
        made, all_match, under = self.rows, self.matching is None, []
        for child_id, node in (row.children or {}).items():
            child = made.get(child_id)
            if child is None:
                child = made[child_id] = Row(child_id, node, match=all_match or self.lets_through(child_id))
            if child.sort_key is None:
                self.key(child)
            child.container = row
            under.append(child)
        return under

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
