"""Hosts and commands that hang (SIGSTOP): what is said of them is true, and nothing runs on when they come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from calmtui import providers
from calmtui.actions.commands import Fanout, Limits
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import Outcome, Status
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.providers.base import Command
from calmtui.transport import exec as transport
from tests.lab.fleet import SshFleet
from tests.lab.place import descendants

pytestmark = pytest.mark.lab
HOST = "web-019"


@asynccontextmanager
async def connected(ssh_fleet: SshFleet) -> AsyncIterator[LiveEstate]:
    """The host, its connection warm."""
    options = providers.load("ssh").options()(hosts=[HOST], ssh_config=ssh_fleet.ssh_config, interval=3600)
    async with LiveEstate(Estate("lab", (SourceSpec("hosts", "ssh", options),))) as live:
        await live.gatherer.settled(60)
        yield live


async def ran(live: LiveEstate, line: str, **limits: float) -> Outcome:
    """What came of a command on the host."""
    fanout = Fanout(
        Gate(live, read_only=False, through="command"), [live.fleet.nodes[f"ssh:hosts/{HOST}"]], Command((line,)),
        Limits(**limits),  # type: ignore[arg-type]
    )  # fmt: skip
    await fanout.admit()
    await fanout.run()
    [outcome] = fanout.execution.outcomes.values()
    return outcome


def sessions(ssh_fleet: SshFleet) -> list[int]:
    """The servers of the connections to the host; the one that listens is not among them."""
    [listening] = [one for one in ssh_fleet.servers if HOST in " ".join(map(str, one.args))]  # type: ignore[arg-type]
    return [pid for pid in descendants(listening.pid) if "sshd" in Path(f"/proc/{pid}/comm").read_text()]


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """Those processes hang meanwhile."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_host_that_hangs_is_not_reached_in_time_and_never_begins_the_command(ssh_fleet: SshFleet) -> None:
    made = ssh_fleet.folder / "hosts" / HOST / "root" / "begun-late"
    async with connected(ssh_fleet) as live:
        with stopped(sessions(ssh_fleet)):
            outcome = await ran(live, "touch /root/begun-late", connect_seconds=1)
        assert (outcome.status, outcome.detail) == (Status.FAILED, f"{HOST}: not reached within 1 s")
        assert (await ran(live, "true")).status is Status.OK
        assert not made.exists()


async def test_a_host_that_hangs_while_a_command_runs_is_unknown_and_ends_it_when_it_comes_back(
    ssh_fleet: SshFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ENDING", 1.0)
    line = f"echo begun; while :; do sleep 0.{os.getpid()}1; done"
    async with connected(ssh_fleet) as live:
        running = asyncio.create_task(ran(live, line, seconds=4))
        await until(lambda: any(line in one for one in ssh_fleet.processes(HOST)))
        with stopped(sessions(ssh_fleet)):
            outcome = await running
            assert any(line in one for one in ssh_fleet.processes(HOST))
        assert (outcome.status, "may run the command when it comes back" in outcome.detail) == (Status.UNKNOWN, True)
        await until(lambda: not any(line in one for one in ssh_fleet.processes(HOST)))


async def test_a_command_that_hangs_is_ended_when_its_time_is_up(ssh_fleet: SshFleet) -> None:
    line = f"kill -STOP $$; sleep 1000.{os.getpid()}"
    async with connected(ssh_fleet) as live:
        outcome = await ran(live, f"sh -c '{line}'", seconds=3)
    assert (outcome.status, outcome.detail) == (Status.FAILED, "timed out: ended after 3 s")
    assert not any(line in one for one in ssh_fleet.processes(HOST))
