"""Log lines as the kubelet sends them: each begins with its time. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

Line = tuple[int | None, bytes]
"""Nanoseconds since the epoch, and text."""

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)(?: |$)")
SECOND = 1_000_000_000


@lru_cache(maxsize=256)
def _seconds(moment: bytes, zone: bytes) -> int:
    """Seconds since the epoch; neighbouring lines share them."""
    return int(datetime.fromisoformat(moment.decode() + zone.decode().replace("Z", "+00:00")).timestamp())


def parse(raw: bytes) -> Line:
    """A line's time and text. A line without a time is the runtime's own message."""
    found = _STAMP.match(raw)
    if found is None:
        return None, raw
    try:
        seconds = _seconds(found[1], found[3])
    except ValueError:  # digits that are no date
        return None, raw
    fraction = found[2] or b""
    return seconds * SECOND + int(fraction.ljust(9, b"0")), raw[found.end() :]


class Position:
    """How far a log has been read, to go on from there exactly.

    The API takes whole seconds only (`sinceTime`, inclusive), so what was read of the latest second is
    sent again. A log may be slightly out of order (standard output and error race), so lines are not
    told apart by their times: they are counted from the beginning of that second, and as many left out.
    Lines from before the first one, which a `tail` had left out, are left out again.
    """

    def __init__(self, since: float | None = None) -> None:
        """`since`: older lines are never wanted, in seconds since the epoch."""
        self._from = 0 if since is None else int(since * SECOND)
        self._second = None if since is None else int(since)
        self._first: int | None = None
        self._latest = 0
        self._seen = 0
        """Lines read with times from `_second` on."""
        self._again = 0
        """How many of those are still to come a second time."""

    @property
    def since_time(self) -> str | None:
        """What to ask the API for; None for all there is."""
        return None if self._second is None else datetime.fromtimestamp(self._second, UTC).isoformat()

    def rewind(self) -> None:
        """The log is about to be read from `since_time` once more."""
        self._again = self._seen

    def fresh(self, lines: list[Line]) -> list[Line]:
        """Those of some consecutive lines that have not been read yet; they count as read now."""
        new = [line for line in lines if line[0] is None or self._is_new(line[0])]
        return lines if len(new) == len(lines) else new

    def _is_new(self, at: int) -> bool:
        if at < self._from:
            return False
        if self._first is None:
            self._first = at
        second = at // SECOND
        if self._again and at <= self._latest:
            if at >= self._first and self._second is not None and second >= self._second:
                self._again -= 1
            return False
        self._first = min(self._first, at)  # slightly out of order, from the very beginning
        if at > self._latest:
            self._latest = at
            self._again = 0
        if self._second is None or second > self._second:
            self._second, self._seen = second, 0
        if second == self._second:
            self._seen += 1
        return True
