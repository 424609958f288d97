"""The engine on DBOS, in processes that die: what has ended is not done again, and nobody takes what is another's."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.runbooks import durable
from calmtui.runbooks.durable import Durable
from calmtui.runbooks.engine import Flow
from calmtui.runbooks.journal import Journal
from calmtui.store import filesystem
from calmtui.store.database import StoreError

DIES = """
import asyncio, os, sys
from pathlib import Path
from calmtui.runbooks.durable import Durable

folder = Path(sys.argv[1])

async def body(workflow, flow):
    async def first():
        with (folder / "first").open("a") as file:
            file.write("x")
        return "one"
    async def second():
        print("dies", flush=True)
        os._exit(9)
    await flow.step("first", first)
    await flow.step("second", second)

async def main():
    async with Durable(body, folder / "workflows.db") as engine:
        await engine.begin("w-1")
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_workflow_goes_on_where_its_process_died_and_the_terminal_stays_clean(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, tmp_path], capture_output=True, timeout=100)
    assert (died.returncode, died.stdout, died.stderr) == (9, b"dies\n", b"")
    results: list[str] = []
    ended = asyncio.Event()

    async def body(workflow: str, flow: Flow) -> None:
        async def first() -> str:
            return "another"

        async def second() -> str:
            return "two"

        results.extend([workflow, await flow.step("first", first), await flow.step("second", second)])
        ended.set()

    async with Durable(body, tmp_path / "workflows.db") as engine:
        assert await engine.begin("w-1")
        async with asyncio.timeout(60):
            await ended.wait()
            while await engine.begin("w-1"):
                await asyncio.sleep(0.05)
    assert results == ["w-1", "one", "two"]
    assert (tmp_path / "first").read_text() == "x"


def test_another_engine_on_the_same_database_leaves_alone_what_it_was_not_told_to_begin(tmp_path: Path) -> None:
    """Hazard 1 and 4: no engine takes what is another's; what a dead one has left waits for whoever is told."""
    script = DIES.replace('print("dies", flush=True)\n        os._exit(9)', "await asyncio.sleep(60)")
    first = subprocess.Popen([sys.executable, "-c", script, tmp_path])
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "first").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        idle = DIES.replace('await engine.begin("w-1")', 'await engine.begin("w-2")').replace("sleep(60)", "sleep(4)")
        other = subprocess.run([sys.executable, "-c", idle, tmp_path], capture_output=True, timeout=100)
        assert other.stdout == b"dies\n"  # of its own
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()
    assert (tmp_path / "first").read_text() == "xx"  # each its own, once


async def test_what_another_version_has_begun_is_said_not_to_go_on_instead_of_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hazard 2."""
    assert subprocess.run([sys.executable, "-c", DIES, tmp_path], capture_output=True, timeout=100).returncode == 9
    monkeypatch.setattr(durable, "VERSION", "of the future")

    async def body(workflow: str, flow: Flow) -> None:
        raise AssertionError("it cannot be gone on with")

    async with Durable(body, tmp_path / "workflows.db") as engine:
        assert not await engine.begin("w-1")


async def test_threads_can_be_used_after_an_engine_was_left(tmp_path: Path) -> None:
    """Hazard 6: it replaces the executor of the loop, and ends its own."""

    async def body(workflow: str, flow: Flow) -> None:
        return

    async with Durable(body, tmp_path / "workflows.db") as engine:
        await engine.begin("w-1")
        assert await asyncio.to_thread(lambda: 1) == 1
    assert await asyncio.to_thread(lambda: 2) == 2


def test_only_the_port_knows_the_engine() -> None:
    """Hazard 8: what its next version changes is changed in one file."""
    root = Path(durable.__file__).parents[1]
    found = [path.name for path in root.rglob("*.py") if re.search(r"(from|import) dbos", path.read_text())]
    assert found == ["durable.py"]


def test_the_journal_is_refused_on_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hazard 7."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 /dev/x rw\n2 1 0:2 / {tmp_path} rw - nfs4 server:/x rw\n")
    monkeypatch.setattr(filesystem, "MOUNTS", mounts)
    with pytest.raises(StoreError, match="network file system"):
        Journal(tmp_path / "runs.db").runs()


@pytest.mark.parametrize(("version", "mode"), [((3, 40, 1), "delete"), ((3, 51, 3), "wal")])
def test_no_write_ahead_log_where_several_writers_can_damage_it(
    version: tuple[int, ...], mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hazard 9: of the files of runs and of the ledger."""
    monkeypatch.setattr("calmtui.store.database.sqlite3.sqlite_version_info", version)
    Journal(tmp_path / "runs.db").runs()
    Trail(tmp_path / "ledger.db", "shop").append(Trail(tmp_path / "ledger.db", "shop").record(Event.INTENT))
    for name in ("runs.db", "ledger.db"):
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as connection:
            assert connection.execute("pragma journal_mode").fetchone()[0] == mode
