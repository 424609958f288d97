"""A command on many nodes: what each answered, in batches, within its time, ended when it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from calmtui.actions.commands import Fanout, Limits, asked_once
from calmtui.actions.gate import Gate
from calmtui.actions.gathered import groups
from calmtui.actions.outcome import Status
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.fleet.update import Delta
from calmtui.providers.base import AuthFailed, Command, Output, Unreachable
from tests.unit.actions.workshop import Deed, Workshop, live, node


async def fanout(deed: Deed, *nodes: Node, limits: Limits | None = None, estate: LiveEstate | None = None) -> Fanout:
    """A command that the gate has let through."""
    gate = Gate(estate or live(Workshop(deed), *nodes), read_only=False, through="command")
    work = Fanout(gate, nodes, Command(("true",)), limits or Limits())
    await work.admit()
    return work


def named(work: Fanout, status: Status) -> list[str]:
    return [node.name for node in work.execution.having(status)]


async def test_a_command_fails_where_it_exits_with_anything_but_0_and_its_output_is_kept() -> None:
    async def status(which: Node) -> str:
        return "0" if which.name == "a" else "3"

    work = await fanout(status, node("a"), node("b"), node("c", offers=()))
    await work.run()
    outcomes = list(work.execution.outcomes.values())
    assert [outcome.status for outcome in outcomes] == [Status.OK, Status.FAILED, Status.SKIPPED]
    assert [outcome.detail for outcome in outcomes[:2]] == ["last", "exit 3: bad"]
    answer = work.answers["lab:b"]
    assert (answer.ending, answer.said.stdout, answer.said.stderr) == ("exit 3", b"first\nlast\n", b"bad\n")


async def test_nodes_with_the_same_output_and_status_stand_together_the_majority_first() -> None:
    async def deed(which: Node) -> str:
        match which.name:
            case "web-7":
                return "0 other"
            case "web-8":
                return "1 same"
            case "web-9":
                raise Unreachable("no answer", where="web-9")
            case _:
                return "0 same"

    work = await fanout(deed, *(node(f"web-{number}") for number in range(1, 10)))
    await work.run()
    called = {f"lab:web-{number}": f"web-{number}" for number in range(1, 10)}
    assert [(group.hosts(called), group.ending, group.said.stdout) for group in groups(work.answers)] == [
        ("web-[1-6]", "exit 0", b"same"),
        ("web-7", "exit 0", b"other"),
        ("web-8", "exit 1", b"same"),
        ("web-9", "unreachable", b""),
    ]


async def test_a_batch_with_failures_is_the_last() -> None:
    begun = []

    async def deed(which: Node) -> str:
        begun.append(which.name)
        return "1" if which.name == "n03" else "0"

    nodes = [node(f"n{number:02}") for number in range(20)]
    work = await fanout(deed, *nodes, limits=Limits(batches=("1", "20%", "100%")))
    await work.run()
    assert begun == ["n00", "n01", "n02", "n03", "n04"]
    skipped = work.execution.outcomes["lab:n05"]
    assert (skipped.status, skipped.detail) == (Status.SKIPPED, "not begun: batch 2 of 3 had failures")


async def test_a_batch_begins_when_the_one_before_has_ended() -> None:
    seen: list[set[str]] = []
    under_way: set[str] = set()

    async def deed(which: Node) -> str:
        under_way.add(which.name)
        await asyncio.sleep(0)
        seen.append(set(under_way))
        under_way.discard(which.name)
        return "0"

    work = await fanout(deed, *(node(f"n{number}") for number in range(6)), limits=Limits(batches=("1", "2")))
    await work.run()
    assert max(map(len, seen)) == 2
    assert not any({"n0"} < together for together in seen)


async def test_what_failed_runs_again_as_often_as_was_asked_for_and_no_more() -> None:
    tries: dict[str, int] = {}

    async def deed(which: Node) -> str:
        tries[which.name] = tries.get(which.name, 0) + 1
        return "0" if which.name == "good" or (which.name == "slow" and tries["slow"] == 2) else "1"

    work = await fanout(deed, node("good"), node("slow"), node("bad"), limits=Limits(retries=2))
    await work.run()
    assert tries == {"good": 1, "slow": 2, "bad": 3}
    assert (named(work, Status.OK), named(work, Status.FAILED)) == (["good", "slow"], ["bad"])
    assert work.answers["lab:slow"].exit_status == 0


async def test_a_command_whose_time_is_up_keeps_what_it_has_said() -> None:
    class Chatty(Workshop):
        async def start(self, node, command):  # type: ignore[no-untyped-def]
            yield None
            yield Output(b"so far")
            await asyncio.Event().wait()

    async def never(_: Node) -> str:
        return "0"

    one = node("a")
    work = await fanout(never, one, limits=Limits(seconds=0.05), estate=live(Chatty(never), one))
    await work.run()
    assert named(work, Status.FAILED) == ["a"]
    assert (work.answers["lab:a"].ending, work.answers["lab:a"].said.stdout) == ("timed out", b"so far")


async def test_a_node_that_is_not_reached_in_time_is_unreachable() -> None:
    class Deaf(Workshop):
        async def start(self, node, command):  # type: ignore[no-untyped-def]
            await asyncio.Event().wait()
            yield None

    async def never(_: Node) -> str:
        return "0"

    one = node("a")
    work = await fanout(never, one, limits=Limits(connect_seconds=0.05), estate=live(Deaf(never), one))
    await work.run()
    assert work.answers["lab:a"].ending == "unreachable"
    assert "not reached within 0.05 s" in work.execution.outcomes["lab:a"].detail


async def test_stopped_it_ends_everywhere_and_what_had_ended_stays() -> None:
    waiting = asyncio.Event()

    async def deed(which: Node) -> str:
        if which.name != "quick":
            waiting.set()
            await asyncio.Event().wait()
        return "0"

    work = await fanout(deed, node("quick"), node("slow"), node("queued"), limits=Limits(parallel=1))
    running = asyncio.create_task(work.run())
    await waiting.wait()
    work.stop()
    await running
    outcomes = {outcome.node.name: outcome.status for outcome in work.execution.outcomes.values()}
    assert outcomes == {"quick": Status.OK, "slow": Status.UNKNOWN, "queued": Status.SKIPPED}
    assert work.answers["lab:slow"].ending == "cancelled"


async def test_whoever_cancels_the_run_is_told_so_and_the_nodes_too() -> None:
    waiting = asyncio.Event()

    async def deed(_: Node) -> str:
        waiting.set()
        await asyncio.Event().wait()
        return "0"

    work = await fanout(deed, node("a"))
    running = asyncio.create_task(work.run())
    await waiting.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert named(work, Status.UNKNOWN) == ["a"]


async def test_output_beyond_the_limit_is_in_a_file_of_its_owner_alone(nobodys_machine: Path) -> None:
    async def deed(which: Node) -> str:
        return "0 " + "x" * (2 * 1024 * 1024) + which.name

    work = await fanout(deed, node("a"), node("b"))
    await work.run()
    said = work.answers["lab:a"].said
    assert said.folder is not None
    assert (said.folder / "stdout").read_bytes() == b"x" * (2 * 1024 * 1024) + b"a"
    assert (said.folder / "stdout").stat().st_mode & 0o777 == 0o600
    assert len(said.stdout) == 1024 * 1024
    assert str(said.folder) in said.lines()[-1]
    assert len(groups(work.answers)) == 2  # they differ beyond what is kept


async def test_a_password_is_asked_for_once_however_many_want_it() -> None:
    asked = []

    async def ask(prompt: str) -> str:
        asked.append(prompt)
        await asyncio.sleep(0)
        return "s3cret"

    once = asked_once(ask)
    assert await asyncio.gather(*(once("password") for _ in range(5))) == ["s3cret"] * 5
    assert asked == ["password"]


async def test_a_login_that_is_refused_is_a_group_of_its_own() -> None:
    async def deed(_: Node) -> str:
        raise AuthFailed("no key fits", where="a")

    work = await fanout(deed, node("a"))
    await work.run()
    assert work.answers["lab:a"].ending == "login refused"


async def test_a_command_for_an_instance_runs_through_the_host_that_it_surely_is_and_says_so() -> None:
    async def status(which: Node) -> str:
        return "0" if which.name == "edge" else "3"

    web = node("web", kind="instance", aliases=("ec2:i-1",), offers=())
    edge = node("edge", kind="host", aliases=("ec2:i-1",))
    work = await fanout(status, web, estate=live(Workshop(status), web, edge))
    await work.run()
    [outcome] = work.execution.outcomes.values()
    assert (outcome.node.id, outcome.status, outcome.detail) == (web.id, Status.OK, "through host edge: last")


async def test_no_command_runs_through_a_host_that_is_a_guess() -> None:
    async def status(_: Node) -> str:
        return "0"

    web = Node("aws:cloud/i-1", "instance", "web", "cloud")
    edge = node("edge", kind="host", labels={"hostname": "web"})
    estate = live(Workshop(status), edge)
    estate.fleet.apply("cloud", [Delta("", [web])])
    work = await fanout(status, web, estate=estate)
    await work.run()
    [outcome] = work.execution.outcomes.values()
    assert outcome.status is Status.SKIPPED
    assert "host edge may be it, which is a guess (same name web)" in outcome.detail
