"""Approvals: bound to a plan, never one's own, spent once; locks and reviews beside them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.errors import Refused, UsageError
from calmtui.estate.model import StandardChange
from calmtui.fleet.node import Node
from calmtui.governance import reviews, standard, trail
from calmtui.governance.approvals import Approvals, Asked, Request, Standing, Vote, met
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.locks import Locks
from calmtui.governance.policies import Requirement
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail

PLAN = "ab" * 32
ONE_SRE = Requirement(1, ("sre",))


def person(path: Path, name: str, *groups: str) -> Approvals:
    who = Who(name)
    return Approvals(path, Trail(path, "shop", who=who), Subject(who, frozenset(groups)))


def asked(path: Path, plan: str = PLAN, **needs: Requirement) -> Request:
    return person(path, "anna").ask(
        plan, Asked(Who("anna"), "stop", "stop 2 nodes", ("a", "b"), needs or {"four-eyes": ONE_SRE}, "disk is full")
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def test_a_plan_is_approved_by_somebody_else_of_the_right_group_and_once(path: Path) -> None:
    request = asked(path)
    assert request.standing(time.time()) is Standing.OPEN
    done = person(path, "hugo", "sre", "staff").vote(request.id, approve=True, reason="seen")
    assert done.standing(time.time()) is Standing.APPROVED
    anna = person(path, "anna")
    assert granted(anna, PLAN)
    anna.used(done)
    assert not granted(anna, PLAN)
    with pytest.raises(Refused, match="it is used by now"):
        person(path, "anna").used(done)


def granted(approvals: Approvals, plan: str) -> bool:
    return any(one.standing(time.time()) is Standing.APPROVED for one in approvals.of_plan(plan))


def test_an_approval_is_for_its_plan_its_estate_and_whoever_asked(path: Path) -> None:
    request = asked(path)
    person(path, "hugo", "sre").vote(request.id, approve=True)
    assert granted(person(path, "anna"), PLAN)
    assert not granted(person(path, "anna"), "cd" * 32)
    assert not granted(person(path, "hugo", "sre"), PLAN)
    elsewhere = Approvals(path, Trail(path, "bank", who=Who("anna")), Subject(Who("anna")))
    assert not granted(elsewhere, PLAN)
    with pytest.raises(UsageError, match="no approval"):
        elsewhere.withdraw(request.id)


def test_what_was_rejected_at_the_last_moment_is_not_spent(path: Path) -> None:
    request = asked(path)
    seen = person(path, "hugo", "sre").vote(request.id, approve=True)
    person(path, "ida", "sre").vote(request.id, approve=False, reason="wait")
    with pytest.raises(Refused, match="it is rejected by now"):
        person(path, "anna").used(seen)


def test_the_same_plan_that_needs_more_now_is_asked_for_anew(path: Path) -> None:
    first = asked(path)
    second = asked(path, eyes=Requirement(2, ("sre",)))
    assert first.id != second.id


@pytest.mark.parametrize(
    ("who", "groups", "why"),
    [("anna", ("sre",), "nobody approves their own plan"), ("eve", ("staff",), "it takes a member of sre")],
)
def test_a_vote_that_may_not_count_is_refused_and_recorded(
    path: Path, who: str, groups: tuple[str, ...], why: str
) -> None:
    request = asked(path)
    with pytest.raises(Refused, match=why):
        person(path, who, *groups).vote(request.id, approve=True)
    assert person(path, "anna").one(request.id).votes == ()
    assert trail.read(path)[-1].record.event is Event.DENIED


def test_a_rejected_withdrawn_or_expired_request_allows_nothing(path: Path) -> None:
    rejected = asked(path, "1" * 64)
    person(path, "hugo", "sre").vote(rejected.id, approve=False, reason="not now")
    withdrawn = asked(path, "2" * 64)
    person(path, "hugo", "sre").vote(withdrawn.id, approve=True)
    person(path, "anna").withdraw(withdrawn.id)
    expired = asked(path, "3" * 64, quick=Requirement(1, ("sre",), expires=0.0))
    standings = [person(path, "anna").one(one.id).standing(time.time()) for one in (rejected, withdrawn, expired)]
    assert standings == [Standing.REJECTED, Standing.WITHDRAWN, Standing.EXPIRED]
    for request in (rejected, withdrawn, expired):
        assert not granted(person(path, "anna"), request.plan)
        with pytest.raises(Refused, match="it is "):
            person(path, "hugo", "sre").vote(request.id, approve=True)


def test_only_who_asked_withdraws(path: Path) -> None:
    with pytest.raises(Refused, match="only anna"):
        person(path, "hugo", "sre").withdraw(asked(path).id)


def test_the_same_plan_is_not_asked_for_twice(path: Path) -> None:
    assert asked(path).id == asked(path).id
    with pytest.raises(UsageError, match="no approval 'nothing'"):
        person(path, "hugo").one("nothing")


def test_one_vote_counts_for_every_rule_it_can_and_the_rest_is_named(path: Path) -> None:
    request = asked(path, eyes=ONE_SRE, budget=Requirement(1, ("leads",)))
    after = person(path, "hugo", "sre").vote(request.id, approve=True)
    assert after.standing(time.time()) is Standing.OPEN
    assert list(after.missing) == ["budget"]
    done = person(path, "ida", "leads").vote(request.id, approve=True)
    assert done.standing(time.time()) is Standing.APPROVED


@given(
    votes=st.lists(st.tuples(st.sampled_from("abcde"), st.sets(st.sampled_from(["x", "y"])), st.booleans()), max_size=5,
                   unique_by=lambda vote: vote[0]),
    number=st.integers(1, 3), every=st.booleans(), groups=st.sets(st.sampled_from(["x", "y"])),
)  # fmt: skip
def test_a_requirement_is_met_exactly_when_the_people_can_be_counted(
    votes: list[tuple[str, set[str], bool]], number: int, every: bool, groups: set[str]
) -> None:
    needed = Requirement(number, tuple(sorted(groups)), every)
    cast = [Vote(who, tuple(sorted(of)), 0.0, yes) for who, of, yes in votes]
    agreed = [of for _, of, yes in votes if yes]
    if every and groups:
        expected = min(sum(group in of for of in agreed) for group in groups) >= number
    else:
        expected = sum(not groups or bool(of & groups) for of in agreed) >= number
    assert met(needed, cast) is expected


# -- locks ------------------------------------------------------------------------------------


def test_a_node_is_changed_by_one_plan_at_a_time(path: Path) -> None:
    anna = Locks(path, "shop", "one", "anna", "stop")
    hugo = Locks(path, "shop", "two", "hugo", "restart")
    assert anna.take(["a", "b"]) == []
    (held,) = hugo.take(["b", "c"])
    assert (held.node, held.who, held.action) == ("b", "anna", "stop")
    assert anna.take(["c"])[0].who == "hugo"
    anna.release(["b"])
    assert hugo.take(["b"]) == []
    hugo.release()
    assert [held.who for held in Locks(path, "shop", "three", "ida", "stop").take(["a", "b", "c"])] == ["anna"]
    assert Locks(path, "another estate", "four", "ida", "stop").take(["a"]) == []


def test_whoever_carries_a_plan_on_has_its_locks_and_the_one_before_can_not_release_them(path: Path) -> None:
    before, after = (Locks(path, "shop", "run 1", "anna", "runbook") for _ in range(2))
    assert before.take(["a"]) == []
    assert after.take(["a"]) == []
    before.release(["a"])
    before.release()
    assert Locks(path, "shop", "run 2", "hugo", "runbook").take(["a"]) != []


def test_the_locks_of_a_console_that_died_end_by_themselves(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Locks(path, "shop", "one", "anna", "stop").take(["a"])
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 61)
    assert Locks(path, "shop", "two", "hugo", "stop").take(["a"]) == []


# -- standard changes and reviews -------------------------------------------------------------------


def test_a_standard_change_is_one_only_within_its_limits() -> None:
    change = StandardChange("bounce", "restart", "env=test", 2)
    nodes = [Node(name, "host", name, "s", env="test") for name in "abc"]
    other = Node("d", "host", "d", "s", env="prod")

    def compiled(query: str) -> object:
        from calmtui.fleet.query import Surroundings, compile_query

        return compile_query(query, Surroundings())

    def fits(action: str, *some: Node) -> bool:
        return standard.fitting([change], action, some, compiled) is not None  # type: ignore[arg-type]

    assert fits("restart", *nodes[:2])
    assert not fits("stop", *nodes[:2])
    assert not fits("restart", *nodes)
    assert not fits("restart", nodes[0], other)


def test_break_glass_waits_for_the_review_of_somebody_else(path: Path) -> None:
    anna, hugo = Trail(path, "shop", who=Who("anna")), Trail(path, "shop", who=Who("hugo"))
    anna.append(anna.record(Event.BREAK_GLASS, action="stop", reason="fire", nodes=("a",)))
    (waiting,) = reviews.open_reviews(path, "shop")
    with pytest.raises(Refused, match="did themselves"):
        reviews.review(anna, waiting.record.seq, "fine")
    with pytest.raises(UsageError, match="says what came of it"):
        reviews.review(hugo, waiting.record.seq, " ")
    reviews.review(hugo, waiting.record.seq, "right thing to do; the freeze needs an exception")
    assert reviews.open_reviews(path, "shop") == []
    assert trail.verify(path).bad is None
