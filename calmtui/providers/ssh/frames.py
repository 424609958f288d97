"""Reads what `follow.sh` sends: frames of one file each, back into whole lines and a place to resume from. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

from calmtui.providers.base import LogChunk, Untimed
from calmtui.providers.ssh.places import COMPARED, ELSEWHERE, NOT_BEGUN, Place, Text
from calmtui.providers.ssh.prints import fits, length

_LONGEST_LINE = 1 << 20
"""Bytes of a line that has not ended; longer ones are handed on in parts."""
_WHY = {
    "missing": "there is no such file; waiting for it",
    "directory": "a directory is no log file; waiting for one",
    "special": "neither a file nor a link to one (a pipe, a socket, a device); waiting for a file",
    "denied": "it may not be read; waiting until it may",
}


class Torn(Exception):
    """The file became another one while it was read: go on from the places as they are, with a new reader."""


class Frames:
    """Decodes the stream of one run of `follow.sh` over `places`, and keeps them up to date; new files are added."""

    def __init__(self, nonce: str, places: list[Place], tail: int | None, *, begun: bool, hold: bool = False) -> None:
        """`begun`: the last lines of all files have been read; `hold`: they are looked for in several files."""
        self.places = places
        for place in places:
            place.rewind()
        self.begun = begun
        self.ended = False
        """The reader said that it has come to its end."""
        self.nonce = nonce
        self._prefix = b"\x1e" + nonce.encode() + b" "
        self._tail = tail
        self._held: dict[str, deque[bytes]] | None = {} if hold and tail is not None else None
        self._buffer = b""
        self._words: list[str] = []
        """The frame whose bytes are coming."""
        self._payload = b""
        self._due = 0
        self._skip = 0
        """How many of them are to be compared, not read."""
        self._proof = 0
        """How many after those are needed to tell whether a file's beginning is of the text whose print was taken: it
        may have been cut, and have grown again, since then."""

    def feed(self, data: bytes) -> Iterator[LogChunk]:
        """The chunks that some more bytes complete. Raises Torn, and ValueError for what no follow.sh would send."""
        self._buffer += data
        while self._buffer:
            if self._due:
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
            self._words = line[len(self._prefix) :].decode(errors="replace").split(" ")
            yield from self._control(self._words)

    def _control(self, words: list[str]) -> Iterator[LogChunk]:
        match words[0]:
            case "S":
                yield from self._all_begun()
            case "E":
                self.ended = True
                for place in self.places:
                    yield from self._finish(place, place.text)
            case "D" | "B":
                self._skip = int(words[5])
                self._due = int(words[4]) + self._skip
                if words[0] == "D" and words[3] == "0":
                    proof = length(self._text()[1].print)
                    self._proof = proof if proof <= self._due else 0
            case "F" | "U":
                self._due = int(words[2])
            case kind:
                yield from self._news(kind, self.places[int(words[1]) - 1], words[2:])

    def _news(self, kind: str, place: Place, words: list[str]) -> Iterator[LogChunk]:
        text = place.text
        match kind:
            case "P":
                text.print = words[1]
            case "R":
                moved = text.id != NOT_BEGUN
                if moved:
                    yield from self._late_ends(place)
                    place.late = text
                place.text = Text(words[0], int(words[1]) if words[1:] else 0, mtime=text.mtime)
                if moved and self.begun:
                    yield self._note(place, "rotated: the new file is read from its beginning")
            case "T":
                yield from self._late_ends(place)
                yield from self._finish(place, text)
                place.text, place.late = Text(words[0], mtime=text.mtime), text
                yield from self._cut(place, text, words[1])
            case "O":
                if text.offset:
                    yield from self._late_ends(place)
                elif place.late is not None:  # should the new file be gone before it is read, it came after this one
                    yield from self._finish(place, place.late)
            case "L":
                since = f"last written to {_when(text.mtime)} as far as it was read"
                what = f"the file read before is gone, and no rotated one holds what came after byte {words[1]} of it"
                yield self._gap(place, f"{what} ({since})")
            case "N":
                yield self._note(place, _WHY[words[0]])
            case _:
                raise ValueError("no such frame")

    def _cut(self, place: Place, text: Text, copy: str) -> Iterator[LogChunk]:
        read = f"it was read up to byte {text.offset}, written {_when(text.mtime)}"
        if copy == "1":
            yield self._note(place, "rotated by copying; the copy was read to its end")
        elif copy == "2":
            yield self._gap(place, f"the file was copied and cut ({read}): what was written in between is lost")
        else:
            yield self._gap(place, f"the file was cut ({read}) and has no copy: what was unread is lost")

    def _take(self) -> Iterator[LogChunk]:
        kind = self._words[0]
        data, self._buffer = self._buffer[: self._due], self._buffer[self._due :]
        self._due -= len(data)
        if kind == "D" and not self._skip and not self._proof:
            yield from self._piece(data)
            return
        self._payload += data
        if kind == "D" and len(self._payload) >= self._skip + self._proof:
            before, data, self._payload = self._payload[: self._skip], self._payload[self._skip :], b""
            text = self._text()[1]
            self._compare(text, before)
            if self._proof and not fits(text.print, data):
                raise Torn
            self._skip = self._proof = 0
            yield from self._piece(data)
        elif not self._due:
            data, self._payload = self._payload, b""
            yield from self._whole(kind, data)

    def _whole(self, kind: str, data: bytes) -> Iterator[LogChunk]:
        """A frame all of whose bytes have come."""
        if kind == "B":
            place, text = self._text()
            data = data[self._skip :]
            cut, self._skip = text.offset > 0, 0
            text.mtime = int(self._words[6])
            text.offset += len(data)
            text.trail = data[-COMPARED:]
            if cut:  # its first bytes may be the end of a line that was not asked for
                data = data.partition(b"\n")[2]
            yield from self._lines(place, text, data if self._tail is None else _last_lines(data, self._tail))
        elif kind == "F":
            self.places.append(Place(data.decode(errors="surrogateescape"), Text(self._words[3])))
            if self.begun and self._words[3] != ELSEWHERE:
                yield self._note(self.places[-1], "a new file: read from its beginning")
        else:
            place, name = self.places[int(self._words[1]) - 1], data.decode(errors="replace")
            yield self._gap(place, f"{name} cannot be read: the host has no {self._words[3]}")

    def _text(self) -> tuple[Place, Text]:
        """What the coming bytes belong to."""
        place = self.places[int(self._words[1]) - 1]
        for text in (place.text, place.late):
            if text is not None and text.id == self._words[2]:
                return place, text
        raise ValueError("bytes of a file that was not named")

    def _compare(self, text: Text, before: bytes) -> None:
        if int(self._words[3]) != text.offset:
            raise Torn
        known = text.trail[-len(before) :] if before else b""
        if not before.endswith(known):
            raise Torn

    def _piece(self, data: bytes) -> Iterator[LogChunk]:
        place, text = self._text()
        text.mtime = int(self._words[6])
        text.offset += len(data)
        text.trail = (text.trail + data)[-COMPARED:]
        yield from self._lines(place, text, data, behind=int(self._words[7]) + self._due)

    def _lines(self, place: Place, text: Text, data: bytes, behind: int = 0) -> Iterator[LogChunk]:
        whole, newline, text.rest = (text.rest + data).rpartition(b"\n")
        if newline:
            lines = whole.split(b"\n")
            if self._held is not None:
                self._held.setdefault(place.path, deque(maxlen=self._tail)).extend(lines)
            else:
                yield LogChunk(place.path, Untimed(lines), position=place.position, behind=behind)
        if len(text.rest) > _LONGEST_LINE:
            yield from self._finish(place, text)
            yield self._note(place, f"a line of more than {_LONGEST_LINE} bytes is shown in parts")

    def _all_begun(self) -> Iterator[LogChunk]:
        self.begun = True
        held, self._held = self._held or {}, None
        for place in self.places:
            lines = list(held.get(place.path, ()))
            yield LogChunk(place.path, Untimed(lines), position=place.position, behind=0)

    def _late_ends(self, place: Place) -> Iterator[LogChunk]:
        if place.late is not None:
            yield from self._finish(place, place.late)
            place.late = None

    def _finish(self, place: Place, text: Text) -> Iterator[LogChunk]:
        """A last line without its end, as it stands."""
        rest, text.rest = text.rest.rstrip(b"\0"), b""
        if rest:
            yield LogChunk(place.path, Untimed([rest]), position=place.position)

    def _note(self, place: Place, note: str) -> LogChunk:
        return LogChunk(place.path, note=note, position=place.position)

    def _gap(self, place: Place, note: str) -> LogChunk:
        return LogChunk(place.path, note=f"gap: {note}", gap=True, position=place.position)


def _when(mtime: int) -> str:
    return f"{datetime.fromtimestamp(mtime, UTC):%Y-%m-%d %H:%M:%S} UTC" if mtime else "at an unknown time"


def _last_lines(data: bytes, count: int) -> bytes:
    """The last lines of a text; the start of one that has not ended counts as none."""
    end = data.rfind(b"\n")
    for _ in range(count):
        if end < 0:
            return data
        end = data.rfind(b"\n", 0, end)
    return data[end + 1 :]
