"""Moments and lengths of time as people write them: one spelling for every option, command and query."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from calmtui.errors import UsageError

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)


def seconds(text: str) -> float | None:
    """A length of time such as `90s`, `1h30m` or `7d` in seconds; None when it is none."""
    total, end = 0.0, 0
    for found in _LENGTH.finditer(text):
        if found.start() != end:
            return None
        total += float(found[1]) * _SECONDS[found[2]]
        end = found.end()
    return total if end and end == len(text) else None


def moment(text: str, now: float, *, where: str) -> float:
    """Seconds since the epoch for `10m` (ago), `03:12` (the last one), or an ISO time.

    Without a zone it is the local time. `where` names the option or command in errors. Raises
    UsageError for anything else, and for a moment that is still to come.
    """
    text = text.strip()
    ago = seconds(text)
    if ago is not None:
        return max(now - ago, 0.0)
    at = _clock(text, now)
    if at is None:
        at = _iso(text)
    if at is None:
        raise UsageError(
            f"not a time: {text!r}", where=where, next_step="write 10m, 2h, 3d, 03:12, or 2026-11-21T02:29"
        )
    if at > now:
        raise UsageError(f"{text} is still to come", where=where)
    return at


def _clock(text: str, now: float) -> float | None:
    """The last time that local clocks showed this; None when it is no time of day."""
    found = _CLOCK.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        return None
    today = datetime.fromtimestamp(now).replace(
        hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0), microsecond=0
    )
    at = today if today.timestamp() <= now else today - timedelta(days=1)
    return at.timestamp()  # of a time without a zone: the local one, as it was on that day


def _iso(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
