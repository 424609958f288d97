"""Several workers on a PostgreSQL database, over real SSH hosts: one dies or stops, another takes its runs over."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.runbooks import workers
from calmtui.runbooks.journal import Journal, Run, Standing
from tests.integration.program import ARGV, OnTerminal, run, write_estate
from tests.integration.test_runs import HOSTS, root, traces, until, write
from tests.lab.fleet import SshFleet
from tests.lab.postgres import Postgres

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]

ALONE = "exec 9>/root/lock; flock -n 9 || echo x >> /root/doubled"
"""Notes when two of it are under way on a host at the same time."""
SLOW = f"""
runbook: slow
summary: Leave traces
targets: kind=host
strategy: {{rolling: {{batches: [2, 100%], parallel: 2, max_failed: 100%}}}}
steps:
  - {{name: trace, run: "{ALONE}; echo x >> /root/trace; sleep 1"}}
  - {{name: again, run: "{ALONE}; echo x >> /root/back; sleep 1", repeatable: true}}
"""
GATED = f"""
runbook: gated
summary: Leave a trace, and wait for a file
targets: kind=host
strategy: {{rolling: {{batches: [1], parallel: 1, max_failed: 100%}}}}
steps:
  - {{name: trace, run: "{ALONE}; echo x >> /root/trace; until test -e /root/go; do sleep 0.2; done"}}
