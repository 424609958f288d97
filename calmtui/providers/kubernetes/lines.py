"""Log lines as the kubelet sends them: each begins with its time. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from calmtui.transport.resume import Line

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
