from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from calmtui.actions import execute
from calmtui.actions.commands import Fanout
from calmtui.actions.commands import Limits as CommandLimits
from calmtui.actions.execute import Execution, act
from calmtui.actions.gate import Gate
from calmtui.actions.limits import Limits
from calmtui.actions.outcome import Outcome, Status
from calmtui.actions.plan import Plan, make
from calmtui.errors import Refused, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, State
from calmtui.fleet.update import Delta
from calmtui.governance import trail
from calmtui.providers.base import Command, Forbidden, NodeGone, OutcomeUnknown
from tests.unit.actions.workshop import CATALOGUE, Workshop, live, node


def plan(*nodes: Node) -> Plan:
    return make("stop", nodes, CATALOGUE, is_stale=lambda _: False)


async def admitted(
    estate: LiveEstate, made: Plan, *, read_only: bool = False, parallel: int = 16, **limits: Any
) -> Execution:
    gate = Gate(estate, read_only=read_only, through="command")
    return await act(gate, made, Limits(parallel, **limits))


async def done(_: Node) -> str:
    return "stopped"


async def test_each_node_gets_the_outcome_that_its_own_act_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "LOOK_AGAIN", 0.2)

    async def deed(which: Node) -> str:
        match which.name:
            case "forbidden":
                raise Forbidden("user viewer cannot stop", where="lab")
            case "lost":
                raise OutcomeUnknown("the connection died", where="lab")
            case "gone":
                raise NodeGone("no such thing", where="lab")
            case "fault":
                raise ZeroDivisionError("a fault of ours")
        return "stopped"

    nodes = [node(name) for name in ("fine", "forbidden", "lost", "gone", "fault")]
    outcomes = await (await admitted(live(Workshop(deed), *nodes), plan(*nodes))).run()
    assert [(outcome.node.name, outcome.status) for outcome in outcomes] == [
        ("fine", Status.OK), ("forbidden", Status.FAILED), ("lost", Status.UNKNOWN), ("gone", Status.SKIPPED),
        ("fault", Status.FAILED),
    ]  # fmt: skip
    assert outcomes[0].detail == "stopped"
    assert outcomes[1].detail == "lab: user viewer cannot stop"
    assert "ZeroDivisionError: a fault of ours" in outcomes[4].detail
    assert all(outcome.took is not None for outcome in outcomes)


async def test_a_fault_of_ours_goes_to_the_log_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def deed(_: Node) -> str:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        await (await admitted(live(Workshop(deed), node("a")), plan(node("a")))).run()
    assert caplog.records[0].exc_info is not None


async def test_no_more_nodes_are_acted_on_at_once_than_the_limit_and_as_many_as_it_allows() -> None:
    under_way = most = 0

    async def deed(_: Node) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return ""

    nodes = [node(f"n{number}") for number in range(20)]
    outcomes = await (await admitted(live(Workshop(deed), *nodes), plan(*nodes), parallel=3)).run()
    assert most == 3
    assert {outcome.status for outcome in outcomes} == {Status.OK}


async def test_cancelling_skips_what_has_not_begun_and_lets_the_rest_finish() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def deed(_: Node) -> str:
        begun.set()
        await go_on.wait()
        return "stopped"

    nodes = [node("a"), node("b"), node("c")]
    source = Workshop(deed)
    execution = await admitted(live(source, *nodes), plan(*nodes), parallel=1)
    running = asyncio.create_task(execution.run())
    await begun.wait()
    assert execution.cancel() == 2
    go_on.set()
    assert [outcome.status for outcome in await running] == [Status.OK, Status.SKIPPED, Status.SKIPPED]
    assert [node_id for node_id, *_ in source.acts] == ["lab:a"]


async def test_an_interruption_makes_what_is_under_way_unknown_and_begins_nothing_more() -> None:
    begun = asyncio.Event()

    async def deed(_: Node) -> str:
        begun.set()
        return await asyncio.Future[str]()

    nodes = [node("a"), node("b")]
    execution = await admitted(live(Workshop(deed), *nodes), plan(*nodes), parallel=1)
    running = asyncio.create_task(execution.run())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [outcome.status for outcome in execution.outcomes.values()] == [Status.UNKNOWN, Status.SKIPPED]
    assert execution.ended is not None


