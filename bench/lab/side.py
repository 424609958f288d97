"""One side of a comparison in a process of its own, which prints its figures as a line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys

TERMINAL = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


def run(module: str, *arguments: str) -> dict[str, float]:
    """The figures of `python -m MODULE ARGUMENTS`."""
    told = subprocess.run(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, env=TERMINAL, check=True, text=True
    )
    figures: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return figures
