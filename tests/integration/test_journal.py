"""The journal in a file and in a PostgreSQL database: the same, and what is not one's own cannot be written to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from calmtui.actions.outcome import Status
from calmtui.governance.identity import me
from calmtui.runbooks import workers
from calmtui.runbooks.journal import Event, Journal, Lost, Standing
from calmtui.runbooks.plan import RunPlan
from calmtui.store.database import StoreError
from tests.lab.postgres import Postgres

PLAN = RunPlan("x", "s", "", me(), (), "", False, {}, (), (), 1, None, 0, 0.0, "stop", (), (), {}, (), 0)


@pytest.fixture(params=["file", "server"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    place = tmp_path / "runs.db" if request.param == "file" else request.getfixturevalue("postgres")
    return Journal(place)


def test_a_run_is_taken_in_claimed_and_accounted_for(journal: Journal) -> None:
    submitted = journal.submit(PLAN, sites=["us", "eu"])
    assert (submitted.standing, submitted.sites, submitted.owner) == (Standing.SUBMITTED, "eu us", "")
    assert journal.plan(submitted.id) == PLAN
    claimed = journal.claim(submitted, "w1")
    assert claimed is not None
    journal.stands(submitted.id, Standing.RUNNING, "begins", epoch=claimed.epoch)
    journal.append(submitted.id, [Event("n", "1", Status.RUNNING, at=1.5, attempt=1)], epoch=claimed.epoch)
    journal.append(submitted.id, [Event("n", "1", Status.OK, "done", "out\n%s ?", 2.5, 1)], epoch=claimed.epoch)
    assert [(one.status, one.output, one.at) for one in journal.events(submitted.id)] == [
        (Status.RUNNING, "", 1.5), (Status.OK, "out\n%s ?", 2.5),
    ]  # fmt: skip
    assert journal.events(submitted.id, journal.events(submitted.id)[0].seq)[0].status is Status.OK
    assert [run.owner for run in journal.unfinished()] == ["w1"]
    journal.stands(submitted.id, Standing.FAILED, "1 failed", epoch=claimed.epoch)
    assert journal.unfinished() == []
    again = journal.reopen(submitted.id[:4])
    assert (again.attempt, again.owner, again.epoch, again.ended_at) == (2, "", 1, None)


def test_a_run_is_claimed_by_one_and_what_the_one_before_writes_does_not_count(journal: Journal) -> None:
    run = journal.submit(PLAN)
    claims = []
    together = threading.Barrier(8)

    def claim(name: str) -> None:
        together.wait()
        claims.append(journal.claim(run, name))

    threads = [threading.Thread(target=claim, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (first,) = [one for one in claims if one is not None]
    second = journal.claim(journal.run(run.id), "w9")
    assert second is not None
    for write in (
        lambda: journal.append(run.id, [Event("n", "1", Status.RUNNING)], epoch=first.epoch),
        lambda: journal.stands(run.id, Standing.FAILED, epoch=first.epoch),
    ):
        with pytest.raises(Lost):
            write()
    assert journal.events(run.id) == []
    assert journal.run(run.id).standing is Standing.SUBMITTED
    assert journal.claim(journal.run(run.id), first.owner).epoch == 3  # type: ignore[union-attr]  # with a new number
    with pytest.raises(Lost):
        journal.append(run.id, [], epoch=first.epoch)


def test_what_is_cancelled_before_it_is_claimed_ends_and_afterwards_its_worker_ends_it(journal: Journal) -> None:
    assert journal.want(journal.submit(PLAN).id, "cancel").standing is Standing.CANCELLED
    run = journal.submit(PLAN)
    claimed = journal.claim(run, "w1")
    assert claimed is not None
    wanted = journal.want(run.id, "cancel")
    assert (wanted.standing, wanted.wanted) == (Standing.SUBMITTED, "cancel")
    journal.stands(run.id, Standing.CANCELLED, epoch=claimed.epoch)
    assert journal.claim(journal.run(run.id), "w2") is None


def test_a_worker_that_is_silent_is_told_so_and_one_that_is_heard_of_is_not(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    monkeypatch.setattr(workers.time, "monotonic", lambda: clock)
    quick, slow = workers.oneself(()), workers.oneself(["eu"])
    workers.enlist(journal, quick, alone=False)
    workers.enlist(journal, slow, alone=False)
    run = journal.submit(PLAN)
    assert journal.claim(run, slow.id)
    watch = workers.Watch(journal)
    for clock in range(0, 16, 3):  # noqa: B007 -- the clock of this process
        workers.beat(journal, quick, None)
        assert watch.alive() == {quick.id, slow.id}
    clock = 30  # we were stopped ourselves: nobody is dead because of that
    assert watch.alive() == {quick.id, slow.id}
    for clock in range(30, 50, 3):  # noqa: B007
        workers.beat(journal, quick, None)
        alive = watch.alive()
    assert alive == {quick.id}
    with pytest.raises(Lost):
        workers.beat(journal, slow, None)
    assert [one.gone for one in workers.enlisted(journal)] == [0, 1]
    workers.leave(journal, quick)
    assert [one.id for one in workers.enlisted(journal)] == [slow.id]


@pytest.mark.parametrize(
    ("serves", "sites", "expected"),
    [
        ("", "", True),
        ("eu", "", True),
        ("eu", "eu", True),
        ("eu", "eu us", False),
        ("", "eu", False),
        ("*", "eu", True),
    ],
)
def test_a_worker_serves_a_run_when_it_serves_all_of_its_sites(serves: str, sites: str, expected: bool) -> None:
    assert workers.oneself(serves.split()).serves(sites) is expected


def test_two_readers_of_a_schema_make_it_once_and_a_newer_one_is_refused(
    postgres: str, postgres_server: Postgres
) -> None:
    name = postgres.rpartition("/")[2]
    found = []

    def first() -> None:
        found.append(Journal(postgres).runs())

    threads = [threading.Thread(target=first) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[]] * 6
    postgres_server.sql("update calmtui.versions set version = 99", name)
    with pytest.raises(StoreError, match="a newer calmtui"):
        Journal(postgres + "?application_name=other").runs()


def test_a_session_that_stops_within_its_transaction_holds_up_nobody(
    postgres: str, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calmtui.store import postgres as server

    monkeypatch.setattr(server, "IDLE_IN_TRANSACTION", 1)
    journal = Journal(postgres)
    run = journal.submit(PLAN)
    other = Journal(postgres + "?application_name=other")

    def stop_in_the_middle() -> None:
        with other.writing() as connection:
            connection.execute("update runs set detail = 'never' where id = ?", (run.id,))
            journal.stands(run.id, Standing.RUNNING, "goes on")  # waits for the other until the server ends it
            connection.execute("select 1")

    with pytest.raises(server.Away):
        stop_in_the_middle()
    assert journal.run(run.id).detail == "goes on"


def test_the_password_of_the_database_is_never_told() -> None:
    journal = Journal("postgresql://ops:hunter2@127.0.0.1:1/calmtui")
    with pytest.raises(StoreError) as raised:
        journal.runs()
    assert "hunter2" not in str(raised.value)
    assert journal.where == "postgresql://ops@127.0.0.1:1/calmtui"