async def test_a_node_that_is_gone_or_changed_since_the_plan_is_skipped_and_nothing_is_sent() -> None:
    nodes = [
        node("gone", created=1.0),
        node("stopped", created=1.0),
        node("replaced", created=1.0),
        node("same", created=1.0),
    ]
    source = Workshop(done)
    estate = live(source, *nodes)
    made = plan(*nodes)
    stopped = node("stopped", actions=["start"], state=State.FAILED, raw_state="dead", created=1.0)
    estate.fleet.apply("lab", [Delta("", put=[stopped, node("replaced", created=99.0), node("same", created=2.0)],
                                     gone=["lab:gone"])])  # fmt: skip
    outcomes = await (await admitted(estate, made)).run()
    assert [outcome.status for outcome in outcomes] == [Status.SKIPPED, Status.SKIPPED, Status.SKIPPED, Status.OK]
    assert outcomes[0].detail == "gone since the plan was made"
    assert outcomes[1].detail == "it is dead now: no stop any more"
    assert "replaced by another of that name" in outcomes[2].detail
    assert [node_id for node_id, *_ in source.acts] == ["lab:same"]


async def test_read_only_is_refused_before_anything_whoever_says_it() -> None:
    source = Workshop(done)
    with pytest.raises(Refused):
        await admitted(live(source, node("a")), plan(node("a")), read_only=True)
    with pytest.raises(Refused):
        await admitted(live(source, node("a"), read_only=True), plan(node("a")))
    closed, opened = (Gate(live(source, node("a")), read_only=mode, through="command") for mode in (True, False))
    with pytest.raises(Refused):
        await Fanout(closed, [node("a")], Command(("true",)), CommandLimits()).admit()
    with pytest.raises(Refused, match="the gate has not let it through"):
        await Fanout(opened, [node("a")], Command(("true",)), CommandLimits()).run()
    assert source.acts == []


async def test_the_plan_of_some_targets_is_the_same_action_for_them_alone() -> None:
    nodes = [node("good"), node("bad")]
    again = plan(*nodes).only([nodes[1]])
    assert [target.node.name for target in again.targets] == ["bad"]
    assert again.hash != plan(*nodes).hash
    assert again.hash == plan(nodes[1]).hash


async def test_no_further_node_is_begun_when_more_have_failed_than_may() -> None:
    async def deed(which: Node) -> str:
        if which.name < "n4":
            raise Forbidden("no", where="lab")
        return "stopped"

    nodes = [node(f"n{number}") for number in range(8)]
    source = Workshop(deed)
    outcomes = await (await admitted(live(source, *nodes), plan(*nodes), parallel=1, max_failed="25%")).run()
    assert [outcome.status for outcome in outcomes] == [Status.FAILED] * 3 + [Status.SKIPPED] * 5
    assert len(source.acts) == 3
    assert outcomes[-1].detail == "not begun: more than 2 had failed"


async def test_a_node_waits_until_enough_of_the_others_run_again() -> None:
    down: set[str] = set()

    async def deed(which: Node) -> str:
        down.add(which.name)
        assert len(down) == 1, "it was begun while another was down"
        estate.fleet.apply("lab", [Delta("", put=[node(which.name, state=State.PENDING)])])
        asyncio.get_running_loop().call_later(0.05, come_back, which.name)
        return "restarted"

    def come_back(name: str) -> None:
        down.discard(name)
        estate.fleet.apply("lab", [Delta("", put=[node(name)])])

    nodes = [node(f"n{number}") for number in range(4)]
    estate = live(Workshop(deed), *nodes)
    outcomes = await (await admitted(estate, plan(*nodes), min_healthy="75%")).run()
    assert [outcome.status for outcome in outcomes] == [Status.OK] * 4


async def test_what_would_leave_too_few_running_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calmtui.actions.pace.UNHEALTHY", 0.1)

    async def deed(which: Node) -> str:
        estate.fleet.apply("lab", [Delta("", put=[node(which.name, state=State.STOPPED, actions=["start"])])])
        return "stopped"

    nodes = [node(f"n{number}") for number in range(4)]
    source = Workshop(deed)
    estate = live(source, *nodes)
    outcomes = await (await admitted(estate, plan(*nodes), min_healthy="50%")).run()
    assert [outcome.status for outcome in outcomes] == [Status.OK] * 2 + [Status.SKIPPED] * 2
    assert outcomes[-1].detail == "not begun: fewer than 2 others run"
    assert len(source.acts) == 2


