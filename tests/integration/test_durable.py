"""The engine on DBOS, in processes that die: what has ended is not done again, and nobody takes what is another's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from calmtui.runbooks.durable import Durable
from calmtui.runbooks.engine import Flow

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
