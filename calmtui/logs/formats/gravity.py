"""The levels of many lines at once.

Lines of a stream begin their messages alike, so a beginning that decided a level once is looked up from then on, a
short one in all lines at once. Of the rest, one pass of RE2 over all of them finds those that may have a level at all;
only these are read singly.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import re2
from numpy.typing import NDArray

from calmtui.logs.formats.beginnings import Beginnings, words
from calmtui.logs.formats.levels import FIELDS, HEAD, LOGFMT_KEYS, decided, level_of
from calmtui.logs.level import Level
from calmtui.logs.sgr import decode

MAX_LENGTHS = 8
"""Lengths of beginnings looked up for a line."""
MAX_BEGINNINGS = 2000
"""Beginnings kept of one length."""
SLICE = 1000
"""Lines after which the beginnings learned from them are looked up for the next."""
VALUE = 20
"""Bytes of a JSON field `"level":` with its value."""

_ANY_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_KEYS = tuple(key.encode() for key in LOGFMT_KEYS)
_MAYBE = re2.compile(
    rb"(?im)^.*(?:inf|war|wrn|err|deb|dbg|dbug|note|notice|fat|ftl|crit|trac|trc|panic|sever|emerg|alert|fine|fail"
    rb"|verbose|system|level|log:  |%[a-z]\w*-[0-7]-).*$"
    rb"|^<\d.*$|^\d+:[MSCX] .*$"
    rb"|^(?:[ \t]*\d+){0,2}[ \t]*[\[(]?[tvdiwef][\])/| :!].*$|^\[?[DINWECFTS](?:\d{4}|, \[| \d).*$"
)

_Known = list[tuple[int, dict[bytes, Level]]]
"""Levels by beginning, by the length of the beginning; those that hit most in front."""


class Levels:
    """Reads the levels of one stream's lines."""

    def __init__(self) -> None:
        self._known: tuple[_Known, _Known] = ([], [])
        """Of messages with no time before them, and of those with one."""
        self._short = (Beginnings(), Beginnings())
        """The short ones of both."""

    def read_all(self, lines: Sequence[bytes], stamps: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """For each line and the characters of it that spell its time, what `level_of` says of its decoded text."""
        slices = range(0, len(lines), SLICE)
        parts = [self._read_slice(lines[begin : begin + SLICE], stamps[begin : begin + SLICE]) for begin in slices]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint8)

    def _read_slice(self, lines: Sequence[bytes], stamps: NDArray[np.uint16]) -> NDArray[np.uint8]:
        levels = np.zeros(len(lines), np.uint8)
        text = b"\n".join(lines) + b"\n"
        lengths = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
        begins = np.cumsum(lengths) - lengths
        left = np.frombuffer(text, np.uint8)[begins] != ord("{")
        for row in np.flatnonzero(~left).tolist():
            levels[row] = _of_json(lines[row])
        for stamped, short in zip((stamps == 0, stamps > 0), self._short, strict=True):
            rows = np.flatnonzero(left & stamped)
            if len(rows) and short:
                found = np.zeros(len(rows), np.uint8)
                known = short.read(words(text, begins[rows] + stamps[rows]), found)
                levels[rows], left[rows] = found, ~known
        self._read_rows(lines, stamps.tolist(), np.flatnonzero(left).tolist(), levels)
        return levels

    def _read_rows(
        self, lines: Sequence[bytes], stamps: Sequence[int], asked: Sequence[int], levels: NDArray[np.uint8]
    ) -> None:
        """Fill in the levels of these lines."""
        rows: list[int] = []
        heads: list[bytes] = []
        for row in asked:
            head = lines[row][stamps[row] : stamps[row] + HEAD].translate(_ANY_DIGIT)
            level = _looked_up(self._known[stamps[row] > 0], head)
            if level is None:
                rows.append(row)
                heads.append(head)
            else:
                levels[row] = level
        for which in self._worth_reading(lines, rows, heads) if rows else ():
            row = rows[which]
            levels[row] = self._read(lines[row], stamps[row], heads[which])

    def _worth_reading(self, lines: Sequence[bytes], rows: list[int], heads: list[bytes]) -> list[int]:
        """Places in `rows` of the lines that may have a level."""
        begins = np.cumsum(np.fromiter((len(head) + 1 for head in heads), np.int64, len(heads)))
        found = [match.start() for match in _MAYBE.finditer(b"\n".join(heads))]
        worth = set(np.searchsorted(begins, np.array(found, np.int64), side="right").tolist())
        fields = (which for which, head in enumerate(heads) if b"=" in head)
        worth.update(which for which in fields if any(key in lines[rows[which]] for key in _KEYS))
        return sorted(worth)

    def _read(self, line: bytes, stamp: int, head: bytes) -> Level:
        known = self._known[stamp > 0]
        level = _looked_up(known, head)  # another line of the slice may have been read since
        if level is None:
            level, length = decided(decode(line)[0], stamp)
            if length and length <= len(head) and head[:length].isascii():
                _keep(known, head[:length], level)
                self._short[stamp > 0].keep(head[:length], level)
        return level


def _looked_up(known: _Known, head: bytes) -> Level | None:
    for place, (length, beginnings) in enumerate(known):
        level = beginnings.get(head[:length])
        if level is not None:
            if place:  # one place further to the front
                known[place - 1 : place + 1] = known[place], known[place - 1]
            return level
    return None


def _keep(known: _Known, beginning: bytes, level: Level) -> None:
    length = len(beginning)
    beginnings = next((beginnings for size, beginnings in known if size == length), None)
    if beginnings is None:
        beginnings = {}
        del known[MAX_LENGTHS - 1 :]
        known.append((length, beginnings))
    if len(beginnings) >= MAX_BEGINNINGS:
        beginnings.clear()
    beginnings[beginning] = level


def _of_json(line: bytes) -> Level:
    at = line.find(b'"level":', 0, FIELDS)
    return (at > 0 and _of_value(line[at - 1 : at - 1 + VALUE])) or level_of(decode(line)[0])


@lru_cache(maxsize=4096)
def _of_value(field: bytes) -> Level | None:
    """The level that a JSON field `"level":` gives; None when its value is cut or is none."""
    text = field.decode("utf-8", "replace")
    return level_of("{" + text) if text.isprintable() else None
