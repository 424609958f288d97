"""What belongs to other machines kept from taking the processor of this one, and what the machine itself gives.

On a real fleet the hosts' servers and writers run elsewhere. Here they are nice (19), as processes and as sessions,
between which Linux divides the processor before it looks at processes.
`python -m bench.log.apart` is a bare event loop that sleeps and is late: what any program waits for at that time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

NICE = 19
NAP = 0.01
"""Seconds that the bare loop sleeps."""


def apart(pids: Iterable[int]) -> None:
    """Be nice, from now on: these processes and the sessions that they are in."""
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended
            os.setpriority(os.PRIO_PROCESS, pid, NICE)
            Path(f"/proc/{pid}/autogroup").write_text(str(NICE))


class Bare:
    """The bare loop, running until `late` is asked."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "bench.log.apart"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)

    def late(self) -> dict[str, float]:
        """By how many milliseconds it woke late: p50 and p99."""
        self._process.send_signal(signal.SIGTERM)
        told, _ = self._process.communicate()
        return dict(json.loads(told))


async def _bare() -> None:
    late, end = [], asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    while not end.is_set():
        begin = time.perf_counter()
        await asyncio.sleep(NAP)
        late.append((time.perf_counter() - begin - NAP) * 1000)
    late.sort()
    print(json.dumps({"p50": late[len(late) // 2], "p99": late[int(len(late) * 0.99)]}))


if __name__ == "__main__":
    asyncio.run(_bare())
