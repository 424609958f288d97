"""Reads what `search.sh` sends: records, each a line of words and a payload of any bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_FOUND = re.compile(rb"(\d+)([:-])")
_COUNTED = re.compile(rb"(\d+) (\d+):")


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record."""

    kind: str
    words: tuple[str, ...]
    payload: bytes


class Records:
    """Decodes the stream of one run of `search.sh`."""

    def __init__(self, nonce: str) -> None:
        self._mark = b"\n\x1e" + nonce.encode() + b" "
        self._buffer = bytearray()
        self._looked = 0
        """As far as the buffer was looked through for the next record."""

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that some more bytes complete. What stands before the first one is a login shell's chatter."""
        self._buffer += data
        while True:
            begin = self._buffer.find(self._mark) if self._looked == 0 else 0
            if begin < 0:
                return
            del self._buffer[:begin]
            line_end = self._buffer.find(b"\n", len(self._mark))
            if line_end < 0:
                return
            kind, *words = self._buffer[len(self._mark) : line_end].decode(errors="replace").split(" ")
            end = line_end + 1
            if kind != "E":
                end = self._buffer.find(self._mark, max(self._looked, line_end))
                if end < 0:
                    self._looked = max(len(self._buffer) - len(self._mark), line_end)
                    return
            payload = bytes(self._buffer[line_end + 1 : end])
            del self._buffer[:end]
            self._looked = 0
            yield Record(kind, tuple(words), payload)


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a G."""

    place: int
    chosen: bool
    """The host's program says that it matches."""
    text: bytes


def found(payload: bytes) -> tuple[list[Line], bool]:
    """The lines of a G, and whether they are whole: the last is left out when it was cut."""
    whole = not payload or payload.endswith(b"\n")
    lines = [
        Line(int(head[1]), head[2] == b":", line[head.end() :])
        for line in payload.split(b"\n")[:-1]
        if (head := _FOUND.match(line)) is not None  # `--` stands between what is not in one piece
    ]
    return lines, whole


def counted(payload: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The lines of a C: how many match, and the place and the beginning of the first of them."""
    for line in payload.split(b"\n"):
        if (head := _COUNTED.match(line)) is not None:
            yield int(head[1]), int(head[2]), line[head.end() :]
