"""How far the files of a host have been read, in words that `follow.sh` takes and a position can be kept as. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

EMPTY = "0:4294967295"
"""The print of a file of which no byte has been seen: length and POSIX cksum."""
NOT_BEGUN = "-"
ELSEWHERE = "="
"""In place of an id: the file's text has been read under the name that it had before."""
COMPARED = 64
"""Bytes before each piece that come again: were they another file's, a piece would be wrong."""


@dataclass
class Text:
    """One file, by its inode, and how far it has been read."""

    id: str = NOT_BEGUN
    """Device and inode."""
    offset: int = 0
    """Of the byte after the last one that was taken in."""
    print: str = EMPTY
    """Length and checksum of its first bytes: finds a copy or a compressed one again, tells an inode used anew."""
    mtime: int = 0
    """When it was last written to, as far as it was read; seconds since the epoch by the host's clock."""
    rest: bytes = b""
    """The beginning of a line whose end has not come."""
    trail: bytes = b""
    """The last bytes before `offset`; empty where nothing is to be compared."""

    def __str__(self) -> str:
        return f"{self.id} {self.offset - len(self.rest)} {self.print} {self.mtime}"

    def rewind(self) -> None:
        """Stand after the last whole line: what came of the next one will come again."""
        self.offset -= len(self.rest)
        self.trail = self.trail[: max(len(self.trail) - len(self.rest), 0)]
        self.rest = b""


@dataclass
class Place:
    """What one name stands for, and what it stood for before where somebody may still write to that."""

    path: str
    text: Text = field(default_factory=Text)
    late: Text | None = None

    @classmethod
    def at(cls, path: str, position: str) -> Place:
        """Where a position that `position` gave once stands. Raises ValueError for anything else."""
        now, _, late = position.partition(" late ")
        if now in (NOT_BEGUN, ELSEWHERE):
            return cls(path, Text(now))
        return cls(path, _text(now), _text(late) if late else None)

    @property
    def position(self) -> str:
        """After the last whole line."""
        if self.text.id in (NOT_BEGUN, ELSEWHERE):
            return self.text.id
        return f"{self.text} late {self.late}" if self.late else str(self.text)

    @property
    def arguments(self) -> tuple[str, str, str]:
        """What tells `follow.sh` to go on here."""
        now, _, late = self.position.partition(" late ")
        return self.path, now, late or "-"

    def forget(self) -> None:
        """Compare nothing with what comes next."""
        for text in (self.text, self.late):
            if text is not None:
                text.trail = b""

    def rewind(self) -> None:
        """Stand after the last whole line."""
        for text in (self.text, self.late):
            if text is not None:
                text.rewind()


def _text(words: str) -> Text:
    file, offset, first, mtime = words.split(" ")
    return Text(file, int(offset), first, int(mtime))
