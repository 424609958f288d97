"""Block: many lines in order as one piece of bytes and one row of figures each; what the log engine works on.

A line of 100 bytes takes 133 bytes here and 600 as a `LogLine`, which is made on demand. Blocks never change:
whatever is done to lines gives a new one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Note, Origin
from calmtui.logs.sgr import decode

ROW = np.dtype(
    [
        ("at", np.int64),
        ("ts", np.int64),
        ("end", np.uint32),
        ("seq", np.uint32),
        ("origin", np.uint32),
        ("stamp", np.uint16),
        ("level", np.uint8),
        ("flags", np.uint8),
    ],
    align=True,
)
"""What is known of a line, 32 bytes: `LogLine`'s fields, `end` where its bytes end, `origin` its number in `Origins`.
Without DATED `ts` says nothing, but of a note how many lines were lost."""

WHOLE = np.dtype((np.void, ROW.itemsize))
"""A row as mere bytes: numpy copies those twelve times as fast, as it does records field by field."""

DATED, LATE, NOTE, TROUBLE, GAP, RAW, CUT, CONTINUES = (1 << bit for bit in range(8))
"""Flags of a line: something tells its time; it came late; it is a note, one of trouble, one of missing lines; its
bytes are not its text (colours, control characters, not UTF-8); it was too long; it goes on with the event before."""

GATHERED = 16_384
"""Pieces put in another order in one go: many more at once spend their time in fetching memory."""

Rows = NDArray[np.void]
"""An array of ROW."""
Mask = NDArray[np.bool_]


class Origins:
    """The streams of a log, each with a number by which rows name it. Shared by all blocks of the log."""

    def __init__(self) -> None:
        self.known: list[Origin] = []
        self.ranks = np.zeros(0, np.uint32)
        """By number, where the stream stands among all: lines of one moment are in that order."""
        self._numbers: dict[Origin, int] = {}

    def number(self, origin: Origin) -> int:
        """The stream's number; a new one is given the next."""
        number = self._numbers.get(origin)
        if number is None:
            number = self._numbers[origin] = len(self.known)
            self.known.append(origin)
            self.ranks = np.zeros(len(self.known), np.uint32)
            self.ranks[sorted(range(len(self.known)), key=self.known.__getitem__)] = np.arange(len(self.known))
        return number


