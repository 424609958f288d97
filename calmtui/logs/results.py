"""What a search has come to so far: counts by node and stream, a histogram, and the lines in pieces. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from calmtui import sanitise
from calmtui.fleet.node import Node, NodeId
from calmtui.logs.formats.levels import level_of
from calmtui.logs.line import LogLine, Origin
from calmtui.logs.search import WIDTHS, Ended
from calmtui.logs.sgr import MAX_BYTES, cut, decode
from calmtui.logs.times import Clock
from calmtui.providers.base import Counted, Finding, Found, FoundLine


class Row(NamedTuple):
    """A line that was found, or one beside it."""

    line: LogLine
    match: bool
    position: int | None
    """Bytes of its stream before it; None when the source cannot say."""


Piece = list[Row]
"""Lines that stand together in one stream: one or more matches, and those beside them."""


@dataclass
class NodeResult:
    """What the search of one node has come to."""

    node: Node
    streams: dict[str, Counted] = field(default_factory=dict)
    ended: bool = False
    error: str = ""

    @property
    def matches(self) -> int:
        """Over all its streams."""
        return sum(counted.matches for counted in self.streams.values())

    @property
    def cuts(self) -> list[tuple[str, str]]:
        """The streams of which not all was searched or is shown, and why; safe for a terminal."""
        return [
            (sanitise.word(name), sanitise.word(counted.cut)) for name, counted in self.streams.items() if counted.cut
        ]


class Results:
    """Takes in what `search` yields."""

    def __init__(self) -> None:
        self.nodes: dict[NodeId, NodeResult] = {}
        self._pieces: list[Piece] = []
        self._clocks: dict[Origin, Clock] = {}

    def take(self, node: Node, finding: Finding | Ended) -> None:
        """Take in one finding."""
        result = self.nodes.setdefault(node.id, NodeResult(node))
        match finding:
            case Counted():
                result.streams[finding.stream] = finding
            case Found():
                self._pieces += self._read(node, finding)
            case Ended():
                result.ended, result.error = True, finding.error

    @property
    def matches(self) -> int:
        """Of all nodes."""
        return sum(result.matches for result in self.nodes.values())

    @property
    def scanned(self) -> int:
        """Bytes that were read."""
        return sum(counted.scanned for counted in self._counted())

    @property
    def total(self) -> int:
        """Bytes that there are."""
        return sum(counted.total for counted in self._counted())

    @property
    def histogram(self) -> dict[int, int]:
        """Matches by the second with which their bucket begins, in the order of time."""
        every: Counter[int] = Counter()
        for counted in self._counted():
            every.update(counted.histogram)
        return dict(sorted(every.items()))

    def pieces(self) -> list[Piece]:
        """The lines, pieces in the order of time of their first match."""
        return sorted(self._pieces, key=_first_match)

    def arrived(self, after: int) -> list[Piece]:
        """The lines but for the first so many pieces, as they came."""
        return self._pieces[after:]

    def _counted(self) -> Iterator[Counted]:
        return (counted for result in self.nodes.values() for counted in result.streams.values())

    def _read(self, node: Node, found: Found) -> Iterator[Piece]:
        origin = Origin(node.source, node.id, node.name, sanitise.word(found.stream))
        clock = self._clocks.setdefault(origin, Clock())
        piece: Piece = []
        last = 0
        for number, line in enumerate(found.lines):
            last = line.at or last
            row = Row(_log_line(origin, clock, line, last, number), line.match, line.position)
            if piece and not line.joined:
                yield piece
                piece = []
            piece.append(row)
        if piece:
            yield piece


def _log_line(origin: Origin, clock: Clock, line: FoundLine, at: int, number: int) -> LogLine:
    """A found line as it is drawn; what has no time stands behind what came before it."""
    long = len(line.text) > MAX_BYTES
    text, spans = decode(cut(line.text) if long else line.text)
    own = clock.read(text)
    stamp = own[1] if own is not None else 0
    seq = number if line.position is None else line.position
    return LogLine(at, line.at, origin, seq, text, level_of(text, stamp), stamp, spans, cut=long)


def _first_match(piece: Piece) -> tuple[int, Origin, int]:
    first = next((row for row in piece if row.match), piece[0]).line
    return first.at, first.origin, first.seq


def bars(histogram: dict[int, int], width: int, most: int) -> tuple[list[int], int, int]:
    """The histogram as bars without holes, at the most `most`: their heights, the first second, seconds of a bar."""
    if not histogram:
        return [], 0, width
    first, last = min(histogram), max(histogram)
    round_ones = (wider for wider in WIDTHS if wider % width == 0 and (last - first) // wider < most)
    width = next(round_ones, (last - first) // most + 1)
    first -= first % width
    heights = [0] * ((last - first) // width + 1)
    for second, matches in histogram.items():
        heights[(second - first) // width] += matches
    return heights, first, width


def size(count: int) -> str:
    """Bytes as people read them, in powers of a thousand: `1.3 GB`."""
    for unit, least in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count} B"
