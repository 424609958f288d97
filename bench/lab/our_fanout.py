"""A command on many hosts by us: `python -m bench.lab.our_fanout SSH_CONFIG HOST…`.

Its figures are seconds cold and warm, and the MB that this process holds after both: it loads nothing but what the
command needs.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from statistics import median

ROUNDS = 3
LINE = "hostname >/dev/null; uname -sr; cat /etc/hostname /etc/os-release"
"""The same output on every host of the lab: a gathered one is one block."""


def main(config: Path, hosts: list[str]) -> dict[str, float]:
    """The figures: medians of the times, the memory of the first round."""
    import asyncssh  # noqa: F401 -- loaded before the clock starts, as an interpreter is

    enough_files()
    rounds = [asyncio.run(_round(config, hosts)) for _ in range(ROUNDS)]
    cold, warm = (median(times[kind] for times, _ in rounds) for kind in (0, 1))
    return {"cold": cold, "warm": warm, "resident": rounds[0][1]}


async def _round(config: Path, hosts: list[str]) -> tuple[list[float], float]:
    """Seconds of the first run of the command and of another on the same connections; MB held after both."""
    from calmtui.actions.commands import Fanout, Limits
    from calmtui.actions.gate import Gate
    from calmtui.actions.gathered import groups
    from calmtui.actions.outcome import Status, names
    from calmtui.estate.live import LiveEstate
    from calmtui.estate.model import Estate
    from calmtui.fleet.node import Node
    from calmtui.fleet.update import Delta
    from calmtui.providers.base import Command, Opening
    from calmtui.providers.ssh import PROVIDER

    began = time.perf_counter()
    options = PROVIDER.options()(hosts=hosts, ssh_config=config)
    source = PROVIDER.open(Opening("bench", options, config.parent))
    live = LiveEstate(Estate("bench"))
    nodes = [Node(id=f"ssh:bench/{host}", kind="host", name=host, source="bench", offers=("exec",)) for host in hosts]
    live.gatherer.sources["bench"] = source
    live.fleet.apply("bench", [Delta("", put=nodes)])
    times = []
    gate = Gate(live, read_only=False, through="command", interactive=False)
    for _ in range(2):
        fanout = Fanout(gate, nodes, Command((LINE,)), Limits())
        await fanout.admit()
        await fanout.run()
        called = names(nodes)
        blocks = [(group.hosts(called), group.said.lines()) for group in groups(fanout.answers)]
        times.append(time.perf_counter() - began)
        began = time.perf_counter()
        failed = [outcome for outcome in fanout.execution.outcomes.values() if outcome.status is not Status.OK]
        assert not failed, f"{len(failed)} failed: {failed[0].detail}"
        assert len(blocks) == 1, "the hosts are to say the same"
    resident = _resident()
    await source.close()
    return times, resident


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def enough_files() -> None:
    """Let this process and its children have as many connections as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))
