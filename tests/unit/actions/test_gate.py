"""Nothing is changed that the gate has not let through, and what it lets through is on record before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.actions.deed import Deed
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.errors import CalmError, Refused, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, Freeze, Notify, StandardChange
from calmtui.fleet.node import Node
from calmtui.governance import trail
from calmtui.governance.approvals import Approvals
from calmtui.governance.decide import Answer, Subject
from calmtui.governance.identity import Who
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.providers.base import Danger
from calmtui.store.database import StoreError

TEST = Node("ssh:web/t", "host", "t", "web", env="test")
PROD = Node("ssh:web/p", "host", "p", "web", env="production")
RULES = """
@id("all") permit (principal, action, resource);
@id("eyes") @approvals("1") forbid (principal, action in Action::"act", resource) when { resource.production };
@id("shells") forbid (principal, action == Action::"shell", resource) when { resource.production }
unless { context.break_glass };
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def gate(path: Path, *, rules: str = RULES, read_only: bool = False, **estate: object) -> Gate:
    folder = path.parent / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "team.cedar").write_text(rules)
    live = LiveEstate(Estate("shop", ledger=path, policies=folder, **estate))  # type: ignore[arg-type]
    return Gate(live, read_only=read_only, through="command")


def restart(*nodes: Node, **more: object) -> Deed:
    return Deed("restart", nodes, ["restart the host"] * len(nodes), Danger.CONFIRM, **more)  # type: ignore[arg-type]


def events(path: Path) -> list[str]:
    return [item.record.event.value for item in trail.read(path)]


async def test_what_is_allowed_is_recorded_before_it_begins_and_its_outcomes_after(path: Path) -> None:
    admission = await gate(path).admit(restart(TEST))
    assert admission.nodes == [TEST]
    assert events(path) == ["begun", "intent"]
    async with admission:
        admission.note(Outcome(TEST, Status.RUNNING))
        admission.note(Outcome(TEST, Status.OK, "done"))
    found = [item.record for item in trail.read(path)]
    assert [record.event for record in found[2:]] == [Event.OUTCOME, Event.ENDED]
    assert (found[2].nodes, found[2].status, found[2].plan) == ((TEST.id,), "ok", restart(TEST).hash)
    assert found[3].detail == "1 ok"
    assert trail.verify(path).bad is None


async def test_read_only_refuses_and_says_so_in_the_trail(path: Path) -> None:
    for closed in (gate(path, read_only=True), Gate(LiveEstate(Estate("shop", ledger=path, read_only=True)),
                                                    read_only=False, through="command")):  # fmt: skip
        with pytest.raises(Refused, match="read-only"):
            await closed.admit(restart(TEST))
    assert events(path) == ["begun", "denied", "denied"]


async def test_a_plan_that_needs_approval_is_refused_until_somebody_else_approves_and_then_goes_once(
    path: Path,
) -> None:
    mine = gate(path)
    deed = restart(TEST, PROD)
    judged = await mine.judge(deed)
    assert (judged.answer, list(judged.needs)) == (Answer.APPROVAL, ["eyes"])
    with pytest.raises(Refused, match="needs the approval of 1 person; --ask-approval asks for it"):
        await mine.admit(deed)
    request = await mine.ask(judged, "the fix of yesterday")
    other = Who("somebody-else")
    Approvals(path, Trail(path, "shop", who=other), Subject(other)).vote(request.id, approve=True)
    assert (await mine.judge(deed)).answer is Answer.ALLOWED
    with pytest.raises(Refused):
        await mine.admit(restart(PROD))  # another plan
    async with await mine.admit(deed) as admission:
        assert admission.nodes == [TEST, PROD]
    with pytest.raises(Refused):
        await mine.admit(deed)


async def test_a_denied_node_is_left_out_and_told_while_the_others_go_on(path: Path) -> None:
    rules = RULES + '@id("never") forbid (principal, action, resource) when { resource.name == "t" };'
    other = Node("ssh:web/u", "host", "u", "web")
    async with await gate(path, rules=rules).admit(restart(TEST, other)) as admission:
        assert admission.nodes == [other]
        assert "never" in admission.denied[TEST.id]
    assert events(path)[:3] == ["begun", "intent", "denied"]


async def test_break_glass_needs_a_reason_and_is_loud_only_where_it_was_needed(path: Path) -> None:
    shell = Deed("shell", [PROD], ["a shell"], Danger.CONFIRM, event=Event.SHELL)
    with pytest.raises(Refused):
        await gate(path).admit(shell)
    with pytest.raises(UsageError, match="needs a reason"):
        await gate(path).admit(shell, break_glass=True)
    async with await gate(path).admit(shell, break_glass=True, reason="the site is down"):
        pass
    async with await gate(path).admit(restart(TEST), break_glass=True, reason="not needed"):
        pass
    assert events(path) == ["begun", "denied", "break-glass", "shell", "ended", "intent", "ended"]