@pytest.mark.parametrize(("in_batch", "done_at_all"), [("1", 6), ("50%", 6), ("0", 2), ("", 2)])
async def test_a_batch_may_have_failures_of_its_own(in_batch: str, done_at_all: int) -> None:
    async def deed(which: Node) -> str:
        if which.name in ("n1", "n2", "n5"):
            raise Forbidden("no", where="lab")
        return "stopped"

    nodes = [node(f"n{number}") for number in range(6)]
    source = Workshop(deed)
    work = await admitted(live(source, *nodes), plan(*nodes), batches=("2",), max_failed_in_batch=in_batch)
    await work.run()
    assert len(source.acts) == done_at_all


@pytest.mark.parametrize("wrong", [{"max_failed": "few"}, {"max_failed_in_batch": "-1"}, {"min_healthy": "101%"}])
async def test_a_limit_that_is_none_is_refused_before_anything_is_recorded(wrong: dict[str, str]) -> None:
    estate = live(Workshop(done), node("a"))
    with pytest.raises(UsageError):
        await admitted(estate, plan(node("a")), **wrong)
    assert list(trail.read(Gate(estate, read_only=False, through="command").trail.path)) == []


async def test_who_is_so_already_is_left_as_it_is_and_told_apart() -> None:
    idle = node("idle", actions=["start"], state=State.STOPPED)
    made = plan(node("a"), idle)
    assert [(item.node.name, item.unchanged) for item in made.left_out] == [("idle", True)]
    source = Workshop(done)
    estate = live(source, node("a"))
    late = plan(node("a"))
    estate.fleet.apply("lab", [Delta("", put=[node("a", actions=["start"], state=State.STOPPED)])])
    [outcome] = await (await admitted(estate, late)).run()
    assert (outcome.status, source.acts) == (Status.UNCHANGED, [])


async def test_an_answer_that_was_lost_is_looked_up_and_said_to_be_what_the_node_shows() -> None:
    async def deed(which: Node) -> str:
        state = {"stopped": State.STOPPED, "restarting": State.PENDING}[which.name]
        estate.fleet.apply("lab", [Delta("", put=[node(which.name, state=state, observed_at=time.time() + 1)])])
        raise OutcomeUnknown("the connection died", where="lab")

    nodes = [node("stopped"), node("restarting")]
    estate = live(Workshop(deed), *nodes)
    outcomes = await (await admitted(estate, plan(*nodes))).run()
    assert [(outcome.status, outcome.detail) for outcome in outcomes] == [
        (Status.OK, "lab: the connection died; looked up: it is stopped"),
        (Status.UNKNOWN, "lab: the connection died; looked up: it is pending"),
    ]


async def test_every_outcome_is_in_the_trail_and_those_under_way_are_told_unknown() -> None:
    begun_one = asyncio.Event()

    async def deed(which: Node) -> str:
        if which.name == "b":
            begun_one.set()
            await asyncio.Future[str]()
        return "stopped"

    nodes = [node("a"), node("b"), node("c")]
    estate = live(Workshop(deed), *nodes)
    execution = await admitted(estate, plan(*nodes), parallel=1)
    running = asyncio.create_task(execution.run())
    await begun_one.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    path = Gate(estate, read_only=False, through="command").trail.path
    told = [item.record for item in trail.read(path)]
    assert [(record.event.value, record.status) for record in told] == [
        ("begun", ""), ("intent", ""), ("outcome", "ok"), ("outcome", "unknown"), ("outcome", "skipped"), ("ended", ""),
    ]  # fmt: skip


async def test_a_listener_hears_every_step_of_every_node() -> None:
    heard: list[tuple[str, Status]] = []
    nodes = [node("a"), node("b")]
    execution = await admitted(live(Workshop(done), *nodes), plan(*nodes))
    end = execution.subscribe(lambda outcome: heard.append((outcome.node.name, outcome.status)))
    await execution.run()
    end()
    for name in ("a", "b"):
        assert [status for heard_name, status in heard if heard_name == name] == [Status.RUNNING, Status.OK]


async def test_a_source_that_is_not_open_fails_its_nodes_with_the_reason() -> None:
    estate = live(Workshop(done), node("a"))
    del estate.gatherer.sources["lab"]
    [outcome] = await (await admitted(estate, plan(node("a")))).run()
    assert (outcome.status, outcome.detail) == (Status.FAILED, "lab: the source is not open")


async def test_text_of_an_error_is_safe_for_a_terminal() -> None:
    async def deed(_: Node) -> str:
        raise Forbidden("no \x1b]0;title\x07", where="lab")

    [outcome] = await (await admitted(live(Workshop(deed), node("a")), plan(node("a")))).run()
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.FAILED, Status.DENIED, Status.UNKNOWN])
def test_what_was_not_done_cannot_be_told_without_a_reason(status: Status) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        Outcome(node("a"), status)
