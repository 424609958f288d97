"""Log bytes as the engine sends them, to lines with their times. Pure.

Without a terminal the engine frames what it sends: a byte for the stream (1 stdout, 2 stderr), three of
padding, a length in four, then one message. With `timestamps` each message begins with its time. The engine
cuts a line of more than 16 KiB into several messages, each with a time of its own, the last with the line
end; so the times in the middle of a line can be told from its text only frame by frame. A terminal's output
has no frames, and no stream but one. When the engine fails while it sends, it says so in a frame of its own.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime
from functools import lru_cache

from calmtui.errors import Unreachable
from calmtui.transport.resume import Line

LONGEST_LINE = 1024 * 1024
"""Bytes after which a line is given out although its end has not come."""

SYSTEM_ERROR = 3
"""The stream of the engine's own words."""

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
        """The lines that these bytes complete, in the order of their ends. Raises Unreachable when the engine fails."""
        lines = []
        for stream, payload in self._frames.feed(data):
            if stream == SYSTEM_ERROR:
                raise Unreachable(payload.decode(errors="replace").strip())
            lines += self._lines.message(stream, payload)
        return lines

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
