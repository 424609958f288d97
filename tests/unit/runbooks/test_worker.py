"""A worker is started once, however often and by however many it is asked for."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from calmtui.runbooks.journal import Journal
from calmtui.runbooks.worker import start


def keepers(home: Path) -> list[int]:
    """The pids of the keepers whose home this is."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            ours = f"HOME={home}".encode() in (process / "environ").read_bytes().split(b"\0")
            if ours and b"calmtui.runbooks.keeper" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="it looks at processes in /proc")
def test_who_starts_a_worker_again_and_again_starts_one(nobodys_machine: Path) -> None:
    journal = Journal()
    try:
        for _ in range(10):
            start(journal)
        time.sleep(1)  # a second one would be there by now
        assert len(keepers(nobodys_machine)) == 1
    finally:
        for pid in keepers(nobodys_machine):
            os.killpg(pid, signal.SIGKILL)
