"""The console on a journal of runs: what is in it is written by the test, or carried out in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from calmtui.actions.outcome import Status
from calmtui.governance.identity import Who
from calmtui.runbooks.journal import Event, Run, Standing
from calmtui.tui.app import CalmApp
from tests.tui.fleet_app import NOW, never
from tests.unit.runbooks.desk import Desk, fails_on, rolling

STEPS = (
    "steps:\n"
    "  - {name: drain, run: lb-drain}\n"
    "  - {name: copy, run: fetch}\n"
    "  - {name: restart, run: systemctl restart web}\n"
    "  - {name: settle, check: {command: curl -sf localhost}}\n"
)
DEPLOY = rolling("batches: [1, 25%, 100%]", "parallel: 4", "max_failed: 3") + STEPS
SMALL = "strategy: one at a time\n" + STEPS


def began(node: str, step: str, at: float = NOW) -> Event:
    """A step was begun."""
    return Event(f"lab:{node}", step, Status.RUNNING, "running", at=at, attempt=1)


def did(node: str, steps: int, last: Event | None = None, at: float = NOW) -> list[Event]:
    """The first steps of a node were done; `last` is what came of the last of them, if not that it was done."""
    found = []
    for number in range(1, steps + 1):
        found.append(began(node, str(number), at - 10))
        end = Event(f"lab:{node}", str(number), Status.OK, at=at - 8, attempt=1)
        found.append(last if last is not None and number == steps else end)
    return found


def failed(node: str, step: str, detail: str, output: str = "", at: float = NOW) -> Event:
    """A step has failed."""
    return Event(f"lab:{node}", step, Status.FAILED, detail, output, at=at - 7, attempt=1)


class Runs(Desk):
    """A desk whose journal says what the test lets it say, at the time that is shown in pictures."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, count: int = 64, **more: Any) -> None:
        super().__init__(folder, more.pop("deed", fails_on()), count, **more)
        self._patch = monkeypatch
        self._number = 0

    def record(
        self,
        text: str,
        standing: Standing,
        detail: str = "",
        events: Iterable[Event] = (),
        *,
        who: str = "ana",
        name: str = "deploy-web",
        ago: float = 372,
        took: float | None = None,
        **given: str,
    ) -> Run:
        """A run that began `ago` seconds before the time of pictures and stands so; `took` is how long it took."""
        self._number += 1
        plan = msgspec.structs.replace(self.plan(text, **given), who=Who(who), runbook=name)
        with self._patch.context() as patch:
            begin = NOW - ago
            patch.setattr("calmtui.runbooks.journal.time", SimpleNamespace(time=lambda: begin))
            number = self._number
            patch.setattr("calmtui.runbooks.journal.secrets", SimpleNamespace(token_hex=lambda _: f"ab12cd{number:02}"))
            run = self.journal.submit(plan)
            if standing is not Standing.SUBMITTED:
                self.journal.stands(run.id, Standing.RUNNING)
                end = begin + (took or 0.0)
                patch.setattr("calmtui.runbooks.journal.time", SimpleNamespace(time=lambda: end))
                self.journal.stands(run.id, standing, detail)
            self.journal.append(run.id, events)
        return self.journal.run(run.id)

    def failing(self) -> Run:
        """A run of 64 nodes with a failure, some nodes under way, and three runs before it that ended well."""
        for number in range(3):
            self.record(DEPLOY, Standing.OK, "64 ok", ago=90_000 * (number + 1), took=1000 + 60 * number)
        events: list[Event] = []
        for node in self.stage(0, 17):
            events += did(node, 4)
        for node in self.stage(17, 2):
            events += [*did(node, 2), began(node, "3", NOW - 12)]
        bad = self.stage(19, 1)[0]
        events += did(bad, 3, failed(bad, "3", "exit 1: port 8080 in use", "stopping\nstarting\nport 8080 in use"))
        return self.record(DEPLOY, Standing.RUNNING, "batch 3 of 3", events)

    def stage(self, begin: int, count: int) -> Sequence[str]:
        """The names of some of the nodes in the order of the plan."""
        return [node.name for node in self.plan(DEPLOY).nodes[begin : begin + count]]

    def app(self, **more: Any) -> CalmApp:
        """The console on it; no source is connected."""
        app = CalmApp(self.live, declare=never, **more)
        app._journal = self.live.estate.database, self.journal
        return app

    @asynccontextmanager
    async def console(
        self, size: tuple[int, int] = (100, 30), **more: Any
    ) -> AsyncIterator[tuple[CalmApp, Pilot[None]]]:
        """The console as it is used."""
        app = self.app(**more)
        async with app.run_test(size=size) as pilot:
            yield app, pilot
