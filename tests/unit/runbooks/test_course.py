"""The course of a run: paused, held by a freeze, rolled back, and what it has come to in the end."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calmtui.estate.model import Freeze
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta
from calmtui.runbooks import again
from calmtui.runbooks.journal import Run, Standing
from calmtui.runbooks.progress import Progress, completeness
from tests.unit.runbooks.desk import Desk, Shell, rolling
from tests.unit.runbooks.told import BACK, ONE, Told, people, until

pytestmark = pytest.mark.usefixtures("quick")


# -- pause -------------------------------------------------------------------------------


async def _paused(desk: Desk, told: Told, text: str) -> tuple[Run, asyncio.Task[Run]]:
    """A run that was paused while its first two nodes were under way."""
    told.waits = {"n1": asyncio.Event(), "n2": asyncio.Event()}
    run = desk.journal.submit(desk.plan(rolling("parallel: 2") + text))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: len(told.ran) == 2)
    desk.journal.want(run.id, "pause", "ann")
    await asyncio.sleep(0.2)
    for event in told.waits.values():
        event.set()
    await until(lambda: desk.journal.run(run.id).standing is Standing.PAUSED)
    return run, carried


async def test_paused_it_ends_the_nodes_under_way_and_begins_no_other_until_it_is_resumed(tmp_path: Path) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told))
    run, carried = await _paused(desk, told, ONE + "  - {name: two, run: b}\n")
    assert sorted(told.ran) == ["n1 a", "n1 b", "n2 a", "n2 b"]
    again.resume(desk.journal, desk.journal.run(run.id), "ann")
    run = await carried
    assert (run.standing, run.attempt, run.detail) == (Standing.OK, 1, "4 ok")
    assert sorted(told.ran) == sorted(f"n{number} {line}" for number in range(1, 5) for line in "ab")


async def test_paused_it_holds_no_lock_and_can_be_rolled_back(tmp_path: Path) -> None:
    from calmtui.governance.locks import Locks

    told = Told()
    desk = Desk(tmp_path, Shell(told))
    run, carried = await _paused(desk, told, ONE + BACK)
    locks = Locks(tmp_path / "ledger.db", "test", "other", "beth", "restart")
    assert locks.take(["lab:n1", "lab:n3"]) == []
    locks.release()
    again.roll_back(desk.journal, desk.journal.run(run.id), "ann")
    run = await carried
    assert (run.standing, run.detail) == (Standing.ROLLED_BACK, "2 ok, 2 skipped; 2 rolled back")
    assert sorted(told.of("back")) == ["n1", "n2"]


async def test_paused_it_can_be_cancelled(tmp_path: Path) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told))
    run, carried = await _paused(desk, told, ONE)
    desk.journal.want(run.id, "cancel")
    run = await carried
    assert (run.standing, run.detail) == (Standing.CANCELLED, "2 ok, 2 skipped")


async def test_paused_while_it_waits_for_approval_it_asks_no_second_time(tmp_path: Path) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told), count=2)
    run = desk.journal.submit(desk.plan(ONE + "  - approve: {by: sre}\n  - {run: b}\n"))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: desk.journal.run(run.id).standing is Standing.WAITING)
    desk.journal.want(run.id, "pause")
    await until(lambda: desk.journal.run(run.id).standing is Standing.PAUSED)
    (request,) = people(desk).newest()
    people(desk).vote(request.id, approve=True)
    await asyncio.sleep(0.2)
    assert told.of("b") == []
    desk.journal.want(run.id, "")
    assert (await carried).standing is Standing.OK
    assert len(people(desk).newest()) == 1


async def test_a_run_that_has_ended_is_rolled_back_once_and_says_so(tmp_path: Path) -> None:
    told = Told(n3_a="1")
    desk = Desk(tmp_path, Shell(told))
    run = await desk.run(rolling("batches: [1]", "parallel: 1") + ONE + BACK)
    assert (run.standing, told.of("back")) == (Standing.FAILED, [])
    told.answers["n1_back"] = "1"
    run = await desk.carry(again.roll_back(desk.journal, run, "ann"))
    assert (run.standing, run.detail) == (Standing.FAILED, "2 ok, 1 failed, 1 skipped; 2 of 3 rolled back")
    assert told.of("back") == ["n3", "n2", "n1"]
    told.answers.clear()
    run = await desk.carry(again.roll_back(desk.journal, run))
    assert (run.standing, run.detail) == (Standing.ROLLED_BACK, "2 ok, 1 failed, 1 skipped; 3 rolled back")
    assert told.of("back") == ["n3", "n2", "n1", "n1"]
    run = await desk.carry(again.resume(desk.journal, run))
    assert (run.standing, told.of("a")) == (Standing.OK, ["n1", "n2", "n3", "n1", "n2", "n3", "n4"])


async def test_paused_it_stays_so_when_its_worker_dies(tmp_path: Path) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told))
    run = desk.journal.submit(desk.plan(rolling("batches: [1]", "pause: 1h") + ONE + BACK))
    async with desk.engine as engine:
        await engine.begin(run.workflow)
        await until(lambda: desk.journal.run(run.id).detail.startswith("pauses until"))
        desk.journal.want(run.id, "pause")
        await until(lambda: desk.journal.run(run.id).standing is Standing.PAUSED)
    async with desk.engine as engine:
        await engine.begin(run.workflow)
        await asyncio.sleep(0.2)
        assert desk.journal.run(run.id).standing is Standing.PAUSED
        again.roll_back(desk.journal, desk.journal.run(run.id))
        await engine.ended(run.workflow)
    assert desk.journal.run(run.id).standing is Standing.ROLLED_BACK
    assert told.ran == ["n1 a", "n1 back"]


async def test_what_somebody_else_is_changing_is_left_out_with_a_word_on_who(tmp_path: Path) -> None:
    from calmtui.governance.locks import Locks

    told = Told()
    desk = Desk(tmp_path, Shell(told))
    other = Locks(tmp_path / "ledger.db", "test", "other", "beth", "restart")
    other.take(["lab:n2"])
    run = await desk.run(ONE)
    assert (run.standing, run.detail) == (Standing.FAILED, "3 ok, 1 skipped")
    assert "n2 (skipped: beth is doing restart to it)" in _complete(desk, run)
    other.release()
    run = await desk.carry(again.resume(desk.journal, run))
    assert (run.standing, told.of("a")[-1]) == (Standing.OK, "n2")


# -- freezes -----------------------------------------------------------------------------


FROZEN = (
    '@id("all") permit (principal, action, resource);\n'
    '@id("freeze") forbid (principal, action, resource) when { context.frozen && !context.undo };\n'
)


async def test_a_freeze_lets_the_batch_end_and_then_holds_the_run_until_it_ends(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "team.cedar").write_text(FROZEN)
    begins = datetime.now() + timedelta(seconds=2)
    freeze = Freeze("month end", begins, timedelta(seconds=4))
    told = Told()
    desk = Desk(tmp_path, Shell(told), policies=tmp_path / "policies", freezes=(freeze,))
    told.waits = {"n2": asyncio.Event()}
    run = desk.journal.submit(desk.plan(rolling("batches: [2]", "parallel: 1") + ONE))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: told.of("a") == ["n1", "n2"])
    await until(lambda: datetime.now() > begins)
    told.waits["n2"].set()
    await until(lambda: desk.journal.run(run.id).standing is Standing.WAITING)
    ends = (begins + timedelta(seconds=4)).strftime("%Y-%m-%d %H:%M:%S")
    assert desk.journal.run(run.id).detail == f"batch 2 waits for the end of the freeze month end until {ends}"
    assert told.of("a") == ["n1", "n2"]
    run = await carried
    assert (run.standing, run.detail, told.of("a")) == (Standing.OK, "4 ok", ["n1", "n2", "n3", "n4"])
    assert datetime.now() > begins + timedelta(seconds=4)


async def test_a_freeze_lets_what_failed_be_rolled_back(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "team.cedar").write_text(FROZEN)
    begins = datetime.now() + timedelta(seconds=1.5)
    told = Told(n1_a="1")
    desk = Desk(
        tmp_path, Shell(told), policies=tmp_path / "policies", freezes=(Freeze("f", begins, timedelta(days=1)),)
    )
    told.waits = {"n1": asyncio.Event()}
    run = desk.journal.submit(desk.plan("strategy: one at a time\non_failure: rollback\n" + ONE + BACK))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: told.ran)
    await until(lambda: datetime.now() > begins)
    told.waits["n1"].set()
    run = await carried
    assert (run.standing, told.of("back")) == (Standing.ROLLED_BACK, ["n1"])


async def test_in_the_end_it_is_said_which_nodes_have_it_and_which_have_not(tmp_path: Path) -> None:
    told = Told(n2_a="1 broken")
    desk = Desk(tmp_path, Shell(told))
    run = await desk.run(rolling("batches: [2]", "parallel: 1") + ONE)
    why = "skipped: not done to its end: the run ended before"
    assert _complete(desk, run) == f"1 of 4 nodes have it; not: n2 (failed: exit 1: broken); n3, n4 ({why})"
    told.answers.clear()
    run = await desk.carry(again.resume(desk.journal, run))
    assert _complete(desk, run) == "4 of 4 nodes have it"


def _complete(desk: Desk, run: Run) -> str:
    progress = Progress(run.attempt)
    progress.take(desk.journal.events(run.id))
    return completeness(desk.journal.plan(run.id), progress)


@pytest.mark.parametrize(
    ("health", "reason"),
    [(Health.LIVE, "gone since the plan was made"), (Health.STALE, "not known: the source lab is stale")],
)
async def test_a_node_is_gone_only_when_its_source_says_so(tmp_path: Path, health: Health, reason: str) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told), count=2)
    run = desk.journal.submit(desk.plan(ONE))
    desk.live.fleet.apply("lab", [Delta("", gone=["lab:n2"])])
    desk.live.fleet.set_source(SourceStatus("lab", "workshop", health))
    run = await desk.carry(run)
    assert _complete(desk, run) == f"1 of 2 nodes have it; not: n2 (skipped: {reason})"


async def test_a_source_that_has_not_answered_yet_is_waited_for(tmp_path: Path) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told), count=2)
    run = desk.journal.submit(desk.plan(ONE))
    desk.live.fleet.apply("lab", [Delta("", gone=["lab:n2"])])
    desk.live.fleet.set_source(SourceStatus("lab", "workshop", Health.CONNECTING))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: told.of("a") == ["n1"])
    desk.live.fleet.apply("lab", [Delta("", put=desk.nodes)])
    assert (await carried).detail == "2 ok"
