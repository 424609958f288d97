"""Folding: the lines of a log to templates, in a thread beside the screen, from when somebody first asks for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import islice

from calmtui.logs.block import Block
from calmtui.logs.line import LogLine
from calmtui.logs.pace import Pace
from calmtui.logs.patterns.table import Patterns
from calmtui.tui.widgets.log_view import LogView

PIECE = 500
"""Lines folded in one go, some 5 ms in which a thread shares the processor with the keys."""
WAITING = 1_000_000
"""Lines that may wait to be folded; when there are more, the newest are counted and left out."""
IDLE = 0.25
"""Seconds until it looks again when there is nothing to fold."""


class Folding:
    """Follows a view's lines: those that are kept already, then those that come."""

    def __init__(self, view: LogView, pace: Pace) -> None:
        self._pace = pace
        self.patterns = Patterns()
        self.waiting = len(view.buffer.lines)
        """Lines that were not folded yet."""
        self.left_out = 0
        """Lines that will not be: they came faster than they could be folded."""
        self._kept = view.buffer.lines.blocks()
        self._came: deque[Block] = deque()
        view.taps.append(self._take)

    def _take(self, lines: Block) -> None:
        if self.waiting + len(lines) > WAITING:
            self.left_out += len(lines)
        else:
            self._came.append(lines)
            self.waiting += len(lines)

    async def run(self) -> None:
        """Fold without end."""
        while True:
            block = next(self._kept, None)
            if block is None and self._came:
                block = self._came.popleft()
            if block is None:
                await asyncio.sleep(IDLE)
                continue
            lines = iter(block)
            while count := await asyncio.to_thread(self._fold, lines):
                self.waiting -= count
                await self._pace.turn()

    def _fold(self, lines: Iterator[LogLine]) -> int:
        """Fold the next piece, in a thread; how many lines it was."""
        piece = list(islice(lines, PIECE))
        self.patterns.add(piece)
        return len(piece)
