"""Keeps the worker alive: a small process that starts it, and starts it again when it was killed.

It imports nothing but the standard library, because it only waits. A worker that leaves by itself is not
started again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

FIRST, LONGEST = 0.5, 60.0
"""Seconds before a worker that was killed is started again: twice as many each time."""


def main() -> int:
    """Until the worker leaves by itself; returns what it left with."""
    pause = FIRST
    while True:
        began = time.monotonic()
        status = subprocess.call([sys.executable, "-m", "calmtui.runbooks.worker"])
        if status >= 0:  # not killed
            return status
        os.environ.pop("CALMTUI_COMING", None)  # the run that was about to come is there, or never was
        pause = FIRST if time.monotonic() - began > LONGEST else min(2 * pause, LONGEST)
        time.sleep(pause)


if __name__ == "__main__":
    sys.exit(main())
