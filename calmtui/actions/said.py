"""Said: what a command has printed on one node, its beginning in memory and all of it in files when it is much."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from calmtui import sanitise
from calmtui.providers.base import Output

KEPT = 64 * 1024 * 1024
"""Bytes of output kept in memory of all the nodes of a command together."""
LEAST_KEPT, MOST_KEPT = 16 * 1024, 1024 * 1024
"""Of one node."""
_END = 4096
"""Bytes of the end that are kept, for its last line."""


def kept(nodes: int) -> int:
    """Bytes of each of stdout and stderr that are kept in memory of one of so many nodes."""
    return max(LEAST_KEPT, min(KEPT // max(nodes, 1), MOST_KEPT))


class Said:
    """The output of one node. `folder` makes the folder for its files, asked when there is more than `limit` bytes."""

    def __init__(self, limit: int, folder: Callable[[], Path]) -> None:
        self.folder: Path | None = None
        """Where all of the output is, when memory holds only its beginning: files `stdout` and `stderr`."""
        self._limit = limit
        self._make = folder
        self._streams = (_Stream(), _Stream())

    def add(self, piece: Output) -> None:
        """Take in what has come. Raises OSError when it cannot be written."""
        stream = self._streams[piece.is_error]
        if self.folder is None and len(stream.head) + len(piece.data) > self._limit:
            self.folder = self._make()
            for name, each in zip(("stdout", "stderr"), self._streams, strict=True):
                each.spill(self.folder / name)
        stream.add(piece.data, self._limit)

    @property
    def stdout(self) -> bytes:
        """Standard output as far as it is in memory, raw and untrusted."""
        return bytes(self._streams[0].head)

    @property
    def stderr(self) -> bytes:
        """Standard error, likewise."""
        return bytes(self._streams[1].head)

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return sum(stream.size for stream in self._streams)

    def same(self) -> tuple[bytes, bytes]:
        """Equal for equal outputs, all of them, in each of the two streams."""
        return self._streams[0].digest(), self._streams[1].digest()

    def lines(self) -> list[str]:
        """Both outputs as lines that are safe for a terminal, standard error last; with a word on what is not shown."""
        shown = [*lines(self.stdout), *lines(self.stderr)]
        if self.folder is not None:
            shown.append(f"… cut: all {self.size:,} bytes are in {self.folder}")
        return shown

    def tail(self) -> list[str]:
        """The end of both outputs as `lines` has them, as far as it is in memory; where it is cut, a word on that."""
        if self.folder is None:
            return self.lines()
        cut = f"… cut: all {self.size:,} bytes are in {self.folder}"
        return [cut, *(line for stream in self._streams for line in lines(bytes(stream.end)))]

    def last_line(self, *, failed: bool) -> str:
        """The last line that says something: of standard output, or where it failed rather of standard error."""
        order = (self._streams[1], self._streams[0]) if failed else (self._streams[0],)
        return next((line for stream in order if (line := _last(bytes(stream.end)))), "")

    def close(self) -> None:
        """Nothing more comes."""
        for stream in self._streams:
            stream.close()


class _Stream:
    """One of the two outputs."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.end = bytearray()
        self.size = 0
        self._hash = hashlib.blake2b(digest_size=16)
        self._file: int | None = None

    def add(self, data: bytes, limit: int) -> None:
        self.size += len(data)
        self._hash.update(data)
        self.head += data[: limit - len(self.head)]
        self.end += data[-_END:]
        del self.end[:-_END]
        self._write(data)

    def spill(self, path: Path) -> None:
        """Write what there is, and from now on all that comes, to a file for its owner alone."""
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._write(bytes(self.head))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while self._file is not None and view:
            view = view[os.write(self._file, view) :]

    def digest(self) -> bytes:
        return self._hash.digest()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def lines(output: bytes) -> list[str]:
    """Output as lines that are safe for a terminal; what is no UTF-8 becomes a visible symbol."""
    text = output.decode(errors="replace").removesuffix("\n")
    return [sanitise.line(line.removesuffix("\r")) for line in text.split("\n")] if text else []


def _last(output: bytes) -> str:
    found = [line for line in lines(output) if line.strip()]
    return found[-1].strip() if found else ""
