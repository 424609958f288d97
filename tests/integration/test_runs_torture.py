"""The torture: worker and console killed at random moments; in the end every step was done once, or says why twice.

`CALMTUI_TORTURE_KILLS=50` has it done in earnest, on 64 hosts of its own; the gate kills a few times on the usual ones.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.actions.outcome import Status
from calmtui.runbooks.journal import Journal, Standing
from calmtui.runbooks.progress import Progress
from calmtui.runbooks.worker import serving
from tests.integration.program import ARGV, run, write_estate
from tests.integration.test_runs import end_worker, until
from tests.lab.fleet import FIRST_PORT, SshFleet
from tests.lab.place import LAB

KILLS = int(os.environ.get("CALMTUI_TORTURE_KILLS", "4"))
IN_EARNEST = KILLS > 10
pytestmark = [pytest.mark.lab, pytest.mark.flaky(reruns=0), pytest.mark.timeout(3600 if IN_EARNEST else 300)]
LONGEST = 12.0 if IN_EARNEST else 4.0
"""Seconds that a worker may live: with many hosts to connect to, it needs some until it does anything."""

PARALLEL, LONG = (2, 3.0) if IN_EARNEST else (8, 0.3)
"""How many nodes at once, and how many seconds a step takes: the run has to outlast the kills."""

RUNBOOK = f"""
runbook: torture
summary: Leave traces that can be counted
targets: kind=host
strategy: {{rolling: {{batches: [1, 25%, 100%], parallel: {PARALLEL}, min_healthy: 25%}}}}
steps:
  - {{name: first, run: "echo x >> /root/first; sleep {LONG}; touch /root/first.done", creates: /root/first.done}}
  - {{name: settled, wait: {{query: "state=running", timeout: 120s}}}}
  - name: second
    run: echo x >> /root/second; sleep {LONG}; touch /root/second.done
    unless: test -e /root/second.done
  - {{name: there, check: {{command: "test -e /root/second.done"}}, retries: 2}}
"""


@pytest.fixture
def fleet(request: pytest.FixtureRequest) -> Iterator[SshFleet]:
    """64 hosts of its own in earnest, else those that there are."""
    if not IN_EARNEST:
        yield request.getfixturevalue("ssh_fleet")
        return
    own = SshFleet(64, folder=LAB / "fleet-torture", first_port=FIRST_PORT + 700)
    try:
        yield own.up()
    finally:
        own.down()


@pytest.fixture
def estate(fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """The hosts as an estate, with the runbook, and nothing of an earlier test on them."""
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "torture.yaml").write_text(RUNBOOK)
    for host in fleet.hosts:
        for name in ("first", "first.done", "second", "second.done"):
            (fleet.folder / "hosts" / host / "root" / name).unlink(missing_ok=True)
    yield write_estate(
        tmp_path,
        "name: lab\nsources:\n"
        f'  web: {{provider: ssh, hosts: "web-[001-{len(fleet.hosts):03d}]", ssh_config: {fleet.ssh_config}}}\n',
    )
    end_worker()


class Console:
    """`calmtui run show`, started again whenever it was killed."""

    def __init__(self, run_id: str) -> None:
        self._argv = [*ARGV, "run", "show", run_id]
        self._process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        self.kill()
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._argv, stdin=quiet, stdout=quiet, stderr=quiet)


def _kill_at_random(journal: Journal, run_id: str) -> int:
    """Kill worker and console until there were enough of it, or the run has ended; how often."""
    console, chance, killed = Console(run_id), random.Random(6), 0
    console.start()
    try:
        while killed < KILLS and not journal.run(run_id).standing.ended:
            worker = until(lambda: serving(journal) or journal.run(run_id).standing.ended, 120)
            if worker is True:
                break
            time.sleep(chance.uniform(0, LONGEST))
            if killed % 3 == 0:
                console.start()
            with contextlib.suppress(ProcessLookupError):
                if killed > 1:  # as when the machine dies; and a keeper takes longer each time to start another
                    _kill_keeper(worker)
                os.kill(worker, signal.SIGKILL)
                killed += 1
    finally:
        console.kill()
    return killed


def _kill_keeper(worker: int) -> None:
    """Kill what would start another worker."""
    with contextlib.suppress(OSError):
        parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        if b"runbooks.keeper" in Path(f"/proc/{parent}/cmdline").read_bytes():
            os.kill(parent, signal.SIGKILL)


def test_however_often_worker_and_console_are_killed_every_step_is_done_once_or_says_why_not(
    estate: Path, fleet: SshFleet
) -> None:
    journal = Journal()
    run_id = run("-i", str(estate), "run", "torture", "--yes", "--detach").out.strip()
    killed = _kill_at_random(journal, run_id)
    assert killed >= (KILLS if IN_EARNEST else 2)
    console = Console(run_id)
    console.start()
    until(lambda: journal.run(run_id).standing.ended, 240)
    console.kill()

    for name in ("runs.db", "workflows.db"):  # opened anew, whole
        with contextlib.closing(sqlite3.connect(journal.path.with_name(name))) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    found, plan = Journal().run(run_id), Journal().plan(run_id)
    assert (found.standing, found.attempt) == (Standing.OK, 1), found.detail
    assert found.detail == f"{len(fleet.hosts)} ok"
    progress = Progress(found.attempt)
    progress.take(Journal().events(run_id))
    doubled = 0
    for node in plan.nodes:
        assert progress.outcome(node.id, plan.keys_of(node.id))[0] is Status.OK
        for key, name in (("1", "first"), ("3", "second")):
            count = len((fleet.folder / "hosts" / node.name / "root" / name).read_text().splitlines())
            event = progress.step(node.id, key)
            assert event is not None
            assert count == 1 or "interrupted" in event.detail or "repeated after check" in event.detail, (node, event)
            doubled += count > 1
    print(f"killed {killed} times, {doubled} of {2 * len(plan.nodes)} steps repeated after check")
