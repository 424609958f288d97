"""Canaries and the gates between their stages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from calmtui.actions.outcome import Status
from calmtui.runbooks import again
from calmtui.runbooks.journal import Standing
from tests.unit.runbooks.desk import Desk, Shell
from tests.unit.runbooks.told import BACK, ONE, Told, people, until

pytestmark = pytest.mark.usefixtures("quick")


def canary(*settings: str, gate: str = "{check: {command: healthy}}") -> str:
    return f"strategy: {{canary: {{stages: [1, 50%, 100%], parallel: 1, gates: [{gate}], {', '.join(settings)}}}}}\n"


async def test_the_gates_look_at_all_that_has_come_through_between_the_stages(tmp_path: Path) -> None:
    told = Told()
    desk = Desk(tmp_path, Shell(told))
    run = await desk.run(canary() + ONE)
    assert (run.standing, run.detail) == (Standing.OK, "4 ok")
    assert told.ran == ["n1 a", "n1 healthy", "n2 a", "n3 a", "n1 healthy", "n2 healthy", "n3 healthy", "n4 a"]
    gates = [(event.step, event.status.value) for event in desk.journal.events(run.id)
             if not event.node and event.status.final]  # fmt: skip
    assert gates == [("batch 1: gate-1", "ok"), ("batch 2: gate-1", "ok")]


async def test_a_gate_that_fails_stops_the_run_and_has_it_rolled_back_in_reverse(tmp_path: Path) -> None:
    told = Told(n2_healthy="1 sick")
    desk = Desk(tmp_path, Shell(told))
    run = await desk.run(canary() + ONE + BACK + "on_failure: rollback\n")
    assert (run.standing, run.detail) == (Standing.ROLLED_BACK, "3 ok, 1 skipped; 3 rolled back")
    assert told.of("back") == ["n3", "n2", "n1"]
    (failed,) = [event for event in desk.journal.events(run.id) if not event.node and event.status is Status.FAILED]
    assert (failed.step, failed.detail) == ("batch 2: gate-1", "n2: exit 1: sick")


async def test_during_the_hold_the_gates_go_on_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from calmtui.runbooks import gates

    monkeypatch.setattr(gates, "INTERVAL", 0.05)
    told = Told()
    desk = Desk(tmp_path, Shell(told))
    run = desk.journal.submit(desk.plan(canary("hold: 1h") + ONE))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: told.of("healthy").count("n1") >= 3)
    assert "looks at the gates after batch 1 until" in desk.journal.run(run.id).detail
    told.answers["healthy"] = "1"
    run = await carried
    assert (run.standing, told.of("a")) == (Standing.FAILED, ["n1"])


@pytest.mark.parametrize("approve", [True, False])
async def test_what_cannot_be_looked_at_is_asked_about(tmp_path: Path, approve: bool) -> None:
    told = Told(n1_healthy="lost")
    desk = Desk(tmp_path, Shell(told))
    run = desk.journal.submit(desk.plan(canary("inconclusive: {by: sre}") + ONE))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: desk.journal.run(run.id).standing is Standing.WAITING)
    assert told.of("a") == ["n1"]
    (request,) = people(desk).newest()
    assert "the gate 'check healthy' after batch 1 cannot be looked at (n1: the host does" in request.asked.summary
    told.answers.clear()
    people(desk).vote(request.id, approve=approve)
    run = await carried
    assert (run.standing, len(told.of("a"))) == ((Standing.OK, 4) if approve else (Standing.FAILED, 1))


async def test_a_gate_without_a_node_to_look_at_is_inconclusive(tmp_path: Path) -> None:
    told = Told(n1_a="1")
    desk = Desk(tmp_path, Shell(told))
    run = desk.journal.submit(desk.plan(canary("max_failed: 1") + ONE))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: desk.journal.run(run.id).standing is Standing.WAITING)
    assert "no node has come so far" in desk.journal.run(run.id).detail
    desk.journal.want(run.id, "cancel")
    assert (await carried).standing is Standing.CANCELLED


async def test_resumed_after_a_gate_that_failed_it_looks_again_but_not_where_it_was_passed(tmp_path: Path) -> None:
    told = Told(n2_healthy="1")
    desk = Desk(tmp_path, Shell(told))
    run = await desk.run(canary() + ONE)
    told.answers.clear()
    told.ran.clear()
    run = await desk.carry(again.resume(desk.journal, run))
    assert run.standing is Standing.OK
    assert told.ran == ["n1 healthy", "n2 healthy", "n3 healthy", "n4 a"]
