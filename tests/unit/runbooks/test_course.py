"""The course of a run: paused, held by a freeze, rolled back; canaries and their gates; blue and green."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, UsageError
from calmtui.estate.model import Freeze
from calmtui.fleet.node import Node
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta
from calmtui.governance.approvals import Approvals
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.trail import Trail
from calmtui.runbooks import again, hold, running, stage
from calmtui.runbooks.journal import Run, Standing
from calmtui.runbooks.progress import Progress, completeness
from tests.unit.actions.workshop import node
from tests.unit.runbooks.desk import Desk, Shell, rolling

BACK = "rollback:\n  - {run: back}\n"
ONE = "steps:\n  - {name: one, run: a}\n"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What people want is looked at more often than in earnest."""
    for module in (running, stage, hold):
        monkeypatch.setattr(module, "LOOK", 0.02)
    monkeypatch.setattr(hold, "ASK_AGAIN", 0.1)


class Told:
    """Says what comes of commands, and remembers them: `n1 a`."""

    def __init__(self, **answers: str) -> None:
        """`answers`: by command, or by node and command (`n1_a`), what comes of it."""
        self.ran: list[str] = []
        self.answers = answers
        self.waits: dict[str, asyncio.Event] = {}
        """By node: its next command ends when that is set."""

    async def __call__(self, target: Node, line: str) -> str:
        self.ran.append(f"{target.name} {line}")
        if target.name in self.waits:
            await self.waits[target.name].wait()
        answer = self.answers.get(f"{target.name}_{line}", self.answers.get(line, "0"))
        if answer == "lost":
            raise CalmError("the host does not answer", where=target.name)
        return answer

    def of(self, line: str) -> list[str]:
        """The nodes on which a command was run, in that order."""
        return [one.split()[0] for one in self.ran if one.endswith(f" {line}")]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


def people(desk: Desk) -> Approvals:
    """The approvals as somebody else sees them."""
    other, ledger = Subject(Who("beth"), frozenset({"sre"})), desk.folder / "ledger.db"
    return Approvals(ledger, Trail(ledger, "test", who=other.who), other)


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


# -- canary ------------------------------------------------------------------------------


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


# -- blue and green ----------------------------------------------------------------------

BOTH = """
strategy:
  blue_green:
    blue: name~^blue
    green: name~^green
    up: [{run: up}]
    gates: [{check: {command: healthy}}]
    switch:
      - {run: enter, when: name~^green}
      - {run: turn, when: name=proxy}
      - {run: leave, when: name~^blue}
    hold: 0s
    retire: [{run: stop}]
    back:
      - {run: enter, when: name~^blue}
      - {run: turn, when: name=proxy}
      - {run: leave, when: name~^green}
"""


def _both(folder: Path, told: Told) -> Desk:
    return Desk(folder, Shell(told), nodes=[node(name) for name in ("blue1", "blue2", "green1", "green2", "proxy")])


async def test_green_takes_the_place_of_blue(tmp_path: Path) -> None:
    told = Told()
    desk = _both(tmp_path, told)
    run = await desk.run(BOTH.replace("hold: 0s", "hold: 0s\n    parallel: 1"))
    assert (run.standing, run.detail) == (Standing.OK, "5 ok")
    assert told.ran == [
        "green1 up", "green2 up", "green1 healthy", "green2 healthy", "green1 enter", "green2 enter", "proxy turn",
        "blue1 leave", "blue2 leave", "green1 healthy", "green2 healthy", "blue1 stop", "blue2 stop",
    ]  # fmt: skip


async def test_when_green_is_sick_nothing_is_switched(tmp_path: Path) -> None:
    told = Told(green2_healthy="1")
    desk = _both(tmp_path, told)
    run = await desk.run(BOTH)
    assert run.standing is Standing.ROLLED_BACK
    assert (sorted(told.of("leave")), told.of("enter"), told.of("stop")) == (["green1", "green2"], [], [])


async def test_what_fails_in_the_hold_switches_back_the_last_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calmtui.runbooks import gates

    monkeypatch.setattr(gates, "INTERVAL", 0.05)
    told = Told()
    desk = _both(tmp_path, told)
    run = desk.journal.submit(desk.plan(BOTH.replace("hold: 0s", "hold: 1h")))
    carried = asyncio.create_task(desk.carry(run))
    await until(lambda: told.of("healthy").count("green1") >= 3)
    told.ran.clear()
    told.answers["healthy"] = "1"
    run = await carried
    assert run.standing is Standing.ROLLED_BACK
    back = [one for one in told.ran if not one.endswith("healthy")]
    assert (sorted(back[:2]), back[2], sorted(back[3:])) == (
        ["blue1 enter", "blue2 enter"], "proxy turn", ["green1 leave", "green2 leave"],
    )  # fmt: skip


async def test_what_fails_while_blue_is_retired_switches_nothing_back(tmp_path: Path) -> None:
    told = Told(blue1_stop="1")
    desk = _both(tmp_path, told)
    run = await desk.run(BOTH)
    assert (run.standing, run.detail) == (Standing.FAILED, "4 ok, 1 failed")
    assert len(told.of("enter")) == 2


def test_a_node_on_both_sides_and_a_side_without_nodes_are_refused(tmp_path: Path) -> None:
    desk = _both(tmp_path, Told())
    with pytest.raises(UsageError, match="blue1 is both blue and green"):
        desk.plan(BOTH.replace("name~^green\n", "name=green1,blue1\n", 1))
    with pytest.raises(UsageError, match="none of the 5 targets is green"):
        desk.plan(BOTH.replace("green: name~^green", "green: name=x", 1))


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
