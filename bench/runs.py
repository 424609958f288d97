"""Runs: what a step costs, real hosts beside ansible-playbook, the screen of a big run, the worker at rest.

    python -m bench runs [PART]…     parts: steps hosts screen worker; default all

The steps of `hosts` are five times `true`, on 64 OpenSSH hosts, and on 1,000 nodes that are the same 64 hosts under
other names. Ours is timed as typed (`calmtui run NAME --yes`), from nothing: the command's start, the worker's, and
the connections are in it. So is ansible-playbook, with five raw tasks, 64 forks and no facts. The first time of each,
on one host, is not counted: it leaves compiled modules behind, as an installed program has them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.lab import side
from bench.report import report
from calmtui.runbooks.journal import Journal
from calmtui.runbooks.worker import lock_path, serving
from tests.lab.fleet import SshFleet
from tests.lab.place import LAB
from tests.lab.postgres import Postgres

HOSTS, NODES, STEPS = 64, 1000, 5
FIRST_PORT = 27000
RUNBOOK = f"""runbook: nothing
summary: Five times nothing
targets: kind=host
strategy: {{rolling: {{parallel: 64}}}}
steps: [{", ".join(["{run: 'true'}"] * STEPS)}]
"""
PLAYBOOK = "- hosts: all\n  gather_facts: false\n  tasks:\n" + "    - raw: 'true'\n" * STEPS
AT_REST = 20.0
"""Seconds for which the worker's CPU time is taken."""


def main(argv: list[str]) -> None:
    """Run the parts."""
    parts = {"steps": _steps, "hosts": _hosts, "screen": _screen, "worker": _worker}
    for name in argv or parts:
        parts[name]()


def _steps() -> None:
    server = Postgres(LAB / "bench-postgres").up()
    try:
        for where, places in (("SQLite", ()), ("PostgreSQL", (server.database(),))):
            figures = side.run("bench.run.steps", *places)
            report("runs", f"a step, one after the other, {where}", figures["one"], "ms")
            report("runs", f"a step, 64 nodes at once, {where}", figures["many"], "ms")
    finally:
        server.stop()


def _hosts() -> None:
    fleet = SshFleet(HOSTS, prefix="bench", folder=LAB / "bench-runs", first_port=FIRST_PORT)
    try:
        fleet.up()
        with tempfile.TemporaryDirectory(prefix="bench-runs-") as folder:
            for count in (1, HOSTS, NODES):
                config, names = _names(fleet, Path(folder), count)
                ours, playbook = _ours(Path(folder), config, names), _ansible(Path(folder), config, names)
                if count == 1:
                    continue
                title = f"{count} nodes x {STEPS} steps over {HOSTS} hosts"
                report("runs", title, ours, "s", "ansible-playbook -f 64", playbook)
    finally:
        fleet.down()


def _names(fleet: SshFleet, folder: Path, count: int) -> tuple[Path, list[str]]:
    """An ssh_config in which the hosts have so many names, and the names."""
    names = [f"n{number:04d}" for number in range(count)]
    known = f"  User root\n  IdentityFile {fleet.identity}\n  UserKnownHostsFile {fleet.known_hosts}\n"
    blocks = [f"Host {name}\n  HostName 127.0.0.1\n  Port {fleet.port(fleet.hosts[number % HOSTS])}\n{known}"
              for number, name in enumerate(names)]  # fmt: skip
    config = folder / f"ssh_config-{count}"
    config.write_text("".join(blocks))
    return config, names


def _installed(folder: Path) -> dict[str, str]:
    """The environment of programs that find their modules compiled, as installed ones do."""
    compiled = {"PYTHONPYCACHEPREFIX": str(folder / "compiled"), "LC_ALL": "C.UTF-8"}
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}, **compiled}


def _ours(folder: Path, config: Path, names: list[str]) -> float:
    estate = folder / f"estate-{len(names)}"
    (estate / "runbooks").mkdir(parents=True)
    (estate / "runbooks" / "nothing.yaml").write_text(RUNBOOK)
    hosts = f"n[0000-{len(names) - 1:04d}]"
    (estate / "estate.yaml").write_text(
        f'name: bench\nsources:\n  hosts: {{provider: ssh, hosts: "{hosts}", ssh_config: {config}}}\n'
    )
    home = {**_installed(folder), "HOME": str(estate), "XDG_STATE_HOME": str(estate / "state")}
    argv = [sys.executable, "-m", "calmtui", "-i", str(estate), "run", "nothing", "--yes", "--json"]
    began = time.perf_counter()
    told = subprocess.run(argv, env=home, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    took = time.perf_counter() - began
    run = json.loads(told.stdout)
    assert run["detail"].startswith(f"{len(names)} ok"), run["detail"]
    pid = int((estate / "state" / "calmtui" / "worker.lock").read_text())
    keeper = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    for one in (keeper, pid):  # it would start another worker, in the middle of what is measured next
        os.kill(one, 15)
    return took


def _ansible(folder: Path, config: Path, names: list[str]) -> float:
    playbook, inventory = folder / "playbook.yaml", folder / f"inventory-{len(names)}"
    playbook.write_text(PLAYBOOK)
    inventory.write_text("".join(f"{name}\n" for name in names))
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), "-f", "64",
            "--ssh-common-args", f"-F {config} -o BatchMode=yes", str(playbook)]  # fmt: skip
    began = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL, env=_installed(folder))
    return time.perf_counter() - began


def _screen() -> None:
    subprocess.run([sys.executable, "-m", "bench.run.screen"], check=True)


def _worker() -> None:
    """Until a worker is at work, and what it takes while it has nothing to do."""
    with tempfile.TemporaryDirectory(prefix="bench-worker-") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        journal = Journal()
        journal.runs()  # makes the file
        began = time.perf_counter()
        worker = subprocess.Popen([sys.executable, "-m", "calmtui.runbooks.worker"], stderr=subprocess.DEVNULL)
        try:
            while not (
                lock_path(journal).exists() and serving(journal) and journal.path.with_name("workflows.db").exists()
            ):
                time.sleep(0.01)
            report("runs", "a worker's start", time.perf_counter() - began, "s")
            time.sleep(10)
            before = _cpu(worker.pid)
            time.sleep(AT_REST)
            report("runs", "a worker at rest: CPU", (_cpu(worker.pid) - before) / AT_REST * 100, "% of a core")
            report("runs", "a worker at rest: memory", _resident(worker.pid), "MB")
        finally:
            worker.terminate()
            worker.wait()


def _cpu(pid: int) -> float:
    """Seconds of CPU time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
