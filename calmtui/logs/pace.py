"""Pace: work that is done on the event loop a slice at a time, and gives way to a key until it has been answered.

A key passes through many turns of the loop before the screen shows what it did. With a slice of a few milliseconds in
each of them it would be slow, however short the slices are.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

MOST = 0.15
"""Seconds that work gives way to one key at the most, should nobody tell that it was answered."""
SHARE = 3
"""It gives way so much longer than it goes on."""


class Pace:
    """Keys have at most three quarters of the time: then work goes on for the rest, whatever is typed meanwhile."""

    def __init__(self) -> None:
        self._answered = asyncio.Event()
        self._pressed = 0.0
        self._until = 0.0
        """When work goes on although the key was not answered; in the past: no key is on its way."""
        self._next = 0.0
        """From when on it gives way again."""

    def pressed(self) -> None:
        """A key has come. May be called in any thread."""
        now = time.monotonic()
        if now >= self._next:
            self._pressed, self._until, self._next = now, now + MOST, now + MOST + MOST / SHARE
            self._answered.clear()

    def answered(self) -> None:
        """The screen shows what the key did."""
        now = time.monotonic()
        if now < self._until:
            self._until, self._next = now, now + (now - self._pressed) / SHARE
            self._answered.set()

    async def turn(self) -> None:
        """Between two slices: let everything else have its turn, and wait while a key is on its way."""
        await asyncio.sleep(0)
        left = self._until - time.monotonic()
        if left > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._answered.wait()
