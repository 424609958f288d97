"""The ledger in a PostgreSQL database: as in a file, for people who share no machine, and not to be altered by them."""

from __future__ import annotations

import threading
import time

import pytest

from calmtui.governance import trail
from calmtui.governance.approvals import Approvals, Asked, Standing
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.locks import Locks
from calmtui.governance.policies import Requirement
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.store import ledger
from calmtui.store.database import StoreError
from tests.lab.postgres import Postgres

ANNA, HUGO = Who("anna", host="jump-1"), Who("hugo", host="jump-2")


def test_many_append_at_once_to_one_chain_that_holds(postgres: str, postgres_server: Postgres) -> None:
    def work(name: str) -> None:
        log = Trail(postgres, "shop", who=Who(name, host=name))
        for number in range(10):
            log.append(log.record(Event.OUTCOME, action="restart", nodes=(f"ssh:web/{number}",), status="ok"))

    threads = [threading.Thread(target=work, args=(f"host-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = trail.read(postgres)
    assert [item.record.seq for item in found] == list(range(1, 62))
    verdict = trail.verify(postgres)
    assert (verdict.records, verdict.head, verdict.bad) == (61, found[-1].seal, None)
    assert len(trail.read(postgres, after=50, limit=5)) == 5
    name = postgres.rpartition("/")[2]
    for statement in ("update calmtui.audit set seal = 'x'", "delete from calmtui.audit", "truncate calmtui.audit"):
        assert "append-only" in postgres_server.refused(statement, name)
    postgres_server.sql(
        "alter table calmtui.audit disable trigger all; update calmtui.audit set body = replace(body, 'ok', 'no')"
        " where seq = 7",
        name,
    )
    bad = trail.verify(postgres).bad
    assert bad is not None
    assert bad.seq == 7


def test_one_asks_and_another_votes(postgres: str) -> None:
    asks = Approvals(postgres, Trail(postgres, "shop", who=ANNA), Subject(ANNA))
    votes = Approvals(postgres, Trail(postgres, "shop", who=HUGO), Subject(HUGO, frozenset(["sre"])))
    needed = {"four-eyes": Requirement(1, ("sre",), expires=3600.0)}
    request = asks.ask("hash", Asked(ANNA, "restart", "restart web-1", ("web-1",), needed))
    assert asks.ask("hash", Asked(ANNA, "restart", "restart web-1", ("web-1",), needed)).id == request.id
    assert [one.id for one in votes.waiting(time.time())] == [request.id]
    assert votes.vote(request.id, approve=False, reason="not now").standing(time.time()) is Standing.REJECTED
    again = asks.ask("hash", Asked(ANNA, "restart", "restart web-1", ("web-1",), needed))
    votes.vote(again.id, approve=True)
    asks.used(asks.one(again.id))
    assert asks.one(again.id).standing(time.time()) is Standing.USED
    assert [item.record.event for item in trail.read(postgres)] == [
        Event.BEGUN, Event.ASKED, Event.REJECTED, Event.ASKED, Event.APPROVED,
    ]  # fmt: skip


def test_a_node_is_locked_for_one_and_stays_so_for_whoever_carries_the_same_on(postgres: str) -> None:
    together = threading.Barrier(6)
    found = []

    def take(number: int) -> None:
        locks = Locks(postgres, "shop", f"plan {number}", f"person {number}", "stop")
        together.wait()
        found.append(locks.take(["a", "b"]))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, found)) == [0, 2, 2, 2, 2, 2]
    first, second = (Locks(postgres, "shop", "run 1", "anna", "runbook") for _ in range(2))
    assert first.take(["c"]) == []
    assert second.take(["c"]) == []  # the run was taken over
    first.release()
    first.renew()
    other = Locks(postgres, "shop", "run 2", "hugo", "runbook")
    assert [held.who for held in other.take(["c"])] == ["anna"]
    second.release()
    assert other.take(["c"]) == []


def test_the_key_is_missed_and_the_password_is_not_told(postgres: str, postgres_server: Postgres) -> None:
    log = Trail(postgres, "shop", who=ANNA)
    log.append(log.record(Event.INTENT, action="restart"))
    postgres_server.sql("delete from calmtui.audit_key", postgres.rpartition("/")[2])
    with pytest.raises(StoreError, match="the audit_key of the ledger is missing"):
        log.append(log.record(Event.INTENT, action="restart"))
    with pytest.raises(StoreError) as raised:
        Trail("postgresql://ops:hunter2@127.0.0.1:1/x", "shop", who=ANNA).append(log.record(Event.INTENT))
    assert "hunter2" not in str(raised.value)
    assert ledger.where("postgresql://ops:hunter2@db/x") == "postgresql://ops@db/x"


def test_a_role_that_may_only_add_to_the_trail_works_and_takes_nothing_back(
    postgres: str, postgres_server: Postgres
) -> None:
    owner = Trail(postgres, "shop", who=ANNA)
    owner.append(owner.record(Event.INTENT, action="restart"))
    name, role = postgres.rpartition("/")[2], "op_" + postgres[-8:]
    postgres_server.sql(
        f"create role {role} login; grant usage on schema calmtui to {role};"
        f" grant select on calmtui.versions, calmtui.audit_key to {role};"
        f" grant select, insert on calmtui.audit to {role};"
        f" grant select, insert, update, delete on calmtui.approvals, calmtui.votes, calmtui.locks to {role}",
        name,
    )
    theirs = postgres.replace("lab@", f"{role}@")
    log = Trail(theirs, "shop", who=HUGO)
    log.append(log.record(Event.INTENT, action="stop"))
    assert Locks(theirs, "shop", "one", "hugo", "stop").take(["a"]) == []
    assert (trail.verify(theirs).records, trail.verify(theirs).bad) == (3, None)
    with pytest.raises(StoreError, match="cannot be used"), ledger.writing(theirs) as connection:
        connection.execute("alter table audit disable trigger all")
    with pytest.raises(StoreError, match="cannot be used"), ledger.writing(theirs) as connection:
        connection.execute("delete from audit")
