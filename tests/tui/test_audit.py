"""The audit trail in the console: followed, sought, verified, exported, and asked about from a node."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from calmtui.governance.identity import Who
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.audit import AuditScreen
from tests.tui.fleet_app import press, said, type_text, until
from tests.tui.test_actions import shown
from tests.tui.test_approvals import console
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture


def write(folder: Path, who: str, event: Event, **fields: object) -> None:
    trail = Trail(folder / "ledger.db", "test", who=Who(who))
    trail.append(trail.record(event, **fields))


def counted(app: CalmApp) -> int:
    """How many records the first line says there are; -1 while they are being read."""
    first = shown(app).splitlines()[0].split()
    return int(first[2]) if first[2].isdecimal() else -1


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write(tmp_path, "anna", Event.INTENT, action="stop", nodes=("lab:web-1", "lab:web-2"), plan="ab" * 32)
    write(tmp_path, "anna", Event.OUTCOME, action="stop", nodes=("lab:web-1",), status="failed", plan="ab" * 32)
    write(tmp_path, "hugo", Event.DENIED, action="shell", nodes=("lab:web-3",), detail="shells: ask \x1b[2Jsre")
    return tmp_path


async def test_the_trail_is_followed_and_a_record_shown_in_full(written: Path) -> None:
    async with console(written) as (app, pilot, _):
        await press(pilot, "T")
        await until(pilot, lambda: isinstance(app.screen, AuditScreen) and "all 4 records hold" in shown(app))
        assert "shells: ask ␛[2Jsre" in shown(app)
        assert "hugo" in shown(app)
        write(written, "ida", Event.SHELL, action="shell", nodes=("lab:test-1",), reason="a look")
        await until(
            pilot, lambda: counted(app) == 5 and "a look" in shown(app).split("seal")[0] and "reason" in shown(app)
        )
        await press(pilot, "k", "k")
        write(written, "ida", Event.ENDED, action="shell")
        await until(pilot, lambda: counted(app) == 6)
        assert "failed" in shown(app).split("status")[-1][:12]  # the cursor stays where it was put


async def test_what_is_sought_is_found_and_a_plan_leads_to_all_of_it(written: Path) -> None:
    async with console(written) as (app, pilot, _):
        await press(pilot, "T", "slash")
        await type_text(pilot, "user=hugo shells")
        await until(pilot, lambda: counted(app) == 1)
        await press(pilot, "enter", "escape")
        await until(pilot, lambda: counted(app) == 4)
        await press(pilot, "k", "p")
        await until(pilot, lambda: counted(app) == 2)
        await press(pilot, "slash")
        await type_text(pilot, " event=oops")
        await until(pilot, lambda: "there is no event 'oops'" in said(app))


async def test_from_a_node_one_comes_to_what_was_done_to_it(written: Path) -> None:
    async with console(written) as (app, pilot, _):
        app.fleet_screen.go_to("lab:web-1")
        await press(pilot, "D")
        await until(pilot, lambda: isinstance(app.screen, AuditScreen) and counted(app) == 2)
        assert "node=lab:web-1$" in shown(app)


async def test_a_trail_that_was_altered_is_told_in_red_and_names_the_record(written: Path) -> None:
    with sqlite3.connect(written / "ledger.db") as ledger:
        ledger.execute("drop trigger audit_is_never_altered")
        ledger.execute("update audit set body = replace(body, 'hugo', 'anna') where seq = 4")
    async with console(written) as (app, pilot, _):
        await press(pilot, "T")
        await until(pilot, lambda: "BROKEN at record 4: it was altered" in shown(app))


async def test_it_is_exported_to_a_file_that_is_not_there_yet(written: Path) -> None:
    file = written / "export.jsonl"
    async with console(written) as (app, pilot, _):
        await press(pilot, "T")
        await app.action_run("audit.export", str(file))
        assert len(file.read_text().splitlines()) == 4
        await app.action_run("audit.export", str(file))
        assert "File exists" in said(app)