class Block(Sequence[LogLine]):
    """Lines. As a sequence it makes the `LogLine` or `Note` of each that is asked for."""

    __slots__ = ("data", "origins", "rows")

    def __init__(self, data: bytes, rows: Rows, origins: Origins) -> None:
        self.data = data
        """Every line's bytes followed by a line end; no line end within a line."""
        self.rows = rows
        self.origins = origins

    @classmethod
    def of(cls, lines: Iterable[bytes], rows: Rows, origins: Origins) -> Block:
        """A block of these lines' bytes; the rows need no `end` yet."""
        lines = list(lines)
        lengths = np.fromiter(map(len, lines), np.int64, len(lines))
        rows["end"] = np.cumsum(lengths + 1) - 1
        lines.append(b"")
        return cls(b"\n".join(lines), rows, origins)

    @classmethod
    def empty(cls, origins: Origins) -> Block:
        """No line."""
        return cls(b"", np.zeros(0, ROW), origins)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> LogLine: ...
    @overload
    def __getitem__(self, index: slice) -> list[LogLine]: ...
    def __getitem__(self, index: int | slice) -> LogLine | list[LogLine]:
        if isinstance(index, slice):
            return [self._line(number) for number in range(*index.indices(len(self)))]
        return self._line(range(len(self))[index])

    def __iter__(self) -> Iterator[LogLine]:
        return map(self._line, range(len(self)))

    def starts(self) -> NDArray[np.int64]:
        """Where each line's bytes begin."""
        starts = np.zeros(len(self), np.int64)
        starts[1:] = self.rows["end"][:-1]
        starts[1:] += 1
        return starts

    def raw(self, number: int) -> bytes:
        """A line's bytes: its text as UTF-8 unless it is RAW."""
        start = int(self.rows["end"][number - 1]) + 1 if number else 0
        return self.data[start : int(self.rows["end"][number])]

    def _line(self, number: int) -> LogLine:
        at, ts, _, seq, origin, stamp, level, flags = self.rows[number].item()
        text, spans = decode(self.raw(number))
        whose = self.origins.known[origin]
        if flags & NOTE:
            lost, trouble, gap = ts, bool(flags & TROUBLE), bool(flags & GAP)
            return Note(at, None, whose, seq, text, lost=lost, trouble=trouble, gap=gap)
        return LogLine(
            at, ts if flags & DATED else None, whose, seq, text, Level(level), stamp, spans,
            late=bool(flags & LATE), cut=bool(flags & CUT),
        )  # fmt: skip

    def one_of_each_stream(self) -> list[LogLine]:
        """The first line of each stream that has lines here."""
        return [self._line(number) for number in np.unique(self.rows["origin"], return_index=True)[1].tolist()]

    def order(self) -> NDArray[np.intp]:
        """The numbers of the lines in the order of `line.key`."""
        rows = self.rows
        return np.lexsort((rows["seq"], self.origins.ranks[rows["origin"]], rows["at"]))

    def chosen(self, numbers: NDArray[np.intp] | Mask) -> Block:
        """These lines, in the order in which they are named."""
        if numbers.dtype == np.bool_:
            numbers = np.flatnonzero(numbers)
        rows = self.rows.take(numbers)
        begins, ends, data = self.starts().take(numbers), rows["end"].astype(np.int64) + 1, self.data
        firsts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)  # lines that stand together are moved together
        lasts = np.append(firsts[1:], len(numbers)) - 1
        parts = []
        for at in range(0, len(firsts), GATHERED):
            some = slice(at, at + GATHERED)
            places = zip(begins[firsts[some]].tolist(), ends[lasts[some]].tolist(), strict=True)
            parts.append(b"".join([data[begin:end] for begin, end in places]))
        rows["end"] = np.cumsum(ends - begins) - 1
        return Block(b"".join(parts), rows, self.origins)

    def stretch(self, begin: int, end: int) -> Block:
        """The lines from `begin` up to `end`."""
        if begin >= end:
            return Block.empty(self.origins)
        if end - begin == len(self):
            return self
        start = int(self.rows["end"][begin - 1]) + 1 if begin else 0
        rows = self.rows[begin:end].view(WHOLE).copy().view(ROW)
        rows["end"] -= start
        return Block(self.data[start : start + int(rows["end"][-1]) + 1], rows, self.origins)

    def ordered(self) -> Block:
        """The same lines in order."""
        order = self.order()
        return self if bool(np.all(order[1:] > order[:-1])) else self.chosen(order)


def joined(blocks: Sequence[Block]) -> Block:
    """The lines of several blocks of one log, one block's after another's."""
    if len(blocks) == 1:
        return blocks[0]
    rows = joined_rows([block.rows for block in blocks])
    lengths = [len(block) for block in blocks]
    before = np.cumsum([0, *(len(block.data) for block in blocks[:-1])])
    rows["end"] += np.repeat(before, lengths).astype(np.uint32)
    return Block(b"".join(block.data for block in blocks), rows, blocks[0].origins)


def joined_rows(rows: Sequence[Rows]) -> Rows:
    """Rows, one array's after another's."""
    return np.concatenate([some.view(WHOLE) for some in rows]).view(ROW)


Key = tuple[int, Origin, int]
"""A line's place in the order: see `line.key`."""


def key_at(block: Block, number: int) -> Key:
    """The place of a block's line in the order."""
    at, _, _, seq, origin, *_ = block.rows[number].item()
    return at, block.origins.known[origin], seq


def place(block: Block, key: Key) -> int:
    """How many lines of an ordered block stand before that place in the order."""
    at = block.rows["at"]
    begin = int(at.searchsorted(key[0]))
    if begin == len(at) or at[begin] != key[0]:
        return begin
    end = int(at.searchsorted(key[0], "right"))
    return begin + bisect_left(range(begin, end), key, key=lambda number: key_at(block, number))


def upto(block: Block, key: Key) -> int:
    """How many lines of an ordered block stand at that place in the order or before it."""
    before = place(block, key)
    return before + int(before < len(block) and key_at(block, before) == key)


def block_of(lines: Sequence[LogLine], origins: Origins) -> Block:
    """A block of lines whose text is given, as tests and other writers of lines have them."""
    rows = np.zeros(len(lines), ROW)
    for number, line in enumerate(lines):
        ts, flags = line.ts or 0, DATED * (line.ts is not None) | LATE * line.late | CUT * line.cut
        if isinstance(line, Note):
            ts, flags = line.lost, NOTE | TROUBLE * line.trouble | GAP * line.gap
        rows[number] = (line.at, ts, 0, line.seq, origins.number(line.origin), line.stamp, line.level, flags)
    return Block.of((line.text.encode() for line in lines), rows, origins)
