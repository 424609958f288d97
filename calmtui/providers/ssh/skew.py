"""How far the clock of a host is from ours, by one round trip, in whose middle the host is taken to answer."""

from __future__ import annotations

import time

from calmtui.providers.base import Skew
from calmtui.providers.ssh.pool import HostPool

VALID = 600.0
"""Seconds after which it is measured again."""
_ASK = "date +%s%N; date +%s"
_SECOND = 1_000_000_000


async def measure(pool: HostPool) -> Skew | None:
    """Ask the host for its time; None when it does not tell. Raises a SourceError."""
    async with pool.channel() as connection:
        sent = time.time_ns()
        answer = await connection.run(f"exec /bin/sh -c '{_ASK}'", encoding=None)
        came = time.time_ns()
    return skew(answer.stdout if isinstance(answer.stdout, bytes) else b"", sent, came)


def skew(answer: bytes, sent: int, came: int) -> Skew | None:
    """From what the two `date` printed; the first has no nanoseconds on BSD and busybox. Times in nanoseconds."""
    words = answer.decode(errors="replace").split()
    if len(words) != 2 or not all(word.isascii() for word in words) or not words[1].isdecimal():
        return None
    fine = words[0].isdecimal() and len(words[0]) == len(words[1]) + 9
    there = int(words[0]) if fine else int(words[1]) * _SECOND + _SECOND // 2
    half = (came - sent) // 2
    return Skew(there - (sent + half), half if fine else half + _SECOND // 2, came / _SECOND)
