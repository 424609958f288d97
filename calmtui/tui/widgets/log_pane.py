"""LogPane: follows the logs of nodes and shows them under a line that says how that is going."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message

from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.logs.buffer import EVICT
from calmtui.logs.follow import Follower, Reading
from calmtui.logs.joining import Joining
from calmtui.logs.merge import PATIENCE
from calmtui.logs.naming import Names
from calmtui.logs.selection import readable
from calmtui.providers.base import LogRequest
from calmtui.tui.widgets.log_rail import LogRail
from calmtui.tui.widgets.log_status import Account, LogStatus
from calmtui.tui.widgets.log_view import LogView

RECENT = LogRequest(tail=200, follow=True)
"""What is read unless it is said: the newest lines of each stream, and those that come."""
FRAME = 1 / 20
"""Seconds between two batches."""
LONG_FRAME = 0.1
"""Seconds after which it is drawn how far things are, though more is to be taken in."""
FRAMES_PER_STATUS = 10
"""The figures are drawn anew twice a second at the most, and only when they differ."""
RATE_OVER = 2.0
"""Seconds over which lines a second are counted."""


class LogPane(Vertical):
    """The merged log of one or more nodes. It reads while it is mounted."""

    DEFAULT_CSS = """
    LogPane { height: 1fr; }
    """

    class Counted(Message):
        """Posted when the figures have changed."""

    def __init__(
        self,
        live: LiveEstate,
        nodes: Sequence[Node],
        request: LogRequest = RECENT,
        fitting: Callable[[], Iterable[Node]] | None = None,
    ) -> None:
        """Follow the nodes; `fitting`: those that are meant now, of which those join that come to be meant."""
        super().__init__()
        self.follower = Follower(live, readable(live.fleet, nodes), request)
        self._joining = None if fitting is None else Joining(live.fleet, self.follower, fitting)
        self.names = Names(self.follower)
        self.view = LogView(self.names)
        self.view.moved.append(self._moved)
        self.account = Account(nodes=len(self.follower.streams))
        self._status = LogStatus(self.view.look.signs)
        self._rail = LogRail(self.view)
        self.moving = False
        """Lines are being moved in time."""
        self._frame = 0
        self._counts: deque[tuple[float, int]] = deque()

    def compose(self) -> ComposeResult:
        yield self._status
        yield Horizontal(self.view, self._rail)

    def on_mount(self) -> None:
        self.follower.pace = getattr(self.app, "pace", self.follower.pace)
        self.run_worker(self._read(), name="logs", exit_on_error=False)

    def on_unmount(self) -> None:
        if self._joining is not None:
            self._joining.close()

    async def _read(self) -> None:
        async with self.follower:
            self.set_interval(FRAME, self._take)
            while not self.follower.ended:  # others may have joined meanwhile
                await self.follower.finished()
            while len(self.follower.merger):
                if self.view.feed(self.follower.take(time.time_ns() + 2 * PATIENCE)):
                    self.view.repaint()
                await self.follower.pace.turn()
            self._count()

    async def _take(self) -> None:
        """One frame: what has come is shown, unless it would push out what the reader stands at."""
        self._frame += 1
        drawn, changed, more = time.monotonic(), False, True
        while more:
            await self.follower.pace.turn()
            changed |= self.view.feed(None if self._holding else self.follower.take(time.time_ns()))
            more = (self.follower.merger.more and not self._holding) or self.view.behind
            if changed and (not more or time.monotonic() > drawn + LONG_FRAME):
                await self.follower.pace.turn()
                self.view.repaint()
                drawn, changed = time.monotonic(), False
        if self._joining is not None:
            self._joining.look(time.monotonic())
        if self._frame % FRAMES_PER_STATUS == 0:
            self._count()
            self._rail.show()

    async def correct(self, *, on: bool) -> None:
        """Put the lines where they would stand if the nodes' clocks were right, or where they say; they stand still."""
        self.moving = True
        try:
            moves, buffer = self.follower.correct(on=on), self.view.buffer
            while True:  # until nothing was changed meanwhile
                before = buffer.generation
                moved = await asyncio.to_thread(buffer.shifted, moves)
                if before == buffer.generation:
                    break
            buffer.shift(moved)
        finally:
            self.moving = False
        self.view.repaint()

    @property
    def _holding(self) -> bool:
        view = self.view
        if self.moving:
            return True
        return not view.following and view.buffer.full and view.top_rank < len(view.shown.lines) // EVICT

    def _moved(self) -> None:
        self._count()
        self._rail.show()

    def on_log_view_selected(self) -> None:
        self._rail.show()

    def on_resize(self) -> None:
        self._status.show(self.account)

    def _count(self) -> None:
        account = self._account()
        if account != self.account:
            self.account = account
            self._status.show(account)
            self.post_message(self.Counted())

    def _account(self) -> Account:
        follower, view = self.follower, self.view
        return Account(
            nodes=len(follower.streams),
            rate=self._rate(),
            late=follower.total("late"),
            lost=follower.total("lost"),
            gaps=follower.total("gaps"),
            cut=follower.total("cut"),
            failed=follower.count(Reading.FAILED),
            away=follower.count(Reading.AWAY),
            waiting=follower.count(Reading.WAITING),
            ended=follower.ended,
            following=view.following,
            held=self._holding and not self.moving,
            unseen=view.unseen,
            kept=len(view.buffer.lines),
            evicted=view.buffer.evicted,
            shown=len(view.shown.lines),
            behind=view.shown.behind,
        )

    def _rate(self) -> float:
        """Lines a second that have come of late."""
        now = time.monotonic()
        self._counts.append((now, self.follower.received))
        while len(self._counts) > 2 and self._counts[0][0] < now - RATE_OVER:
            self._counts.popleft()
        (begin, before), (end, after) = self._counts[0], self._counts[-1]
        return round((after - before) / (end - begin)) if end > begin else 0.0
