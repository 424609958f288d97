"""64 OpenSSH hosts that write 1,000 lines a second each, followed on the log screen, and by `clush … tail -F` after it.

`python -m bench logs follow [HOSTS [SECONDS [LINES]]]`. The screen is on a pty of 120x40, connected as an operator
is, and draws; meanwhile keys are pressed, and each takes until the terminal shows what it did. Both sides read the
same lines on the same hosts, which are kept apart for both (see `apart`). CPU is what the process and all below it
used a second, in seconds; of others, what is neither the reader's nor the hosts', writers or this program.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median

from bench.lab.terminal import Terminal
from bench.log.apart import Bare, apart
from bench.log.following import begun
from bench.report import report
from tests.lab.fleet import FIRST_PORT, SshFleet
from tests.lab.place import LAB, descendants

KEYS = (
    ("w", r"(?<!no) wrap ·"), ("w", r"no wrap ·"), ("t", r"· raw "), ("t", r"· times "), ("p", r"· paused"),
    ("k", "▌"), ("k", "▌"), ("j", "▌"), ("k", "▌"), ("G", r"· following"),
)  # fmt: skip
"""Keys, and what the terminal shows of each."""
BETWEEN = (0.05, 0.2)
"""Seconds between two keys."""
UNANSWERED = 5.0
"""Seconds that a key counts for which takes longer, or whose line late ones have pushed out of sight meanwhile."""
SETTLING = 5.0
"""Seconds for all readers to have begun, before anything is written."""
PATIENCE = 30.0
TICKS = os.sysconf("SC_CLK_TCK")


def follow(hosts: str = "64", seconds: str = "60", rate: str = "1000") -> None:
    fleet = SshFleet(int(hosts), prefix="follow", folder=LAB / "bench-follow", first_port=FIRST_PORT)
    try:
        fleet.up()
        logs = Logs(fleet, int(rate), float(seconds))
        ours, theirs = _ours(logs), _clush(logs)
    finally:
        fleet.down()
    _told(f"follow {hosts} hosts × {int(rate):,} lines/s for {seconds} s", ours, theirs)


def beside(hosts: str = "64", seconds: str = "20", rate: str = "1000") -> None:
    """The same without a peer, while the screen has more to do: a filter by a field, which all lines pass; patterns."""
    fleet = SshFleet(int(hosts), prefix="follow", folder=LAB / "bench-follow", first_port=FIRST_PORT)
    try:
        fleet.up()
        logs = Logs(fleet, int(rate), float(seconds))
        for what, typed, seen in (
            ("with a filter by a field", ":include field.status<500\r", r"in: field.status"),
            ("while lines are folded to patterns", "P", r"patterns"),
        ):
            figures = _ours(logs, typed, seen)
            _told(f"follow {hosts} hosts × {int(rate):,} lines/s for {seconds} s {what}", figures, {})
    finally:
        fleet.down()


def _told(name: str, ours: dict[str, float], theirs: dict[str, float]) -> None:
    for what, unit in (
        ("delivered while they were written", "lines/s"), ("lost", "lines"), ("doubled or out of order", "lines"),
        ("until the last line was there", "s"), ("CPU", "s/s"), ("CPU on the hosts", "s/s"), ("CPU of others", "s/s"),
        ("memory", "MB"),
        ("key, p50", "ms"), ("key, p99", "ms"), ("keys", "keys"),
        ("a bare loop beside it wakes late, p50", "ms"), ("a bare loop beside it wakes late, p99", "ms"),
        ("from written to shown, p99", "s"), ("marked as late", "lines"),
    ):  # fmt: skip
        peer = "clush tail -F" if what in theirs else ""
        report("logs", f"{name}, {what}", ours[what], unit, peer, theirs.get(what))


class Logs:
    """The hosts' logs, empty at first."""

    def __init__(self, fleet: SshFleet, rate: int, seconds: float) -> None:
        self.fleet, self.rate, self.seconds = fleet, rate, seconds
        self.lines = int(rate * seconds) * len(fleet.hosts)
        self._files = [fleet.log_folder(host) / "app.log" for host in fleet.hosts]

    def empty(self) -> None:
        """Begin anew."""
        for file in self._files:
            file.unlink(missing_ok=True)
            file.touch()

    def written(self) -> subprocess.Popen[bytes]:
        """What writes them all, for so long."""
        words = [sys.executable, "-m", "bench.log.writer", str(self.rate), str(self.seconds), *map(str, self._files)]
        writer = subprocess.Popen(words, start_new_session=True)
        apart(pid for process in (writer, *self.fleet.servers) for pid in (process.pid, *descendants(process.pid)))
        return writer

    def cpu(self) -> float:
        """Seconds of CPU used on the hosts so far."""
        return sum(_cpu(server.pid) for server in self.fleet.servers)


