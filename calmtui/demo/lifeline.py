"""A child process that ends when its parent does, however that happens."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable


def when_parent_ends(end: Callable[[], object]) -> None:
    """Call `end`, in a thread, when the parent closes its end of our standard input or has died."""

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def ready(**environment: str) -> None:
    """Tell the parent that we are up, and what to put into the environment: a line `NAME=VALUE` each."""
    for name, value in environment.items():
        sys.stdout.write(f"{name}={value}\n")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
