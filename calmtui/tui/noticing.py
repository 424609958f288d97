"""Noticing: what everybody is to know before they act: freezes, and plans that wait for this person."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui.errors import CalmError
from calmtui.estate.model import Estate
from calmtui.tui.widgets.status_line import Notice

if TYPE_CHECKING:
    from calmtui.governance.approvals import Approvals
    from calmtui.tui.screens.fleet import FleetScreen

EVERY = 5.0
"""Seconds between two looks."""


class Noticing:
    """A part of the fleet's screen: looks in a thread, and only where the estate has something to look for."""

    def __init__(self, screen: FleetScreen) -> None:
        self._screen = screen
        self._busy = False
        self._stamp: tuple[int, ...] | None = None
        self._waiting: list[Notice] = []

    def begin(self) -> None:
        """Look now and then from now on."""
        self._screen.set_interval(EVERY, self.look)

    async def look(self) -> None:
        """Look once, and show what there is."""
        estate = self._screen.live.estate
        if self._busy or not (estate.freezes or shared(estate)):
            return
        self._busy = True
        try:
            found = await asyncio.to_thread(self._found, estate)
        except CalmError as error:  # whoever acts is told in full
            found = [Notice(f"approvals: {error}", "approvals: ?", warns=True)]
        finally:
            self._busy = False
        if found != self._screen.notices:
            self._screen.notices = found
            self._screen.show()

    def _found(self, estate: Estate) -> list[Notice]:
        now = time.time()
        return [*freezes(estate, now), *(self._approvals(estate, now) if shared(estate) else ())]

    def _approvals(self, estate: Estate, now: float) -> list[Notice]:
        from calmtui.governance import trail  # not needed for the first paint
        from calmtui.governance.approvals import Approvals
        from calmtui.governance.rulebook import subject_of
        from calmtui.store.ledger import stamp

        kept = trail.of(estate)
        written = stamp(kept.path)
        if written != self._stamp:
            self._waiting = waiting(Approvals(kept.path, kept, subject_of(estate)), now)
            self._stamp = written
        return self._waiting


def shared(estate: Estate) -> bool:
    """Whether others may wait for this person: the estate names a ledger or a database, or has policies of its own."""
    folder: Path | None = estate.policies
    return estate.ledger is not None or bool(estate.database) or (folder is not None and folder.is_dir())


def waiting(approvals: Approvals, now: float) -> list[Notice]:
    """What waits for the vote of a person, and what they may carry out by now. Blocks; raises StoreError."""
    from calmtui.governance.approvals import Standing

    requests = approvals.newest()
    votes = len(approvals.waiting(now))
    mine = [one for one in requests if one.asked.who.name == approvals.subject.who.name]
    granted = sum(one.standing(now) is Standing.APPROVED for one in mine)
    found = [Notice(f"A: {votes} to approve", f"A: {votes}", warns=True)] if votes else []
    return [*found, Notice(f"A: {granted} approved", f"A: {granted} ok")] if granted else found


def freezes(estate: Estate, now: float) -> list[Notice]:
    """The freezes that hold at a moment, and those that come within a day. Blocks."""
    if not estate.freezes:
        return []
    from calmtui.governance.freezes import SOON, Windows  # dateutil is not needed for the first paint

    found = []
    for freeze in estate.freezes:
        window = Windows(freeze).at(now)
        if window is not None and window[0] <= now:
            until = datetime.fromtimestamp(window[1])
            when = f"{until:%H:%M}" if window[1] - now < SOON else f"{until:%m-%d %H:%M}"
            found.append((0.0, Notice(f"frozen until {when}: {freeze.name}", "frozen", warns=True)))
        elif window is not None and window[0] <= now + SOON:
            found.append((window[0], Notice(f"freeze {freeze.name} in {_span(window[0] - now)}", "freeze soon")))
    return [notice for _, notice in sorted(found, key=lambda pair: pair[0])]


def _span(seconds: float) -> str:
    return f"{int(seconds) // 3600} h" if seconds >= 3600 else f"{max(int(seconds) // 60, 1)} min"
