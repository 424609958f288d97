"""A command on many OpenSSH hosts, cold and warm, beside `clush -b` and `ansible -m raw -f 64`; gathering; memory.

    python -m bench fanout [HOSTS]…     default 256 1000; gathering is measured in any case

Cold: nothing is open or cached, the whole of what it takes to connect, run, gather and fold. Warm: connections
are open. What is not timed on either side is the start of an interpreter: ours is running, clush and ansible are
given the time of `clush --version` and `ansible --version`. Each side runs in turns, the median counts. Memory is
the resident size of a process of its own that holds the connections and all answers, interpreter and all.
Ansible is installed into a temporary environment; where that is not possible the bench says so and goes on.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.lab import side
from bench.lab.our_fanout import LINE, ROUNDS, enough_files
from bench.report import report
from tests.lab.fleet import SshFleet
from tests.lab.place import LAB

SIZES = (256, 1000)
FIRST_PORT = 26000
OUTPUTS, LINES, ODD = 1000, 100, 7
"""Of the outputs gathered, every ODDth part differs from the majority in one line."""


def main(argv: list[str]) -> None:
    """Run it for so many hosts."""
    _gathering()
    sizes = [int(text) for text in argv] or list(SIZES)
    if not sizes:
        return
    enough_files()
    fleet = SshFleet(max(sizes), prefix="bench", folder=LAB / "bench-fanout", first_port=FIRST_PORT)
    try:
        fleet.up()
        with tempfile.TemporaryDirectory(prefix="bench-ansible-") as folder:
            ansible = _ansible(Path(folder))
            for size in sizes:
                _fanout(fleet, size, ansible)
    finally:
        fleet.down()


# -- hosts --------------------------------------------------------------------


def _fanout(fleet: SshFleet, size: int, ansible: Path | None) -> None:
    clush = _median(lambda: _clush(fleet, size))
    playbook = _median(lambda: _with_ansible(ansible, fleet, size), 1) if ansible is not None else None
    ours = side.run("bench.lab.our_fanout", str(fleet.ssh_config), *fleet.hosts[:size])
    cold, warm = ours["cold"], ours["warm"]
    report("fanout", f"cold, {size} hosts", cold, "s", "clush -b -f 64", clush)
    report("fanout", f"warm, {size} hosts", warm, "s", "clush -b -f 64", clush)
    if playbook is not None:
        report("fanout", f"cold, {size} hosts", cold, "s", "ansible -m raw -f 64", playbook)
    report("fanout", f"memory, {size} hosts connected and answered", ours["resident"], "MB")


def _median(timed: Callable[[], float], rounds: int = ROUNDS) -> float:
    return median(timed() for _ in range(rounds))


def _clush(fleet: SshFleet, size: int) -> float:
    clush = str(Path(sys.executable).with_name("clush"))
    hosts = f"bench-[001-{size:03d}]"
    ran = _timed([clush, "-b", "-w", hosts, "-o", f"-F {fleet.ssh_config}", "-f", "64", LINE])
    return ran - _timed([clush, "--version"])


def _with_ansible(ansible: Path, fleet: SshFleet, size: int) -> float:
    inventory = fleet.folder / f"inventory-{size}"
    inventory.write_text("".join(f"{host}\n" for host in fleet.hosts[:size]))
    common = f"-F {fleet.ssh_config} -o BatchMode=yes"
    argv = [str(ansible), "all", "-i", str(inventory), "-m", "raw", "-a", LINE, "-f", "64", "--ssh-common-args", common]
    return _timed(argv) - _timed([str(ansible), "--version"])


def _timed(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - began


def _ansible(folder: Path) -> Path | None:
    """The program in an environment of its own; None, and a word on it, when it cannot be installed."""
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "ansible-core"]
        subprocess.run(pip, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"fanout: ansible is not at hand, and not measured: {error}", file=sys.stderr)
        return None
    return folder / "bin" / "ansible"


# -- gathering ----------------------------------------------------------------


def _gathering() -> None:
    """1,000 outputs of 100 lines, as they come from a connection, to blocks of equal ones."""
    outputs = {f"web{number:04}": _output(number) for number in range(OUTPUTS)}
    peer, ours = (median(gather(outputs) for _ in range(ROUNDS)) for gather in (_by_tree, _by_us))
    report("fanout", f"gather {OUTPUTS} outputs of {LINES} lines", ours, "s", "ClusterShell MsgTree", peer)


def _output(number: int) -> bytes:
    lines = [f"line {line} of what every host says" for line in range(LINES)]
    if number % ODD == 0:
        lines[LINES // 2] = f"host {number % (ODD * 5)} differs"
    return "".join(f"{line}\n" for line in lines).encode()


def _by_us(outputs: dict[str, bytes]) -> float:
    from calmtui.actions.gathered import Answer, groups
    from calmtui.actions.said import Said, kept
    from calmtui.providers.base import Output

    began = time.perf_counter()
    answers = {}
    for name, data in outputs.items():
        said = Said(kept(len(outputs)), Path)
        said.add(Output(data))
        answers[name] = Answer(said, "exit 0", 0)
    called = {name: name for name in outputs}
    blocks = [(group.hosts(called), group.said.lines()) for group in groups(answers)]
    took = time.perf_counter() - began
    assert sum(len(text) for _, text in blocks) == len(blocks) * LINES
    return took


def _by_tree(outputs: dict[str, bytes]) -> float:
    from ClusterShell.MsgTree import MsgTree
    from ClusterShell.NodeSet import NodeSet

    began = time.perf_counter()
    tree = MsgTree()
    for name, data in outputs.items():
        for line in data.splitlines():
            tree.add(name, line)
    blocks = [(str(NodeSet.fromlist(names)), bytes(message)) for message, names in tree.walk()]
    took = time.perf_counter() - began
    assert blocks
    return took
