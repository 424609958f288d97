"""`calmtui run` over real SSH hosts: the worker is a process of its own, which may be killed at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from calmtui.governance import trail
from calmtui.governance.record import Event
from calmtui.runbooks.journal import Journal
from calmtui.runbooks.worker import serving
from calmtui.store import ledger
from tests.integration.program import OnTerminal, run, write_estate
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab
HOSTS = [f"web-{number:03d}" for number in range(1, 9)]

ROLLING = """
runbook: restart
summary: Restart a service host by host
parameters:
  service: {required: true}
targets: "kind=host and service={{ service }}"
strategy: {rolling: {batches: [1, 25%, 100%], parallel: 4, max_failed: 1, min_healthy: 25%}}
steps:
  - {name: restart, run: "echo {{ service }} $TOKEN >> /root/trace", env: {TOKEN: "{{ token }}"}, timeout: 60s}
  - {name: settled, wait: {query: "state=running", timeout: 60s}}
  - {name: healthy, check: {command: "test ! -e /root/broken"}}
  - {name: listening, check: {tcp: "{{ node.address }}:{{ port }}"}, when: name=none}
  - {name: clean, check: {logs: {pattern: "ERROR|FATAL", max: 3, window: 1s}}}
on_failure: rollback
rollback:
  - {name: back, run: "date +%s%N > /root/back"}
"""


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Eight hosts, and the runbooks beside them; afterwards the worker of the test is ended."""
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "token").write_text("hunter2\n")
    for host in HOSTS:
        for name in ("trace", "broken", "back", "go"):
            (root(ssh_fleet, host) / name).unlink(missing_ok=True)
        (ssh_fleet.log_folder(host) / "app.log").write_text("begins\n")
    yield write_estate(
        tmp_path,
        "name: lab\nsources:\n"
        f'  web: {{provider: ssh, hosts: "web-[001-008]", ssh_config: {ssh_fleet.ssh_config}, logs: [/var/log/app.log],'
        " defaults: {service: shop}}\n",
    )
    end_worker()


def end_worker() -> None:
    """End the worker of the test, and before it the keeper, which would start another."""
    if (worker := serving(Journal())) is None:
        return
    with contextlib.suppress(OSError):
        parent = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        if b"runbooks.keeper" in Path(f"/proc/{parent}/cmdline").read_bytes():
            os.kill(parent, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)


def root(fleet: SshFleet, host: str) -> Path:
    return fleet.folder / "hosts" / host / "root"


def write(estate: Path, text: str) -> None:
    name = text.split()[1]
    (estate.parent / "runbooks" / f"{name}.yaml").write_text(text)


def traces(fleet: SshFleet, name: str = "trace") -> dict[str, int]:
    """How many lines each host has that has any."""
    files = {host: root(fleet, host) / name for host in HOSTS}
    return {host: len(file.read_text().splitlines()) for host, file in files.items() if file.exists()}


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def secret(text: str) -> str:
    """The runbook with a secret and a default among its parameters."""
    return text.replace(
        "  service: {required: true}\n",
        "  service: {required: true}\n  token: {type: secret, file: token}\n  port: {type: integer, default: 22}\n",
    )


def test_a_rolling_restart_is_planned_carried_out_and_accounted_for(estate: Path, ssh_fleet: SshFleet) -> None:
    write(estate, secret(ROLLING))
    planned = run("-i", str(estate), "run", "restart", "-p", "service=shop", "--plan", "--json")
    assert [len(batch) for batch in planned.json["batches"]] == [1, 2, 5]
    assert planned.json["batches"][0][0]["steps"][0] == "run echo shop $TOKEN >> /root/trace"
    assert traces(ssh_fleet) == {}
    ran = run("-i", str(estate), "run", "restart", "-p", "service=shop", "--yes", "--json")
    assert (ran.status, ran.json["standing"], ran.json["detail"]) == (0, "ok", "8 ok")
    assert traces(ssh_fleet) == dict.fromkeys(HOSTS, 1)
    assert (root(ssh_fleet, "web-001") / "trace").read_text() == "shop hunter2\n"
    assert "hunter2" not in ran.out + ran.err + planned.out
    told = [item.record for item in trail.read(ledger.default_path())]
    assert [(record.action, len(record.nodes)) for record in told if record.event is Event.INTENT] == [("runbook", 8)]
    assert {node for record in told if record.event is Event.OUTCOME for node in record.nodes} == {
        f"ssh:web/{host}" for host in HOSTS
    }
    listed = run("runs").out.splitlines()
    assert [line.split()[1:4] for line in listed] == [["RUNBOOK", "IS", "NODES"], ["restart", "ok", "8"]]


