"""Playing a playbook in a process of its own, which ends it when we end, however that is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from calmtui.errors import CalmError, UsageError
from calmtui.estate import folders

ENDING = 15.0
"""Seconds that a playbook which is ended has to be gone."""
LONGEST = 1 << 22
"""Bytes of one event at the most."""


async def played(wanted: Mapping[str, Any], folder: Path) -> AsyncGenerator[dict[str, Any], None]:
    """Play what ansible-runner is asked for; its events, as `playing.essence` puts them.

    Closed before its end, it ends the playbook. `folder` is the run's own. Raises UsageError, CalmError.
    """
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    if shutil.which("ansible-playbook", path=environment["PATH"]) is None:
        raise UsageError("ansible-playbook is not on this machine",
                         next_step="install it where the worker runs: `pipx install ansible-core`, or the system's "
                         "package `ansible-core`")  # fmt: skip
    lock = folders.made(folder) / "ansible.lock"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "calmtui.runbooks.steps.playing",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, limit=LONGEST, start_new_session=True,
    )  # fmt: skip
    assert child.stdin is not None, "a pipe"
    assert child.stdout is not None, "a pipe"
    assert child.stderr is not None, "a pipe"
    errors = asyncio.create_task(child.stderr.read(), name="errors of a playbook")
    ended = False
    try:
        child.stdin.write(json.dumps({**wanted, "lock": str(lock)}).encode() + b"\n")
        await child.stdin.drain()
        async for line in child.stdout:
            event = json.loads(line)
            ended = ended or event["event"] == "ended"
            yield event
    finally:
        await _end(child)
        said = (await errors).decode(errors="replace").strip()
    if not ended:
        raise CalmError(f"ansible-runner ended before its time: {said.splitlines()[-1] if said else 'it said nothing'}")


async def _end(child: Process) -> None:
    """Have it end the playbook, if that is under way, and wait until it is gone."""
    assert child.stdin is not None, "a pipe"
    child.stdin.close()
    waiting = asyncio.ensure_future(child.wait())
    done, _ = await asyncio.wait([waiting], timeout=ENDING)
    if not done:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await waiting
