"""Which of a host's files a search reads: those that were named, and what they were rotated to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

PACKED = (".gz", ".Z", ".xz", ".bz2", ".zst")
_PACKED = r"(?:\.(?:gz|Z|xz|bz2|zst))?"
_ROTATED = re.compile(rf"(?:[-._]\d[-._\dT:]*|\.old)?{_PACKED}")
"""What rotation puts behind a name: `.1`, `-20261121.gz`, `.2026-11-21`, `.old`, `.xz`."""


class Listed(msgspec.Struct, frozen=True):
    """A file as `search.sh` lists it."""

    index: int
    """Its number there, from 1."""
    parent: int
    """0 for a file that was named; otherwise the number of the one that it may be rotated from."""
    readable: bool
    id: str
    """Device and inode."""
    size: int
    modified: int
    """Seconds since the epoch."""
    path: str
    """As the operator names it; bytes that are no UTF-8 are escaped."""

    @property
    def packed(self) -> bool:
        """Whether it is compressed."""
        return self.path.endswith(PACKED)


def listed(words: tuple[str, ...], name: bytes) -> Listed:
    """A file from the words of its record. Raises ValueError for what no search.sh would send."""
    index, parent, readable, identity, size, modified = words
    path = name.decode(errors="surrogateescape")
    return Listed(int(index), int(parent), readable == "1", identity, int(size), int(modified), path)


def chosen(files: Iterable[Listed], since: float | None) -> list[Listed]:
    """The files to search, those written first coming first, each once however many names it has."""
    every = {file.index: file for file in files}
    unique: dict[str, Listed] = {}
    for file in every.values():
        if file.parent and not rotated(every[file.parent].path, file.path):
            continue
        if file.size and (since is None or file.modified + 1 >= since):
            unique.setdefault(file.id, file)
    return sorted(unique.values(), key=lambda file: (file.modified, file.index))


def rotated(path: str, sibling: str) -> bool:
    """Whether a name is what rotation makes of a path: `app.log` of `app.log.1`, `app-20261121.log.gz`, `app.1.log`."""
    if sibling.startswith(path) and _ROTATED.fullmatch(sibling, len(path)):
        return True
    folder, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    before = f"{folder}{slash}{stem}"
    if not stem or not sibling.startswith(before):
        return False
    behind = rf"[-._]\d[-._\dT:]*{re.escape(dot + ending)}{_PACKED}"
    return re.fullmatch(behind, sibling[len(before) :]) is not None
