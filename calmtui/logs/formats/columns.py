"""Times of many lines at once: lines that spell their time alike are read as columns of digits.

A `Shape` is learned from one line that `spellings.read` could read: where its time stands, which of its bytes are
digits, and what the others are. Lines in which the others are the same are read with numpy, a column at a time;
whatever differs, in width, zone or month, is not of the shape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calmtui.logs.formats import spellings
from calmtui.logs.formats.beginnings import windows_of
from calmtui.logs.formats.spellings import DAY, QUARTER, Form
from calmtui.logs.line import SECOND

NO_TIME = np.iinfo(np.int64).min
"""In place of the time of a line that has none."""
PAD = 4200
"""Bytes after the last line, so that no window reaches beyond the block. More than the widest shape."""

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_ANCHOR = re.compile(r"""[\w@.$-]+["']?\s*[:=]\s*(?:\{"\$date":\s*)?["'\[]?$|[^\w\s]+\s*$|\s+$""")
_DIGITS = ("Y", "y", "m", "d", "H", "M", "S", "f", "s")
_FOLLOWS = 6
"""Bytes after the time that may still belong to it in another line: ` CEST.`."""


def _table(members: bytes) -> NDArray[np.bool_]:
    """Of each byte, whether it is one of these."""
    table = np.zeros(256, np.bool_)
    table[list(members)] = True
    return table


_HALF, _DAY, _CLOSES, _BLANK = map(_table, (b"AaPp", b"Mm", b"])\"'>", b" \t"))


class Block(NamedTuple):
    """Lines, one after the other in one array."""

    lines: Sequence[bytes]
    text: bytes
    begins: Ints

    @classmethod
    def of(cls, lines: Sequence[bytes]) -> Block:
        """The block of these lines, with a line feed after each."""
        lengths = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
        return cls(lines, b"\n".join(lines) + b"\n" * PAD, np.cumsum(lengths) - lengths)


class Shape:
    """How the time of a line is laid out."""

    def __init__(self, form: Form, found: re.Match[str], zone: tzinfo) -> None:
        text = found.string
        begin, end = found.span("time")
        self._parts = found.groupdict()
        self._zone = zone
        self._leads = form.leads
        anchor = None if begin <= found.start() + 16 and found.start() == 0 else _ANCHOR.search(text, 0, begin)
        self._anchor = anchor[0].encode() if anchor else b""
        """What stands before the time; empty when the time has a fixed place in the line."""
        self._blanks = text.count(" ", 0, begin) if self._anchor == b" " else 0
        """Which of the line's blanks that is, when nothing else tells the time from other numbers."""
        first = anchor.start() if anchor else 0
        self.template = (text[first : end + 1] + "\n")[: end + 1 - first].encode()
        self._length = end - first
        spans = {name: found.span(name) for name in _DIGITS if self._parts.get(name)}
        columns = {
            name: [place - first for place in range(*span) if text[place] != " "] for name, span in spans.items()
        }
        self._counts = {name: len(places) for name, places in columns.items()}
        """How many digits each number of the time has."""
        self._digits = np.array(sorted(place for places in columns.values() for place in places), np.intp)
        self._weights = np.zeros((len(self._digits), len(columns)), np.int64)
        """What each digit counts in each number."""
        for column, places in enumerate(columns.values()):
            self._weights[np.searchsorted(self._digits, places), column] = 10 ** np.arange(len(places) - 1, -1, -1)
        self._literal = np.setdiff1d(np.arange(len(self.template)), self._digits)
        self._expected = np.frombuffer(self.template, np.uint8)[self._literal]

    @property
    def key(self) -> bytes:
        """The same for shapes that read the same lines."""
        blank = bytearray(self.template)
        for place in self._digits:
            blank[place] = 0
        return bytes(blank)

    def read(self, block: Block, rows: Ints, times: Ints, stamps: NDArray[np.uint16]) -> Ints:
        """Fill in `times` and `stamps` for those of the rows that have this shape; the rows that have not."""
        begins = self._places(block, rows)
        width = len(self.template) + _FOLLOWS
        windows = windows_of(block.text, width)[begins]
        digits = windows[:, self._digits] - np.uint8(48)
        fits = (windows[:, self._literal] == self._expected).all(axis=1)
        fits &= (digits <= 9).all(axis=1)
        fits &= ~self._goes_on(windows)
        windows = windows[fits]
        read, valid = self._times(digits[fits])
        fits[fits] = valid
        done = rows[fits]
        times[done] = read[valid]
        if self._leads:
            stamps[done] = self._ends(windows)[valid]
        left: Ints = rows[~fits]
        return left

    def _places(self, block: Block, rows: Ints) -> Ints:
        if not self._anchor:
            return np.asarray(block.begins[rows])
        anchor, blanks, lines = self._anchor, self._blanks, block.lines
        if blanks:
            places = (_blank(lines[row], blanks) for row in rows.tolist())
        else:
            places = (lines[row].find(anchor) for row in rows.tolist())
        found = np.fromiter(places, np.int64, len(rows))
        return np.asarray(block.begins[rows] + np.maximum(found, 0))

    def _goes_on(self, windows: Bytes) -> NDArray[np.bool_]:
        """Rows in which a fraction, a zone or a half of the day follows that the template has not."""
        after = windows[:, self._length :]
        first = self.template[self._length : self._length + 1]
        goes_on = np.zeros(len(windows), np.bool_)
        if first in (b".", b",", b":"):
            goes_on |= _digit(after[:, 1])
        if first == b" ":
            after = after[:, 1:]
        one, two, three = after[:, 0], after[:, 1], after[:, 2]
        if not self._parts.get("z"):
            goes_on |= ((one == ord("+")) | (one == ord("-"))) & _digit(two)
            goes_on |= (one == ord("Z")) & ~_word(two)
            name = _capital(one) & _capital(two) & _capital(three)
            goes_on |= name & (~_word(after[:, 3]) | (_capital(after[:, 3]) & ~_word(after[:, 4])))
        if not self._parts.get("p"):
            goes_on |= _HALF[one] & _DAY[two]
        return goes_on

    def _times(self, digits: Bytes) -> tuple[Ints, NDArray[np.bool_]]:
        """Nanoseconds since the epoch of each row, and whether they are a time at all."""
        count = len(digits)
        value = dict(zip(self._counts, (digits.astype(np.int64) @ self._weights).T, strict=True))
        fraction = value.get("f", np.zeros(count, np.int64)) * 10 ** (9 - self._counts.get("f", 0))
        if "s" in value:
            shift = 10 ** (19 - self._counts["s"])
            fraction = fraction * shift // SECOND if shift > 1 else fraction * 0
            return value["s"] * shift + fraction, np.ones(count, np.bool_)
        begins = self._days(value, count)
        hour = value["H"]
        valid = (begins != NO_TIME) & (hour <= 23) & (value["M"] <= 59) & (value["S"] <= 60)
        if half := self._parts.get("p"):
            hour = hour % 12 + spellings.of_half_day(0, half)
        local = begins + hour * 3600 + value["M"] * 60 + np.minimum(value["S"], 59)
        local[~valid] = 0
        seconds = local - self._offsets(local)
        if "d" not in value:
            seconds -= DAY * (seconds > spellings.latest())
        return seconds * SECOND + fraction, valid

    def _days(self, value: dict[str, Ints], count: int) -> Ints:
        none = np.zeros(count, np.int64)
        year = value["y"] + 2000 if "y" in value else value.get("Y", none)
        month = value["m"] if "m" in value else none + spellings.month_of(self._parts)
        days = (year * 16 + month) * 32 + value.get("d", none)
        if count and (days == days[0]).all():
            days, which = days[:1], none
        else:
            days, which = np.unique(days, return_inverse=True)
        begins = [spellings.day_begin(day >> 9, day >> 5 & 15, day & 31) for day in days.tolist()]
        return np.array([NO_TIME if begin is None else begin for begin in begins], np.int64)[which]

    def _offsets(self, local: Ints) -> Ints | int:
        if named := self._parts.get("z"):
            return spellings.named_offset(named)
        if self._zone is UTC:
            return 0
        quarters, which = np.unique(local // QUARTER, return_inverse=True)
        offsets = [spellings.offset_at(self._zone, quarter) for quarter in quarters.tolist()]
        return np.array(offsets, np.int64)[which]

    def _ends(self, windows: Bytes) -> Ints:
        """Where the message begins: after a closing bracket and up to four blanks, as `Form` has it."""
        ends = np.full(len(windows), self._length, np.int64)
        rows = np.arange(len(windows))
        ends += _CLOSES[windows[rows, ends]]
        ends += windows[rows, ends] == ord(":")
        going = np.ones(len(windows), np.bool_)
        for _ in range(4):
            going &= _BLANK[windows[rows, ends]]
            if not going.any():
                break
            ends += going
        return ends


def _blank(line: bytes, number: int) -> int:
    """Where the line's blank of that number stands; -1 when it has fewer."""
    parts = line.split(b" ", number)
    return len(line) - len(parts[-1]) - 1 if len(parts) > number else -1


def _digit(column: Bytes) -> NDArray[np.bool_]:
    return column - np.uint8(48) <= 9


def _capital(column: Bytes) -> NDArray[np.bool_]:
    return column - np.uint8(65) <= 25


def _word(column: Bytes) -> NDArray[np.bool_]:
    return np.asarray(_digit(column) | ((column | np.uint8(32)) - np.uint8(97) <= 25) | (column == ord("_")))