def _ours(logs: Logs, typed: str = "", seen: str = "") -> dict[str, float]:
    """Followed by the screen; what is typed first, and what shows then, is left in place with escape."""
    logs.empty()
    with tempfile.TemporaryDirectory(prefix="bench-follow-") as folder:
        result = Path(folder) / "result"
        config, hosts = str(logs.fleet.ssh_config), logs.fleet.hosts
        terminal = Terminal("bench.log.following", config, str(logs.lines), str(result), *hosts)
        try:
            terminal.wait_for("following")
            while not begun(result).exists():
                terminal.read(0.1)
            terminal.read(SETTLING)
            if typed:
                terminal.answer(typed, seen, PATIENCE)
                terminal.answer("\x1b", "following", PATIENCE) if typed == "P" else None
                terminal.read(1.0)
            cpu, on_hosts, others = _cpu(terminal.child), logs.cpu(), _others()
            writer, bare, keys = logs.written(), Bare(), list[float]()
            for key, seen in cycle(KEYS):
                if writer.poll() is not None:
                    break
                keys.append(terminal.answer(key, seen, UNANSWERED) * 1000)
                terminal.read(random.uniform(*BETWEEN))
            took = [_cpu(terminal.child) - cpu, logs.cpu() - on_hosts]
            others = _others() - others
            memory, late = _memory(terminal.child), bare.late()
            terminal.signal(signal.SIGUSR1)
            while not result.exists():
                terminal.read(0.1)
            told = json.loads(result.read_text())
        finally:
            terminal.close()
    return {
        "delivered while they were written": told["in time"] / logs.seconds,
        "lost": logs.lines - told["kept"],
        "doubled or out of order": told["misplaced"],
        "until the last line was there": told["behind"],
        "CPU": took[0] / logs.seconds,
        "CPU on the hosts": took[1] / logs.seconds,
        "CPU of others": others / logs.seconds,
        "memory": memory,
        "key, p50": median(keys),
        "key, p99": sorted(keys)[int(len(keys) * 0.99)],
        "keys": len(keys),
        "a bare loop beside it wakes late, p50": late["p50"],
        "a bare loop beside it wakes late, p99": late["p99"],
        "from written to shown, p99": told["delay"],
        "marked as late": told["late"],
    }


def _clush(logs: Logs) -> dict[str, float]:
    logs.empty()
    clush, hosts = str(Path(sys.executable).with_name("clush")), ",".join(logs.fleet.hosts)
    size = str(len(logs.fleet.hosts))
    words = [clush, "-w", hosts, "-o", f"-F {logs.fleet.ssh_config}", "-f", size, "tail", "-n", "0", "-F"]
    with subprocess.Popen([*words, "/var/log/app.log"], stdout=subprocess.PIPE) as reader:
        time.sleep(SETTLING)
        cpu, on_hosts, others = _cpu(reader.pid), logs.cpu(), _others()
        writer, bare, lines = logs.written(), Bare(), 0
        for came in _pieces(reader):
            lines += came
            if writer.poll() is not None:
                break
        took = [_cpu(reader.pid) - cpu, logs.cpu() - on_hosts]
        others = _others() - others
        memory, late, in_time, ended = _memory(reader.pid), bare.late(), lines, time.monotonic()
        for came in _pieces(reader):
            lines += came
            if lines >= logs.lines or time.monotonic() > ended + PATIENCE:
                break
        behind = time.monotonic() - ended
        reader.terminate()
    return {
        "delivered while they were written": in_time / logs.seconds,
        "lost": logs.lines - lines,
        "until the last line was there": behind,
        "CPU": took[0] / logs.seconds,
        "CPU on the hosts": took[1] / logs.seconds,
        "CPU of others": others / logs.seconds,
        "memory": memory,
        "a bare loop beside it wakes late, p50": late["p50"],
        "a bare loop beside it wakes late, p99": late["p99"],
    }


def _pieces(reader: subprocess.Popen[bytes]) -> Iterator[int]:
    """How many line ends come, piece by piece; none for each second in which nothing does."""
    assert reader.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(reader.stdout, selectors.EVENT_READ)
        while reader.poll() is None:
            yield os.read(reader.stdout.fileno(), 1 << 20).count(b"\n") if selector.select(1.0) else 0


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process, what runs below it and what ended below it have used."""
    return sum(map(_used, [pid, *descendants(pid)]))


def _others() -> float:
    """Seconds of CPU used by all that is not of this benchmark, since the machine began."""
    user, nice, system, _, _, *rest = map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + sum(rest)) / TICKS - _cpu(os.getpid())


def _used(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended, and counts among what ended below its parent
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def _memory(pid: int) -> float:
    """MB that a process and what runs below it hold; what several of them share is counted once."""
    return sum(map(_held, [pid, *descendants(pid)]))


def _held(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
