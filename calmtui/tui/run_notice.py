"""What is said of runs on every screen: that one waits for somebody, and that one of this person's has failed.

Where there are runs under way, it sees to it that there is a worker too: the one before may have died with its machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from calmtui.errors import CalmError
from calmtui.estate import folders

if TYPE_CHECKING:
    from calmtui.runbooks.journal import Run
    from calmtui.tui.app import CalmApp

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks."""
LOOKED_AT = 100
"""Of the newest runs, those that are looked at."""


class RunNotice:
    """Looks into the journal in a thread, once there is one."""

    def __init__(self, app: CalmApp) -> None:
        self._app = app
        self.text = ""
        """What is to be said: `1 run waits`; empty: nothing."""
        self._busy = False
        self._stamp: object = None
        self._elsewhere: bool | None = None
        """Whether the settings name a database; None until they are read."""
        self._open: set[str] = set()
        """This person's runs that were under way at the last look."""
        self._under_way = False
        """Whether any run was, at the last look."""
        self._failed: set[str] = set()
        """Those of them that have failed since, and nobody has looked at."""

    def begin(self) -> None:
        """Look now and then from now on."""
        self._app.set_interval(EVERY, self.look)

    def seen(self, run_id: str = "") -> None:
        """Somebody has looked at a run; without an id, at the list of them."""
        left = self._failed - {run_id} if run_id else set[str]()
        if left != self._failed:
            self._failed, self._stamp = left, None

    async def look(self) -> None:
        """Look once, and have every footer say what there is."""
        if self._busy:
            return
        self._busy = True
        try:
            with contextlib.suppress(CalmError):  # whoever opens the list is told in full
                if (found := await asyncio.to_thread(self._read)) is not None:
                    self._take(*found)
        finally:
            self._busy = False

    def _read(self) -> tuple[list[Run], str] | None:
        """The newest runs, and who looks; None when nothing can have been written since."""
        from calmtui.estate.settings import settings  # nothing of this is needed for the first paint

        if self._elsewhere is None:
            self._elsewhere = bool(settings().database)
        somewhere = self._elsewhere or bool(self._app.live.estate.database) or self._app.has_journal
        if not somewhere and not (folders.state() / "runs.db").exists():
            return None  # nothing was ever run: the imports of all that runs are made of can wait
        from calmtui.governance.identity import me

        journal = self._app.journal
        if self._under_way and not self._app.read_only:
            from calmtui.runbooks import worker

            try:
                worker.start(journal)
            except OSError as error:  # who watches the run sees that it does not go on
                log.warning("no worker could be started: %s", error)
        now = journal.stamp()
        if now == self._stamp:
            return None
        found = journal.runs(LOOKED_AT), me().name
        self._stamp = now
        return found

    def _take(self, runs: list[Run], me: str) -> None:
        from calmtui.runbooks.journal import Standing  # not needed for the first paint
        from calmtui.tui.run_words import needs_someone

        mine = {run.id: run for run in runs if run.who == me}
        self._failed |= {run_id for run_id in self._open if run_id in mine and mine[run_id].standing is Standing.FAILED}
        self._under_way = any(not run.standing.ended for run in runs)
        self._open = {run_id for run_id, run in mine.items() if not run.standing.ended}
        waiting, failed = sum(map(needs_someone, runs)), len(self._failed)
        told = [f"{waiting} run{'s wait' if waiting > 1 else ' waits'}"] if waiting else []
        told += [f"{failed} run{'s' * (failed > 1)} failed"] if failed else []
        text = ", ".join(told)
        if text != self.text:
            self.text = text
            self._app.show_notice()
