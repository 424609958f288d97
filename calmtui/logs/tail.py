"""Reading one file on this machine: its last lines at once, all of it, and what is added, through rotation.

Nothing here waits for the disk on the event loop's thread but `LocalFile.open`; the callers use threads.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from calmtui.errors import SourceError
from calmtui.logs.line import SECOND
from calmtui.logs.sgr import decode
from calmtui.logs.times import Clock

PIECE = 1024 * 1024
"""Bytes read at once."""
LONGEST = 16 * 1024 * 1024
"""Bytes after which a line without an end is given out in part, so that it never fills the memory."""
SAMPLE = 64 * 1024
"""Bytes in which a line with a time is looked for when the first line of a time is."""


def _zstd(path: Path) -> BinaryIO:
    raise SourceError("zstd is not understood here", where=str(path), next_step=f"zstdcat {path} | calmtui logs -")


PACKED: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".lzma": lzma.open, ".zst": _zstd,
}  # fmt: skip
"""What opens a compressed file, by the end of its name."""


class Splitter:
    """Makes lines of pieces of a stream."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that are complete with this piece, without their line ends."""
        head, end, rest = piece.rpartition(b"\n")
        lines = []
        if end:
            lines = b"".join([*self._rest, head]).split(b"\n")
            self._rest, self._held = [], 0
        if rest:
            self._rest.append(rest)
            self._held += len(rest)
        return lines + self.end() if self._held > LONGEST else lines

    @property
    def held(self) -> int:
        """Bytes of the line that is not complete yet."""
        return self._held

    def end(self) -> list[bytes]:
        """What is left when no more comes."""
        rest, self._rest, self._held = b"".join(self._rest), [], 0
        return [rest] if rest else []


def lines_of(file: BinaryIO) -> Iterator[list[bytes]]:
    """A file's lines from where it stands to its end, as many at a time as come in one piece."""
    splitter = Splitter()
    while piece := file.read(PIECE):
        yield splitter.feed(piece)
    yield splitter.end()


def unpacked(path: Path) -> BinaryIO:
    """A file to be read from its begin, decompressed by the end of its name. Raises OSError, SourceError."""
    opened: BinaryIO = PACKED[path.suffix](path) if path.suffix in PACKED else path.open("rb")
    return opened


def last_lines(batches: Iterator[list[bytes]], count: int | None) -> Iterator[list[bytes]]:
    """The last so many lines of many; None: all."""
    if count is None:
        yield from batches
    else:
        yield list(deque((line for lines in batches for line in lines), count))


def begin_of_tail(file: BinaryIO, count: int) -> int:
    """Where the last so many lines of a file begin, looking from its end."""
    at = size = file.seek(0, os.SEEK_END)
    missing = count + 1  # the line end before the first of them, too
    while at > 0 and count:
        begin = max(at - PIECE, 0)
        file.seek(begin)
        piece = file.read(at - begin)
        if at == size and not piece.endswith(b"\n"):
            missing -= 1
        found = piece.count(b"\n")
        if found >= missing:
            place = len(piece)
            for _ in range(missing):
                place = piece.rindex(b"\n", 0, place)
            return begin + place + 1
        missing, at = missing - found, begin
    return 0 if count else size


def begin_of_time(file: BinaryIO, since: float) -> int:
    """Where the lines from a moment on (seconds since the epoch) begin, in a file whose times rise.

    It is halved, not read. A file without times is read from its begin.
    """
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > SAMPLE:
        middle = (low + high) // 2
        at = _time_after(file, middle)
        if at is None:
            return low
        low, high = (middle, high) if at < since * SECOND else (low, middle)
    file.seek(low)
    clock = Clock()
    begin = low
    for number, line in enumerate(islice(file, 1_000_000)):
        stamp = clock.read(decode(line.rstrip(b"\n"))[0]) if number or not low else None
        if stamp is not None and stamp[0] >= since * SECOND:
            return begin
        begin += len(line)
    return begin


def _time_after(file: BinaryIO, offset: int) -> int | None:
    """The time of the first line with one that begins after an offset."""
    file.seek(offset)
    clock = Clock()
    for line in file.read(SAMPLE).split(b"\n")[1:]:
        stamp = clock.read(decode(line)[0])
        if stamp is not None:
            return stamp[0]
    return None


class Growing:
    """A file that is followed by its name: what is added, the new one after a rotation, its begin when cut short."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self.file = path.open("rb")
        self._splitter = Splitter()

    @property
    def position(self) -> str:
        """The file's device and number, and where its next unread line begins."""
        status = os.fstat(self.file.fileno())
        return f"{status.st_dev}:{status.st_ino}:{self.file.tell() - self._splitter.held}"

    @property
    def behind(self) -> int:
        """Bytes that are there and were not read yet."""
        return max(os.fstat(self.file.fileno()).st_size - self.file.tell(), 0)

    def added(self) -> tuple[list[bytes], str, bool]:
        """The next lines, a note on what became of the file or empty, and whether lines may be missing."""
        piece = self.file.read(PIECE)
        if piece:
            return self._splitter.feed(piece), "", False
        status = os.fstat(self.file.fileno())
        if status.st_size < self.file.tell():
            rest = self._splitter.end()
            self.file.seek(0)
            return rest, "the file was cut short; read from its begin", True
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return [], "", False  # between the two steps of a rotation; the next look tells
        if (named.st_dev, named.st_ino) == (status.st_dev, status.st_ino):
            return [], "", False
        rest = self._splitter.end()
        self.file.close()
        self.file = self.path.open("rb")
        return rest, "the file was rotated; the new one is read from its begin", False