def test_a_check_that_fails_ends_the_run_and_what_was_begun_is_rolled_back_in_reverse(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    write(estate, secret(ROLLING).replace("parallel: 4", "parallel: 1"))
    for host in ("web-002", "web-003"):
        (root(ssh_fleet, host) / "broken").touch()
    ran = run("-i", str(estate), "run", "restart", "-p", "service=shop", "--yes")
    assert ran.status == 1
    assert "run " in ran.err
    assert "is rolled back: 1 ok, 2 failed, 5 skipped" in ran.err
    assert traces(ssh_fleet) == dict.fromkeys(HOSTS[:3], 1)
    times = [int((root(ssh_fleet, host) / "back").read_text()) for host in HOSTS[:3]]
    assert times == sorted(times, reverse=True)
    assert "failed     web-002  healthy: exit 1" in ran.out


def test_errors_in_the_logs_of_the_first_host_stop_the_others(estate: Path, ssh_fleet: SshFleet) -> None:
    text = secret(ROLLING).replace("on_failure: rollback", "on_failure: stop").replace("max_failed: 1", "max_failed: 0")
    noisy = 'for i in 1 2 3 4 5; do echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) ERROR $i" >> /var/log/app.log; done; '
    write(estate, text.replace('run: "echo', f"run: '{noisy}echo").replace('/root/trace"', "/root/trace'"))
    ran = run("-i", str(estate), "run", "restart", "-p", "service=shop", "--yes", "--json")
    assert ran.json["detail"] == "1 failed, 7 skipped"
    assert traces(ssh_fleet) == {"web-001": 1}


SLOW = """
runbook: slow
summary: Leave a trace
targets: kind=host
strategy: {rolling: {batches: [2, 100%], parallel: 2, max_failed: 100%}}
steps:
  - {name: trace, run: "echo x >> /root/trace; sleep 0.5"}
  - {name: again, run: "echo x >> /root/back; sleep 0.5", repeatable: true}
"""


def test_a_worker_that_is_killed_is_followed_by_another_while_nobody_looks_and_nothing_is_doubled(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    write(estate, SLOW)
    journal = Journal()
    submitted = run("-i", str(estate), "run", "slow", "--yes", "--detach").out.strip()
    until(lambda: sum(one.status.final for one in journal.events(submitted)) >= 5)
    killed = until(lambda: serving(journal))
    os.kill(killed, signal.SIGKILL)
    until(lambda: journal.run(submitted).standing.ended)  # nobody looks on
    assert serving(journal) != killed
    found = json.loads(run("run", "show", submitted, "--json").out)
    assert found["standing"] in ("ok", "failed")
    unknown = {node["id"].rpartition("/")[2] for node in found["nodes"] if node["status"] == "unknown"}
    assert {node["status"] for node in found["nodes"]} <= {"ok", "unknown"}
    assert all(count == 1 for count in traces(ssh_fleet).values())
    assert traces(ssh_fleet).keys() >= set(HOSTS) - unknown
    repeated = {
        node["id"].rpartition("/")[2]
        for node in found["nodes"]
        for step in node["steps"]
        if "repeated, which is harmless" in step["detail"]
    }
    twice = {host for host, count in traces(ssh_fleet, "back").items() if count > 1}
    assert twice <= repeated


GATED = """
runbook: gated
summary: Leave a trace, and wait for a file
targets: kind=host
strategy: one at a time
steps:
  - {name: trace, run: "echo x >> /root/trace; until test -e /root/go; do sleep 0.2; done"}
"""


def test_the_run_goes_on_without_the_console_and_can_be_cancelled_and_resumed(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    write(estate, GATED)
    journal = Journal()
    with OnTerminal("-i", str(estate), "run", "gated") as console:
        console.wait("go on")
        console.type("y\n")
        console.wait("is running: batch 1 of 8")
        until(lambda: traces(ssh_fleet))
        console.kill()
    (first,) = journal.runs()
    (root(ssh_fleet, "web-001") / "go").touch()
    until(lambda: traces(ssh_fleet).get("web-002"))
    cancelled = run("run", "abort", first.id[:6])
    assert f"run {first.id} of gated is cancelled: 1 ok, 6 skipped, 1 unknown" in cancelled.err
    for host in HOSTS:
        (root(ssh_fleet, host) / "go").touch()
    write(estate, SLOW.replace("slow", "gated"))  # what the file says now is nothing to a run that was submitted
    resumed = run("run", "resume", first.id)
    assert f"run {first.id} of gated is failed: 7 ok, 1 unknown" in resumed.err
    assert traces(ssh_fleet) == dict.fromkeys(HOSTS, 1)


def test_a_run_is_paused_resumed_retried_and_rolled_back(estate: Path, ssh_fleet: SshFleet) -> None:
    write(estate, GATED + 'on_failure: stop\nrollback:\n  - {run: "date +%s%N > /root/back"}\n')
    submitted = run("-i", str(estate), "run", "gated", "--yes", "--detach").out.strip()
    until(lambda: traces(ssh_fleet))
    pausing = run("run", "pause", submitted, "--detach", "--reason", "errors on web-001")
    assert (pausing.status, pausing.err) == (0, "")
    (root(ssh_fleet, "web-001") / "go").touch()
    paused = run("run", "pause", submitted)
    assert f"run {submitted} of gated is paused: in batch 1 of 8" in paused.err or "in batch 2 of 8" in paused.err
    assert traces(ssh_fleet) == {"web-001": 1}
    assert run("run", "retry", submitted).status == 2
    back = run("run", "rollback", submitted)
    assert (back.status, traces(ssh_fleet, "back")) == (0, {"web-001": 1})
    assert f"run {submitted} of gated is rolled back: 1 ok, 7 skipped; 1 rolled back" in back.err
    assert "0 of 8 nodes have it; not: web-001 (rolled back); web-002, web-003" in back.err
    for host in HOSTS:
        (root(ssh_fleet, host) / "go").touch()
    resumed = run("run", "resume", submitted)
    assert (resumed.status, "8 of 8 nodes have it" in resumed.err) == (0, True)
    assert traces(ssh_fleet) == {**dict.fromkeys(HOSTS, 1), "web-001": 2}
    told = [item.record for item in trail.read(ledger.default_path()) if item.record.event is Event.STEERED]
    assert [record.detail.removeprefix(f"run {submitted}: ") for record in told] == [
        "pause", "pause", "retry", "rollback", "resume"
    ]  # fmt: skip
    assert (told[0].reason, told[0].who.name) == ("errors on web-001", Journal().run(submitted).who)


CANARY = """
runbook: deploy
summary: Put a version on every host
parameters:
  version: {required: true}
targets: kind=host
strategy:
  canary:
    stages: [1, 50%, 100%]
    hold: 2s
    gates: [{name: errors, check: {logs: {pattern: ERROR, max: 2, window: 2s}}}]
steps:
  - {name: put, run: "echo {{ version }} >> /root/trace"}
  - name: start
    run: >-
      test {{ version }} = good || for i in 1 2 3 4 5; do
      echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) ERROR $i" >> /var/log/app.log; done
on_failure: rollback
rollback:
  - {name: back, run: "echo old > /root/back"}
"""


def test_the_gate_of_a_canary_sees_the_errors_of_a_bad_version_and_has_the_first_host_rolled_back(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    write(estate, CANARY)
    bad = run("-i", str(estate), "run", "deploy", "-p", "version=bad", "--yes")
    assert bad.status == 1
    assert "batch 1: errors: web-001: more than 2: 5 lines match ERROR" in bad.out
    assert "is rolled back: 1 ok, 7 skipped; 1 rolled back" in bad.err
    assert (traces(ssh_fleet), traces(ssh_fleet, "back")) == ({"web-001": 1}, {"web-001": 1})
    good = run("-i", str(estate), "run", "deploy", "-p", "version=good", "--yes", "--json")
    assert (good.json["standing"], good.json["complete"]) == ("ok", "8 of 8 nodes have it")
    assert [one["status"] for one in good.json["once"]] == ["ok", "ok"]
