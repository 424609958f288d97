"""Reads what `follow.sh` sends: frames of one file each, back into whole lines and a place to resume from. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from calmtui.providers.base import LogChunk

_LONGEST_LINE = 1 << 20
"""Bytes of a line that has not ended; longer ones are handed on in parts."""


@dataclass
class Place:
    """How far one file has been read."""

    path: str
    id: str = "-"
    """Device and inode of the file that the name stood for; `-`: not begun."""
    offset: int = 0
    """Of the byte after the last one that was taken in."""
    rest: bytes = b""
    """The beginning of a line whose end has not come."""

    @property
    def arguments(self) -> tuple[str, str, str]:
        """What tells `follow.sh` to go on here."""
        return self.path, self.id, str(self.offset)


class Frames:
    """Decodes the stream of one run of `follow.sh` over `places`, and keeps them up to date."""

    def __init__(self, nonce: str, places: list[Place], tail: int | None) -> None:
        self.places = places
        for place in places:  # the reader begins again after the last whole line
            place.offset, place.rest = place.offset - len(place.rest), b""
        self.ended = False
        """The reader said that it has come to its end."""
        self.nonce = nonce
        self._prefix = b"\x1e" + nonce.encode() + b" "
        self._tail = tail
        self._buffer = b""
        self._frame: tuple[Place, bool] | None = None
        """The frame whose bytes are coming: where they belong, and whether they are the beginning."""
        self._due = 0
        self._beginning = b""

    def feed(self, data: bytes) -> Iterator[LogChunk]:
        """The chunks that some more bytes complete. Raises ValueError for what no follow.sh would send."""
        self._buffer += data
        while self._buffer:
            if self._frame is not None:
                yield from self._take()
                continue
            line, newline, rest = self._buffer.partition(b"\n")
            if not newline:
                if len(self._buffer) > 4096:
                    raise ValueError("no frame begins here")
                return
            self._buffer = rest
            if not line.startswith(self._prefix):
                raise ValueError("not a frame")
            yield from self._control(line[len(self._prefix) :].decode(errors="replace").split(" "))

    def _control(self, words: list[str]) -> Iterator[LogChunk]:
        kind, index = words[0], int(words[1])
        if kind == "E":
            self.ended = True
            return
        place = self.places[index - 1]
        match kind:
            case "D" | "B":
                offset, self._due = int(words[3]), int(words[4])
                if kind == "B":
                    place.id, place.offset = words[2], offset
                elif words[2] != place.id:  # a late writer, into the file that was rotated away
                    place = Place(place.path, words[2], offset)
                self._frame = (place, kind == "B")
            case "R":
                yield from self._finish(place)
                moved = place.id != "-"
                place.id, place.offset = words[2], 0
                if moved:
                    yield LogChunk(place.path, note="rotated: the new file is read from its beginning")
            case "T":
                yield from self._finish(place)
                place.id, place.offset = words[2], 0
                yield LogChunk(place.path, note="the file was cut; what stood in it unread is lost")
            case "L":
                yield from self._finish(place)
                yield LogChunk(
                    place.path,
                    note=f"gap: the file read before is gone; what came after byte {words[3]} of it may be lost",
                )
            case "N":
                yield LogChunk(place.path, note="there is no such file, or it may not be read; waiting for it")

    def _take(self) -> Iterator[LogChunk]:
        assert self._frame is not None
        place, beginning = self._frame
        data, self._buffer = self._buffer[: self._due], self._buffer[self._due :]
        self._due -= len(data)
        if beginning:
            yield from self._begin(place, data)
        else:
            place.offset += len(data)
            yield from self._lines(place, data)
        if not self._due:
            self._frame = None
            if not any(place is known for known in self.places):
                yield from self._finish(place)

    def _begin(self, place: Place, data: bytes) -> Iterator[LogChunk]:
        """The first piece of a file: its first bytes may be the end of a line that was not asked for."""
        self._beginning += data
        if self._due:
            return
        data, self._beginning = self._beginning, b""
        cut, place.offset = place.offset > 0, place.offset + len(data)
        if cut:
            data = data.partition(b"\n")[2]
        yield from self._lines(place, data if self._tail is None else _last_lines(data, self._tail))

    def _lines(self, place: Place, data: bytes) -> Iterator[LogChunk]:
        whole, newline, rest = (place.rest + data).rpartition(b"\n")
        place.rest = rest
        if newline:
            yield LogChunk(place.path, [(None, line) for line in whole.split(b"\n")])
        if len(rest) > _LONGEST_LINE:
            yield from self._finish(place)

    def _finish(self, place: Place) -> Iterator[LogChunk]:
        """A last line without its end, as it stands."""
        if rest := place.rest.rstrip(b"\0"):
            yield LogChunk(place.path, [(None, rest)])
        place.rest = b""


def _last_lines(data: bytes, count: int) -> bytes:
    """The last lines of a text; the start of one that has not ended counts as none."""
    end = data.rfind(b"\n")
    for _ in range(count):
        if end < 0:
            return data
        end = data.rfind(b"\n", 0, end)
    return data[end + 1 :]
