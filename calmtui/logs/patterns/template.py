"""What is counted of one template while lines come, and the picture of it that is given out."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Origin

if TYPE_CHECKING:
    from drain3.drain import LogCluster

MAX_LINES = 20
"""Newest lines of a template that are remembered."""
MAX_EXEMPLAR = 500
"""Characters of an exemplar."""

LineRef = tuple[int, Origin, int]
"""Time, origin and number of a line, as `logs.line.key` has them."""


class Template(msgspec.Struct, frozen=True):
    """A pattern, and how often, when and where it was seen."""

    number: int
    """Its name as long as the table lives."""
    text: str
    """The words that its lines share; `<num>`, `<ip>` and so on for what varies, `<*>` for words that differ."""
    level: Level
    """Of the gravest of its lines."""
    count: int
    first: int
    last: int
    """Times of its oldest and newest line, nanoseconds since the epoch."""
    nodes: dict[str, int]
    """Lines by node id."""
    exemplar: str
    """The first of its lines that came."""
    lines: tuple[LineRef, ...]
    """The newest of its lines, oldest first."""


class Tally:
    """What is counted of one template."""

    __slots__ = ("cluster", "count", "exemplar", "first", "last", "level", "lines", "nodes", "number", "seen", "text")

    def __init__(self, number: int, text: str) -> None:
        self.number = number
        self.text = text
        self.cluster: LogCluster | None = None
        """Its cluster, unless it is the pattern of a request or a row for what has no pattern."""
        self.seen = 0
        """How many lines had been fed with the last of its own."""
        self.count = 0
        self.first = self.last = 0
        self.level = Level.NONE
        self.nodes: dict[str, int] = {}
        self.exemplar = ""
        self.lines: deque[LineRef] = deque(maxlen=MAX_LINES)

    def add(self, line: LogLine, fed: int) -> None:
        """Count a line, the `fed`th of the table's."""
        at = line.at
        if not self.count:
            self.first = self.last = at
            self.exemplar = line.text[:MAX_EXEMPLAR]
        elif at > self.last:
            self.last = at
        elif at < self.first:
            self.first = at
        self.count += 1
        self.seen = fed
        if line.level > self.level:
            self.level = line.level
        node = line.origin.node_id
        self.nodes[node] = self.nodes.get(node, 0) + 1
        self.lines.append((at, line.origin, line.seq))

    def join(self, other: Tally) -> None:
        """Count another's lines as one's own."""
        if not self.count:
            self.first, self.last, self.exemplar = other.first, other.last, other.exemplar
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.count += other.count
        self.seen = max(self.seen, other.seen)
        self.level = max(self.level, other.level)
        for node, count in other.nodes.items():
            self.nodes[node] = self.nodes.get(node, 0) + count
        self.lines.extend(other.lines)

    def template(self) -> Template:
        """The picture of it as it is now."""
        return Template(
            self.number, self.text, self.level, self.count, self.first, self.last, dict(self.nodes), self.exemplar,
            tuple(self.lines),
        )  # fmt: skip
