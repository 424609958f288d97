"""Where the lab lives, and what it needs of the machine."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LAB = Path(os.environ.get("CALMTUI_LAB", Path(tempfile.gettempdir()) / "calmtui-test-lab"))
"""Everything that the backends write; remove it to start afresh."""
KUBE_BINARIES = Path(os.environ.get("KUBE_BINARIES", HERE.parents[2] / "shared" / "lab" / "bin"))
"""Where the control plane's packed binaries are, unless KUBEBUILDER_ASSETS names unpacked ones."""


def unavailable(reason: str) -> None:
    """Skip the test with its reason; fail it where CALMTUI_REQUIRE_LAB says that the lab must be there."""
    if os.environ.get("CALMTUI_REQUIRE_LAB"):
        pytest.fail(f"the lab is required here: {reason}")
    pytest.skip(reason)


def need_root() -> None:
    """The lab starts servers that only root can start."""
    if os.geteuid() != 0:
        unavailable("the lab's servers need root")


def script(name: str, *args: str) -> str:
    """Run one of the lab's scripts; returns what it printed."""
    environment = {**os.environ, "CALMTUI_LAB": str(LAB), "KUBE_BINARIES": str(KUBE_BINARIES)}
    done = subprocess.run([HERE / name, *args], env=environment, text=True, capture_output=True, timeout=300)
    if done.returncode:
        unavailable(f"{name} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def descendants(pid: int) -> list[int]:
    """The processes below one, children before their parents."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found: list[int] = []

    def walk(parent: int) -> None:
        for child in children.get(parent, ()):
            walk(child)
            found.append(child)

    walk(pid)
    return found


def await_end(pid: int) -> None:
    """Return when a process that was killed has let go of everything.

    Its `exe` goes before its sockets do, and they stay open until the last of its threads has ended.
    """
    process = Path(f"/proc/{pid}")
    try:
        while len(list((process / "task").iterdir())) > 1 or not _is_zombie(process):
            time.sleep(0.01)
    except (FileNotFoundError, ProcessLookupError):  # reaped
        return


def _is_zombie(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
