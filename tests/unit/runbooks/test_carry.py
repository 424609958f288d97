"""A run does what its plan says, node by node; whoever carries it on after a crash begins nothing anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calmtui.actions.outcome import Status
from calmtui.errors import CalmError
from calmtui.estate.model import Freeze
from calmtui.fleet.node import Node, State
from calmtui.fleet.update import Delta, Snapshot
from calmtui.governance import trail
from calmtui.governance.approvals import Approvals
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.trail import Trail
from calmtui.runbooks import again
from calmtui.runbooks.engine import InMemory
from calmtui.runbooks.journal import Event, Run, Standing
from tests.unit.actions.workshop import node
from tests.unit.runbooks.desk import Desk, fails_on, rolling

TWO = "steps:\n  - {name: one, run: a}\n  - {name: two, run: b}\n"
BACK = "rollback:\n  - {run: back}\n"


async def test_each_step_is_done_on_every_node_and_recorded(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on())
    run = await desk.run(TWO)
    assert (run.standing, run.detail) == (Standing.OK, "4 ok")
    assert sorted(desk.steps(run)) == sorted((f"n{n}", step, "ok") for n in range(1, 5) for step in ("1", "2"))
    told = [item.record for item in trail.read(tmp_path / "ledger.db")]
    assert [record.action for record in told if record.event.value == "intent"] == ["runbook"]
    assert sorted(node for record in told if record.event.value == "outcome" for node in record.nodes) == [
        "lab:n1", "lab:n2", "lab:n3", "lab:n4",
    ]  # fmt: skip


async def test_a_node_that_fails_gets_no_further_step_and_no_further_batch_begins(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on("n2"))
    run = await desk.run(rolling("batches: [2]", "parallel: 1") + TWO)
    assert (run.standing, run.detail) == (Standing.FAILED, "1 ok, 1 failed, 2 skipped")
    assert desk.done(run, "2") == ["n1"]
    assert ("n3", "", "skipped") in desk.steps(run)


async def test_a_step_of_some_batches_is_done_on_their_nodes_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on())
    plan = desk.plan(rolling("batches: [1, 100%]") + TWO)
    first, second = plan.steps
    steps = (msgspec.structs.replace(first, stages=(0,)), msgspec.structs.replace(second, stages=(1,)))
    run = await desk.carry(desk.journal.submit(msgspec.structs.replace(plan, steps=steps)))
    assert (run.standing, run.detail) == (Standing.OK, "4 ok")
    assert (desk.done(run, "1"), sorted(desk.done(run, "2"))) == (["n1"], ["n2", "n3", "n4"])


async def test_within_the_budget_it_goes_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on("n1", "n3"))
    run = await desk.run(rolling("parallel: 1", "max_failed: 2") + TWO)
    assert (run.standing, run.detail) == (Standing.FAILED, "2 ok, 2 failed")


async def test_with_continue_any_number_may_fail(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on("n1", "n2", "n3"))
    run = await desk.run(rolling("parallel: 1") + TWO + "on_failure: continue\n")
    assert run.detail == "1 ok, 3 failed"


async def test_what_was_begun_is_rolled_back_the_last_first(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on())
    back: list[str] = []

    async def deed(target: Node) -> str:
        back.append(target.name)
        return "1" if target.name == "n3" and back.count("n3") == 1 else "0"

    desk.source.deed = deed
    run = await desk.run(rolling("batches: [1]", "parallel: 1") + "steps:\n  - {run: a}\non_failure: rollback\n" + BACK)
    assert run.standing is Standing.ROLLED_BACK
    assert back == ["n1", "n2", "n3", "n3", "n2", "n1"]


async def test_a_condition_leaves_steps_out_and_guards_leave_things_alone(tmp_path: Path) -> None:
    ran: list[str] = []

    async def deed(target: Node) -> str:
        ran.append(target.name)
        return "0"

    desk = Desk(tmp_path, deed, count=2)
    run = await desk.run("steps:\n  - {run: a, when: name=n1}\n  - {run: b, unless: c}\n")
    assert run.standing is Standing.OK
    assert sorted(desk.steps(run)) == [("n1", "1", "ok"), ("n1", "2", "unchanged"),
                                       ("n2", "1", "skipped"), ("n2", "2", "unchanged")]  # fmt: skip
    assert sorted(ran) == ["n1", "n1", "n2"]


async def test_parallel_steps_are_as_good_as_the_worst_of_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on(), count=1)
    run = await desk.run("steps:\n  - parallel: [{run: a}, {check: {query: name=other}}]\n")
    assert run.standing is Standing.FAILED
    assert {(step, status) for _, step, status in desk.steps(run)} == {
        ("1.1", "ok"),
        ("1.2", "failed"),
        ("1", "failed"),
    }


async def test_actions_wait_and_other_runbooks_are_steps_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on(), count=2)
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "inner.yaml").write_text(
        "runbook: inner\nsummary: s\ntargets: kind=thing\nparameters: {who: {required: true}}\n"
        "steps:\n  - {run: 'greet {{ who }}'}\n"
    )
    object.__setattr__(desk.live.estate, "path", tmp_path / "estate.yaml")
    plan = desk.plan(
        "steps:\n  - {action: destroy}\n  - wait: {query: state=running}\n"
        "  - {runbook: inner, parameters: {who: you}, when: name=n1}\n"
    )
    assert plan.sentences[0] == "destroy; wait until state=running for 0s, 5m at the most; run greet you, where name=n1"
    run = await desk.carry(desk.journal.submit(plan))
    assert run.standing is Standing.OK
    assert sorted(desk.source.acts) == [("lab:n1", "destroy", {}), ("lab:n2", "destroy", {})]


async def test_what_policy_freezes_is_refused_and_nothing_begins(tmp_path: Path) -> None:
    from datetime import datetime, timedelta

    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "team.cedar").write_text(
        '@id("all") permit (principal, action, resource);\n'
        '@id("freeze") forbid (principal, action == Action::"exec", resource) when { context.frozen };\n'
    )
    freeze = Freeze("now", datetime(2020, 1, 1), timedelta(days=36500))
    desk = Desk(tmp_path, fails_on(), policies=tmp_path / "policies", freezes=(freeze,))
    run = await desk.run(TWO)
    assert run.standing is Standing.FAILED
    assert "freeze" in run.detail
    assert {status for _, _, status in desk.steps(run)} == {"skipped"}


async def test_others_approve_between_the_steps_of_a_batch(tmp_path: Path) -> None:
    desk = Desk(tmp_path, fails_on(), count=2)
    run = desk.journal.submit(desk.plan("steps:\n  - {run: a}\n  - approve: {by: sre}\n  - {run: b}\n"))
    carried = asyncio.create_task(desk.carry(run))
    ledger = tmp_path / "ledger.db"
    other = Subject(Who("beth"), frozenset({"sre"}))
    approvals = Approvals(ledger, Trail(ledger, "test", who=other.who), other)
    async with asyncio.timeout(60):
        while desk.journal.run(run.id).standing is not Standing.WAITING:
            await asyncio.sleep(0.05)
    (request,) = approvals.newest()
    assert sorted(desk.done(run, "1")) == ["n1", "n2"]
    assert desk.done(run, "3") == []
    approvals.vote(request.id, approve=True)
    assert (await carried).standing is Standing.OK
    assert sorted(desk.done(run, "3")) == ["n1", "n2"]


@pytest.mark.parametrize("harmless", [False, True])
async def test_cancelled_it_ends_what_is_under_way_and_resumed_it_does_the_rest(tmp_path: Path, harmless: bool) -> None:
    hang = asyncio.Event()
    begun = asyncio.Event()

    async def deed(target: Node) -> str:
        if target.name == "n2" and not hang.is_set():
            begun.set()
            await hang.wait()
        return "0"

    desk = Desk(tmp_path, deed, count=3)
    run = desk.journal.submit(
        desk.plan(rolling("parallel: 1") + f"steps:\n  - {{run: a, repeatable: {str(harmless).lower()}}}\n")
    )
    carried = asyncio.create_task(desk.carry(run))
    await begun.wait()
    desk.journal.want(run.id, "cancel", "ann")
    run = await carried
    assert (run.standing, run.detail) == (Standing.CANCELLED, "1 ok, 1 skipped, 1 unknown")
    hang.set()
    run = await desk.carry(again.resume(desk.journal, run))
    assert (run.attempt, run.detail) == (2, "3 ok" if harmless else "2 ok, 1 unknown")


@pytest.mark.parametrize("repeatable", [False, True])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crashes=st.lists(st.integers(0, 9), max_size=4), parallel=st.integers(1, 3))
async def test_however_often_its_worker_dies_nothing_is_doubled_that_must_not_be(
    tmp_path_factory: pytest.TempPathFactory, repeatable: bool, crashes: list[int], parallel: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    begun: list[str] = []
    crash = asyncio.Event()
    left = list(crashes)

    async def deed(target: Node) -> str:
        begun.append(target.name)
        if left and left[0] == 0:
            left.pop(0)
            crash.set()
            await asyncio.Event().wait()
        if left:
            left[0] -= 1
        return "0"

    desk = Desk(folder, deed)
    text = rolling("batches: [1, 100%]", f"parallel: {parallel}") + "on_failure: continue\n"
    harmless = f"repeatable: {str(repeatable).lower()}"
    text += f"steps:\n  - {{run: a, {harmless}}}\n  - {{run: b, {harmless}}}\n"
    run = desk.journal.submit(desk.plan(text))
    await _carried(desk.engine, run, crash)
    ended = desk.journal.run(run.id)
    assert ended.standing in (Standing.OK, Standing.FAILED)
    final = {(name, step): status for name, step, status in desk.steps(run)}
    for number in range(1, 5):
        name = f"n{number}"
        known = [final.get((name, step)) for step in ("1", "2")]
        if repeatable:
            assert known == ["ok", "ok"]
        else:
            assert begun.count(name) <= 2  # each step once at the most
            assert known in (["ok", "ok"], ["unknown", None], ["ok", "unknown"])
            assert begun.count(name) == sum(status is not None for status in known)
    assert repeatable == (ended.standing is Standing.OK) or "unknown" not in final.values()


async def _carried(engine: InMemory, run: Run, crash: asyncio.Event) -> None:
    """Carry it out, the engine dying whenever the event says so."""
    while True:
        async with engine:
            await engine.begin(run.workflow)
            end = asyncio.create_task(engine.ended(run.workflow))
            dies = asyncio.create_task(crash.wait())
            await asyncio.wait([end, dies], return_when=asyncio.FIRST_COMPLETED)
            dies.cancel()
            if end.done():
                return
            crash.clear()
        await asyncio.gather(end, return_exceptions=True)


@pytest.mark.parametrize(("state", "status"), [(State.STOPPED, "ok"), (State.RUNNING, "unknown")])
async def test_an_action_that_was_interrupted_is_looked_up_and_not_done_again(
    tmp_path: Path, state: State, status: str
) -> None:
    desk = Desk(tmp_path, fails_on(), count=1)
    run = desk.journal.submit(desk.plan("steps:\n  - {action: stop}\n"))
    beginning = Event("lab:n1", "1", Status.RUNNING, State.RUNNING.value, attempt=1)
    desk.journal.append(run.id, [beginning, beginning])  # two workers died under it
    desk.live.fleet.apply("lab", [Delta("", put=[msgspec.structs.replace(desk.nodes[0], state=state)])])
    ended = await desk.carry(run)
    assert desk.source.acts == []
    assert desk.steps(ended) == [("n1", "1", status)]


async def test_a_lost_answer_is_unknown_and_counts_as_a_failure(tmp_path: Path) -> None:
    from calmtui.errors import OutcomeUnknown

    async def deed(target: Node) -> str:
        raise OutcomeUnknown("connection lost", where=target.name)

    desk = Desk(tmp_path, deed, count=2)
    run = await desk.run(rolling("parallel: 1") + "steps:\n  - {run: a, retries: 2}\n")
    assert run.detail == "1 skipped, 1 unknown"


async def test_a_secret_is_fetched_when_it_is_used_and_stands_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "hunter2")
    desk = Desk(tmp_path, fails_on(), count=1)
    text = "parameters: {token: {type: secret, env: TOKEN}}\nsteps:\n  - {run: 'login', env: {T: '{{ token }}'}}\n"
    run = await desk.run(text)
    assert run.standing is Standing.OK
    for file in tmp_path.glob("*.db*"):
        assert b"hunter2" not in file.read_bytes()
    monkeypatch.delenv("TOKEN")
    run = await desk.run(text)
    assert [event.detail for event in desk.journal.events(run.id) if event.status is Status.FAILED] == [
        "the secret 'token' is not there; set the environment variable TOKEN"
    ]


def test_an_altered_plan_is_not_carried_out(tmp_path: Path) -> None:
    import sqlite3

    desk = Desk(tmp_path, fails_on())
    run = desk.journal.submit(desk.plan(TWO))
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute('update runs set plan = replace(plan, \'"run":"a"\', \'"run":"rm"\')')
    with pytest.raises(CalmError, match="altered"):
        desk.journal.plan(run.id)


async def test_what_the_estate_has_become_meanwhile_changes_nothing_in_a_run(tmp_path: Path) -> None:
    """The targets are those of the plan, in its order, whoever carries it on (hazard H3)."""
    done: list[str] = []
    crash = asyncio.Event()

    async def deed(target: Node) -> str:
        if target.name == "n2" and not crash.is_set():
            crash.set()
            await asyncio.Event().wait()
        done.append(target.name)
        return "0"

    desk = Desk(tmp_path, deed)
    run = desk.journal.submit(desk.plan("strategy: one at a time\nsteps: [{run: a, repeatable: true}]\n"))
    async with desk.engine as engine:
        await engine.begin(run.workflow)
        await crash.wait()
    others = [node("a0"), *(msgspec.structs.replace(one, name=f"z{one.name}") for one in reversed(desk.nodes))]
    desk.live.fleet.apply("lab", [Snapshot("", others)])
    desk.source.nodes = others
    async with desk.engine as engine:
        assert await engine.begin(run.workflow)
        await engine.ended(run.workflow)
    assert desk.journal.run(run.id).detail == "4 ok"
    assert done == ["n1", "zn2", "zn3", "zn4"]
    assert desk.done(run, "1") == ["n1", "n2", "n3", "n4"]
