"""The moment from which logs are wanted, as people write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from calmtui.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def since(text: str, now: float) -> float:
    """Seconds since the epoch for `10m`, `1h30m`, `3d`, or an ISO time (UTC unless it has an offset).

    Raises UsageError for anything else, and for a moment that is still to come.
    """
    text = text.strip()
    if _DURATION.fullmatch(text):
        return now - sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"not a time: {text!r}", where="--since", next_step="write 10m, 2h, 3d, or 2026-11-21T02:29"
        ) from None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if seconds > now:
        raise UsageError(f"{text} is still to come", where="--since")
    return seconds
