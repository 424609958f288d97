"""How often a region is listed: slower when AWS asks for it, faster while something is under way."""

from __future__ import annotations

import random

SLOWEST = 600.0
"""Seconds between listings of a region that goes on throttling."""
FIRST_RETRY = 2.0
"""Seconds until a listing that failed is tried again, doubled with each failure up to the usual interval."""
FASTEST = 1.0
FAST_LIMIT = 8.0
"""Seconds between questions after an instance that was acted upon: from the first to the slowest of them."""


class Pace:
    """The seconds to wait, with jitter, so that regions and consoles do not ask in step."""

    def __init__(self, every: float) -> None:
        self.every = every
        self._interval = every
        self._retry = FIRST_RETRY
        self._fast = FASTEST

    def listed(self) -> float:
        """After a listing: the usual interval, or, coming back from throttling, half the last one."""
        self._retry = FIRST_RETRY
        self._interval = max(self.every, self._interval / 2)
        return _jittered(self._interval)

    def throttled(self) -> float:
        """After a refusal to answer so often: twice the interval."""
        self._interval = min(self._interval * 2, max(SLOWEST, self.every))
        self._fast = min(self._fast * 2, FAST_LIMIT)
        return _jittered(self._interval)

    def failed(self) -> float:
        """After any other failure: soon, then less soon, at last as seldom as usual."""
        pause, self._retry = min(self._retry, self.every), self._retry * 2
        return _jittered(pause)

    def hurry(self) -> None:
        """An instance was acted upon: begin again with the shortest interval."""
        self._fast = FASTEST

    def watching(self) -> float:
        """Between two questions after instances that were acted upon."""
        pause, self._fast = self._fast, min(self._fast * 1.3, FAST_LIMIT)
        return _jittered(pause)


def _jittered(seconds: float) -> float:
    return seconds * (0.8 + 0.4 * random.random())
