"""Time to the first painted tree with 10,000 stored nodes, beside the bare import of textual.app.

Both are whole processes on the same machine, taken in turns, after a first one of each that is not
counted: it leaves compiled modules behind, as an installed program has them. Painted means: the name of the tree's
first node has arrived at the terminal, which is a pty of 120x40.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from bench.report import report
from calmtui.estate import find
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.store import last_fleet

NODES = 10_000
ROUNDS = 7
NEEDLE = "engine-0000"
ESTATE = 'name: bench\nsources:\n  engine: {provider: docker, host: "tcp://127.0.0.1:1"}\n'
DEADLINE = 60.0


def main(argv: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {**os.environ, "HOME": folder, "XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}
        environment |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONPYCACHEPREFIX": str(home / "compiled")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        estate = home / "estate.yaml"
        estate.write_text(ESTATE)
        _remember(estate, home / "calmtui" / "state.db")
        paints, imports = [], []
        for _ in range(ROUNDS + 1):
            imports.append(_import(environment))
            paints.append(_first_paint(estate, environment))
        del paints[0], imports[0]
        peer = "python -c 'import textual.app'"
        report("start", "first paint, median", statistics.median(paints), "s", peer, statistics.median(imports))
        report("start", "first paint, best", min(paints), "s", peer, min(imports))


def _remember(estate: Path, path: Path) -> None:
    nodes = [
        Node(
            f"docker:engine/engine-{number:04}",
            "container",
            f"engine-{number:04}",
            "engine",
            state=State.FAILED if number % 500 == 7 else State.RUNNING,
            labels={"com.docker.compose.service": f"shop-{number % 40}", "env": "production"},
            addresses=(f"10.0.{number // 250}.{number % 250}",),
            image="shop/web:1.9.2",
            created=time.time() - number,
        )
        for number in range(NODES)
    ]
    status = SourceStatus("engine", "docker", Health.LIVE, confirmed_at=time.time(), nodes=NODES)
    last_fleet.save(find.key_of(estate), [status], {"engine": nodes}, only=["engine"], path=path)


def _import(environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], env=environment, check=True)
    return time.perf_counter() - begun


def _first_paint(estate: Path, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execve(sys.executable, [sys.executable, "-m", "calmtui", "-i", str(estate)], environment)
    seen = b""
    try:
        while NEEDLE.encode() not in seen:
            ready, _, _ = select.select([terminal], [], [], DEADLINE)
            if not ready:
                raise SystemExit(f"nothing was painted in {DEADLINE:g} s: {seen[-500:]!r}")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - begun
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)
