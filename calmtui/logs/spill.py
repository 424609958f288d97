"""Spill: blocks that memory has no room for, on disk as long as they are wanted.

The files have no name, so nothing is left behind however the program ends, and no one else can open them. A file
holds many blocks; its room is given back when the last of them is no longer referred to.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path

import numpy as np

from calmtui.logs.block import ROW, Block

MAX_BYTES = 1024 * 1024 * 1024
"""What may be on disk: eight million lines of 100 bytes."""
FILE_BYTES = 32 * 1024 * 1024
"""Room is given back in pieces of this size."""


class _File:
    """An open file without a name, closed when nobody refers to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.descriptor, name = tempfile.mkstemp(prefix="log-", dir=folder)  # 0600
        weakref.finalize(self, os.close, self.descriptor)
        Path(name).unlink()
        self.size = 0


class Spilled:
    """A block on disk."""

    __slots__ = ("_at", "_file", "_lines", "_origins", "size")

    def __init__(self, file: _File, block: Block) -> None:
        rows = block.rows.tobytes()
        self._file, self._at, self._lines, self._origins = file, file.size, len(block), block.origins
        self.size = len(rows) + len(block.data)
        written = 0
        content = memoryview(rows + block.data)
        while written < self.size:
            written += os.pwrite(file.descriptor, content[written:], self._at + written)
        file.size += self.size

    def read(self) -> Block:
        """The block. Raises OSError."""
        content = os.pread(self._file.descriptor, self.size, self._at)
        end = self._lines * ROW.itemsize
        return Block(content[end:], np.frombuffer(content, ROW, self._lines), self._origins)


class Spill:
    """Writes blocks into files in a folder."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._file: _File | None = None

    def write(self, block: Block) -> Spilled:
        """Put a block on disk. Raises OSError."""
        if self._file is None or self._file.size >= FILE_BYTES:
            self._file = _File(self.folder)
        return Spilled(self._file, block)