async def test_break_glass_that_opens_only_some_of_the_nodes_is_loud_and_reviewed_too(path: Path) -> None:
    never = '@id("never") forbid (principal, action, resource) when { resource.name == "t" && !context.break_glass };'
    rules = RULES + never
    other = Node("ssh:web/u", "host", "u", "web")
    closed = gate(path, rules=rules)
    assert (await closed.judge(restart(TEST, other))).answer is Answer.ALLOWED  # but for one node
    async with await closed.admit(restart(TEST, other), break_glass=True, reason="fire") as admission:
        assert (admission.nodes, admission.broken) == ([TEST, other], "fire")
    assert events(path)[:3] == ["begun", "break-glass", "intent"]
    async with await closed.admit(restart(other), break_glass=True, reason="fire") as admission:
        assert admission.broken == ""
    assert events(path).count("break-glass") == 1


async def granted(gate: Gate, deed: Deed) -> None:
    """Asked for by this person and approved by another."""
    request = await gate.ask(await gate.judge(deed))
    other = Who("somebody-else")
    Approvals(gate.trail.path, Trail(gate.trail.path, "shop", who=other), Subject(other)).vote(request.id, approve=True)


async def test_an_approval_does_not_suffice_when_the_rule_asks_for_more_since(path: Path) -> None:
    await granted(gate(path), restart(PROD))
    stricter = gate(path, rules=RULES.replace('@approvals("1")', '@approvals("2")'))
    with pytest.raises(Refused, match="needs the approval of 2 people"):
        await stricter.admit(restart(PROD))
    again = await stricter.ask(await stricter.judge(restart(PROD)))
    assert again.asked.needs["eyes"].number == 2
    async with await gate(path).admit(restart(PROD)) as admission:  # the rule that it was asked under
        assert admission.nodes == [PROD]


async def test_an_approval_is_spent_even_in_an_emergency_and_no_glass_is_broken_then(path: Path) -> None:
    await granted(gate(path), restart(PROD))
    async with await gate(path).admit(restart(PROD), break_glass=True, reason="fire") as admission:
        assert admission.broken == ""
    assert "break-glass" not in events(path)
    with pytest.raises(Refused):
        await gate(path).admit(restart(PROD))


async def test_what_is_declared_after_the_first_question_holds_from_then_on(path: Path) -> None:
    declared = gate(path).live.estate
    live = LiveEstate(Estate("shop"))
    early = Gate(live, read_only=False, through="console")
    assert (await early.judge(restart(PROD))).answer is Answer.ALLOWED
    live.declare(declared)
    assert (await early.judge(restart(PROD))).answer is Answer.APPROVAL
    assert early.trail.path == path


async def test_a_hook_that_fails_is_told_and_the_request_stands(path: Path) -> None:
    mine = gate(path, notify=Notify(command=("false",)))
    request = await mine.ask(await mine.judge(restart(PROD)))
    with pytest.raises(CalmError, match="nobody was notified: false: exit 1"):
        await mine.tell(request)
    assert mine.approvals.one(request.id) == request


async def test_a_freeze_holds_and_lets_what_takes_back_through(path: Path) -> None:
    from datetime import datetime, timedelta

    always = Freeze("forever", datetime(2020, 1, 1), timedelta(days=36500), scope="env=test")
    frozen = gate(path, rules='permit (principal, action, resource);\n@id("f") forbid (principal, action, resource)'
                  " when { context.frozen } unless { context.undo };", freezes=(always,))  # fmt: skip
    with pytest.raises(Refused, match="forever"):
        await frozen.admit(restart(TEST))
    async with await frozen.admit(restart(TEST, undo=True)) as admission:
        assert admission.nodes == [TEST]
    async with await frozen.admit(restart(PROD)) as admission:
        assert admission.nodes == [PROD]


async def test_a_standard_change_needs_no_approval_within_its_limits(path: Path) -> None:
    change = StandardChange("bounce", "restart", "env=production", 1)
    async with await gate(path, standard=(change,)).admit(restart(PROD)) as admission:
        assert admission.nodes == [PROD]
    assert "standard change bounce" in trail.read(path)[1].record.detail
    another = Node("ssh:web/q", "host", "q", "web", env="production")
    with pytest.raises(Refused):
        await gate(path, standard=(change,)).admit(restart(PROD, another))


async def test_a_node_that_somebody_is_changing_is_left_out(path: Path) -> None:
    async with await gate(path).admit(restart(TEST)), await gate(path).admit(restart(TEST)) as second:
        assert second.nodes == []
        assert "is doing restart to it" in second.busy[TEST.id]
    async with await gate(path).admit(restart(TEST)) as third:
        assert third.nodes == [TEST]


async def test_what_cannot_be_recorded_is_not_let_through(path: Path) -> None:
    async with await gate(path).admit(restart(TEST)):
        pass
    path.with_suffix(".key").unlink()
    with pytest.raises(StoreError, match="key of the ledger is missing"):
        await gate(path).admit(restart(TEST))
    path.unlink()
    path.write_text("this is no database")
    with pytest.raises(StoreError, match="cannot be used"):
        await gate(path).admit(restart(TEST))


def test_what_a_deed_stands_for_is_part_of_its_hash() -> None:
    assert restart(TEST, binds="a" * 64).hash != restart(TEST, binds="a" * 63 + "b").hash
