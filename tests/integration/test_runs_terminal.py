"""A run outlives the terminal that it was started from: two consoles watch it, one is killed, the other sees its end.

So it does when everything is killed that carries it out: the console that is left starts another worker.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.runbooks.journal import Journal, Standing
from tests.integration.program import ARGV, write_estate
from tests.integration.test_runs import end_worker, root
from tests.lab.fleet import SshFleet
from tests.lab.tmux import Tmux

pytestmark = pytest.mark.lab
HOSTS = [f"web-{number:03d}" for number in range(1, 7)]
RUNBOOK = """
runbook: gently
summary: One host after the other
targets: kind=host
strategy: one at a time
steps: [{name: trace, run: "echo x >> /root/trace; sleep 2; touch /root/go", creates: /root/go}]
"""


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Six hosts, and a runbook that takes two seconds for each."""
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "gently.yaml").write_text(RUNBOOK)
    for host in HOSTS:
        for name in ("trace", "go"):
            (root(ssh_fleet, host) / name).unlink(missing_ok=True)
    hosts = f'{{provider: ssh, hosts: "web-[001-006]", ssh_config: {ssh_fleet.ssh_config}}}'
    yield write_estate(tmp_path, f"name: lab\nsources:\n  web: {hosts}\n")
    end_worker()


def test_a_run_goes_on_when_its_console_is_killed_and_another_console_watches_it_to_its_end(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    argv = [*ARGV, "-i", str(estate)]
    with Tmux(80, 24) as first, Tmux(200, 50) as second:
        first.run(argv)
        second.run(argv)
        first.wait(HOSTS[-1])
        first.keys("W")
        first.wait("start one")
        first.keys("r")
        first.wait("One host after the other")
        first.keys("Enter")
        first.wait("6 nodes")
        first.keys("C-s")
        first.wait("batch 1", "policy: allowed")
        first.keys("y")
        first.wait("1 of 6 nodes", seconds=40)
        second.keys("W")
        second.wait("gently", "running")
        second.keys("Enter")
        second.wait("of 6 nodes", "gently", "running")

        shell, *below = first.pids()
        for pid in below:
            if os.getsid(pid) == os.getsid(shell):
                os.kill(pid, signal.SIGKILL)
        second.wait("3 of 6 nodes", seconds=40)
        end_worker()  # with kill -9, its keeper too
        (run,) = Journal().runs()
        assert not run.standing.ended, "it was killed in the middle"
        second.wait("6 of 6 nodes", "✔ ok", gone=["running"], seconds=60)
        assert first.pids() == [shell], "the console is gone"
    assert Journal().run(run.id).standing is Standing.OK
    traces = [(root(ssh_fleet, host) / "trace").read_text() for host in HOSTS]
    assert traces.count("x\n") >= len(HOSTS) - 1, "the step under way was repeated, and no other"