"""


class Machine:
    """A worker with a state folder of its own, as on a machine of its own."""

    def __init__(self, folder: Path, url: str, *options: str) -> None:
        folder.mkdir()
        self._log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [*ARGV, "worker", "--keep", *options],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "CALMTUI_DATABASE": url, "XDG_STATE_HOME": str(folder)},
        )
        until(lambda: self.enlisted(Journal(url)))

    def enlisted(self, journal: Journal) -> list[str]:
        return [one.id for one in workers.enlisted(journal) if one.pid == self.process.pid and not one.gone]

    def carries_out(self, found: Run, journal: Journal) -> bool:
        return found.owner in self.enlisted(journal)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture
def estate(ssh_fleet: SshFleet, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "runbooks").mkdir()
    for host in HOSTS:
        for name in ("trace", "back", "go", "doubled"):
            (root(ssh_fleet, host) / name).unlink(missing_ok=True)
    monkeypatch.setenv("LAB_DATABASE", postgres)
    return write_estate(
        tmp_path,
        "name: lab\ndatabase: ${LAB_DATABASE}\nsources:\n"
        f'  web: {{provider: ssh, hosts: "web-[001-008]", ssh_config: {ssh_fleet.ssh_config}}}\n',
    )


@pytest.fixture
def machines(postgres: str, tmp_path: Path) -> Iterator[list[Machine]]:
    """Two of them."""
    found = [Machine(tmp_path / name, postgres) for name in ("one", "two")]
    yield found
    for machine in found:
        with contextlib.suppress(ProcessLookupError):
            machine.process.send_signal(signal.SIGCONT)
        machine.end()


def who(machines: list[Machine], found: Run, journal: Journal) -> tuple[Machine, Machine]:
    """The one that carries out a run, and the other."""
    owner = next(machine for machine in machines if machine.carries_out(found, journal))
    return owner, next(machine for machine in machines if machine is not owner)


def unknown(found: dict[str, object]) -> set[str]:
    return {node["id"].rpartition("/")[2] for node in found["nodes"] if node["status"] == "unknown"}  # type: ignore


def test_of_two_workers_one_is_killed_and_the_other_goes_on_while_two_look_on(
    estate: Path, ssh_fleet: SshFleet, machines: list[Machine], postgres: str
) -> None:
    write(estate, SLOW)
    journal = Journal(postgres)
    submitted = run("-i", str(estate), "run", "slow", "--yes", "--detach").out.strip()
    with (
        OnTerminal("-i", str(estate), "run", "show", submitted) as one,
        OnTerminal("-i", str(estate), "run", "show", submitted) as other,
    ):
        until(lambda: sum(event.status.final for event in journal.events(submitted)) >= 5)
        owner, heir = who(machines, journal.run(submitted), journal)
        owner.process.kill()
        until(lambda: heir.carries_out(journal.run(submitted), journal), 30)
        until(lambda: journal.run(submitted).standing.ended)
        for console in (one, other):
            console.wait(f"run {submitted} of slow is (ok|failed)")
            console.end()
        assert one.seen.count(b" ok ") == other.seen.count(b" ok ")
    found = json.loads(run("-i", str(estate), "run", "show", submitted, "--json").out)
    assert {node["status"] for node in found["nodes"]} <= {"ok", "unknown"}
    assert len(unknown(found)) <= 2  # as many as were under way
    assert all(count == 1 for count in traces(ssh_fleet).values())
    assert traces(ssh_fleet).keys() >= set(HOSTS) - unknown(found)
    repeated = {
        node["id"].rpartition("/")[2]
        for node in found["nodes"] for step in node["steps"] if "repeated, which is harmless" in step["detail"]
    }  # fmt: skip
    assert {host for host, count in traces(ssh_fleet, "back").items() if count > 1} <= repeated
    assert traces(ssh_fleet, "doubled") == {}


def test_a_worker_that_was_stopped_does_nothing_more_once_its_run_was_taken_over(
    estate: Path, ssh_fleet: SshFleet, machines: list[Machine], postgres: str
) -> None:
    write(estate, GATED)
    journal = Journal(postgres)
    submitted = run("-i", str(estate), "run", "gated", "--yes", "--detach").out.strip()
    until(lambda: traces(ssh_fleet))
    owner, heir = who(machines, journal.run(submitted), journal)
    (before,) = owner.enlisted(journal)
    owner.process.send_signal(signal.SIGSTOP)
    for host in HOSTS[1:]:
        (root(ssh_fleet, host) / "go").touch()
    until(lambda: heir.carries_out(journal.run(submitted), journal), 30)
    until(lambda: len(traces(ssh_fleet)) >= 3)
    owner.process.send_signal(signal.SIGCONT)
    (root(ssh_fleet, HOSTS[0]) / "go").touch()
    until(lambda: journal.run(submitted).standing.ended)
    until(lambda: set(owner.enlisted(journal)) - {before})  # it is another worker now, which has nothing in hand
    assert "1 unknown" in journal.run(submitted).detail
    assert traces(ssh_fleet) == dict.fromkeys(HOSTS, 1)
    assert traces(ssh_fleet, "doubled") == {}


def test_the_server_of_the_database_is_away_for_a_while_and_the_run_goes_on(
    estate: Path, ssh_fleet: SshFleet, machines: list[Machine], postgres: str, postgres_server: Postgres
) -> None:
    write(estate, GATED)
    journal = Journal(postgres)
    submitted = run("-i", str(estate), "run", "gated", "--yes", "--detach").out.strip()
    until(lambda: traces(ssh_fleet))
    owner = journal.run(submitted).owner
    postgres_server.stop()
    try:
        for host in HOSTS:
            (root(ssh_fleet, host) / "go").touch()
        refused = run("-i", str(estate), "runs")
        assert (refused.status, "the database cannot be reached" in refused.err) == (1, True)
        time.sleep(workers.SILENT + 2)  # long enough that each would take the other for dead
        assert traces(ssh_fleet) == {HOSTS[0]: 1}  # what cannot be noted is not done
    finally:
        postgres_server.start()
    until(lambda: journal.run(submitted).standing.ended)
    assert (journal.run(submitted).standing, journal.run(submitted).owner) == (Standing.OK, owner)
    assert traces(ssh_fleet) == dict.fromkeys(HOSTS, 1)
    told = run("-i", str(estate), "worker", "status", "--json")
    assert (told.status, len(told.json["workers"]), told.json["engine"][:5]) == (0, 2, "dbos ")


def test_a_run_waits_for_a_worker_that_serves_its_sites(
    estate: Path, ssh_fleet: SshFleet, machines: list[Machine], postgres: str, tmp_path: Path
) -> None:
    write(estate, SLOW.replace("kind=host", "name=web-001"))
    estate.write_text(estate.read_text().replace("sources:", "site: eu\nsources:"))
    journal = Journal(postgres)
    with OnTerminal("-i", str(estate), "run", "slow", "--yes") as console:
        console.wait("waits for a worker that serves eu")
        machine = Machine(tmp_path / "three", postgres, "--site", "eu")
        machines.append(machine)
        console.wait("is ok: 1 ok")
        assert console.end() == 0
    (found,) = journal.runs()
    assert (found.sites, found.owner) == ("eu", machine.enlisted(journal)[0])
