"""Log bytes as the engine sends them, to lines with their times. Pure.

Without a terminal the engine frames what it sends: a byte for the stream (1 stdout, 2 stderr), three of
padding, a length in four, then one message. With `timestamps` each message begins with its time. The engine
cuts a line of more than 16 KiB into several messages, each with a time of its own, the last with the line
end; so the times in the middle of a line can be told from its text only frame by frame. A terminal's output
has no frames, and no stream but one.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime
from functools import lru_cache

Line = tuple[int | None, bytes]
"""Nanoseconds since the epoch, and the text without its line end."""

LONGEST_LINE = 1024 * 1024
"""Bytes after which a line is given out although its end has not come."""

_HEADER = struct.Struct(">BxxxL")
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?")


class Frames:
    """The framing taken off, from pieces of any size."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages that are complete now: stream (1 stdout, 2 stderr) and payload."""
        rest = self._rest
        rest += data
        found = []
        at = 0
        while len(rest) - at >= _HEADER.size:
            stream, length = _HEADER.unpack_from(rest, at)
            end = at + _HEADER.size + length
            if len(rest) < end:
                break
            found.append((stream, bytes(rest[at + _HEADER.size : end])))
            at = end
        del rest[:at]
        return found


class Lines:
    """Messages with their times put together to lines, each stream for itself."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[int | None, bytearray]] = {}

    def message(self, stream: int, payload: bytes) -> list[Line]:
        """The lines that a framed message completes."""
        at, text = split_time(payload)
        *whole, rest = text.split(b"\n")
        lines: list[Line] = []
        for part in whole:
            began, begun = self._open.pop(stream, (at, bytearray()))
            lines.append((began, bytes(begun + part)))
        if rest:
            began, begun = self._open.setdefault(stream, (at, bytearray()))
            begun += rest
            if len(begun) >= LONGEST_LINE:
                lines += self.end(stream)
        return lines

    def end(self, *streams: int) -> list[Line]:
        """The lines of these streams (none given: of all) whose ends have not come."""
        lines = [self._open.pop(stream) for stream in streams or sorted(self._open) if stream in self._open]
        return [(at, bytes(text)) for at, text in lines]


class FramedLog:
    """Bytes of a container without a terminal to lines."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._lines = Lines()

    def feed(self, data: bytes) -> list[Line]:
        """The lines that these bytes complete, in the order of their ends."""
        return [line for frame in self._frames.feed(data) for line in self._lines.message(*frame)]

    def end(self) -> list[Line]:
        """What is left when the log has ended."""
        return self._lines.end()


class TerminalLog:
    """Bytes of a container with a terminal to lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Line]:
        """The lines that these bytes complete."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) >= LONGEST_LINE:
            whole, self._rest = [*whole, self._rest], b""
        return [self._line(text) for text in whole]

    def end(self) -> list[Line]:
        """What is left when the log has ended."""
        rest, self._rest = self._rest, b""
        return [self._line(rest)] if rest else []

    def _line(self, text: bytes) -> Line:
        at, text = split_time(text)
        return at, text.removesuffix(b"\r")


def split_time(text: bytes) -> Line:
    """The engine's time before a message, and the message; None when there is none."""
    match = _TIME.match(text)
    if match is None:
        return None, text
    second, fraction, zone = match.groups()
    return _epoch(second, zone) * 10**9 + int((fraction or b"").ljust(9, b"0")), text[match.end() :]


@lru_cache(maxsize=64)
def _epoch(second: bytes, zone: bytes) -> int:
    return int(datetime.fromisoformat((second + zone).decode()).timestamp())


class Resume:
    """How far a log has been read, so that it can be asked for again without a line twice.

    The engine sends again what is not older than a time; of the lines that bear just that time, as many are
    dropped as had been read.
    """

    def __init__(self) -> None:
        self._at: int | None = None
        self._count = 0
        """Lines read that bear the time `_at`."""
        self._skip = 0

    @property
    def since(self) -> str | None:
        """The time from which to ask again, as the engine wants it; None: nothing with a time has been read."""
        return None if self._at is None else f"{self._at // 10**9}.{self._at % 10**9:09d}"

    def again(self) -> None:
        """The log is being read again from `since`."""
        self._skip = self._count

    def new(self, lines: list[Line]) -> list[Line]:
        """Those of the lines that had not been read."""
        fresh = []
        for line in lines:
            at = line[0]
            if self._skip and at is not None and self._at is not None and at <= self._at:
                self._skip -= at == self._at
                continue
            if at is not None and (self._at is None or at > self._at):
                self._at, self._count, self._skip = at, 1, 0
            elif at == self._at:
                self._count += 1
            fresh.append(line)
        return fresh
