"""A process on a real pty, whose bytes are counted."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

from bench.lab.side import TERMINAL

SIZE = (40, 120)
"""Rows and columns."""
PATIENCE = 60.0


class Terminal:
    """`python -m MODULE ARGUMENTS` on a pty of its own."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.child, self._fd = pty.fork()
        if self.child == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
            os.execve(sys.executable, [sys.executable, "-m", module, *arguments], TERMINAL)

    def read(self, seconds: float) -> bytes:
        """What it writes within that time."""
        got, end = b"", time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self._fd], [], [], left)
            got += os.read(self._fd, 65536) if ready else b""
        return got

    def wait_for(self, text: str) -> None:
        """Read until that was written."""
        seen, end = b"", time.monotonic() + PATIENCE
        while text.encode() not in seen:
            if time.monotonic() > end:
                raise SystemExit(f"{text!r} was never written: {seen[-500:]!r}")
            seen += self.read(0.1)

    def answer(self, text: str, seen: str, patience: float) -> float:
        """Press keys; seconds until it has written what an expression finds, at most so many."""
        got, wanted, pressed = b"", re.compile(seen.encode()), time.perf_counter()
        self.type(text)
        while not wanted.search(got):
            left = pressed + patience - time.perf_counter()
            if left <= 0:
                return patience
            ready, _, _ = select.select([self._fd], [], [], left)
            got += os.read(self._fd, 65536) if ready else b""
        return time.perf_counter() - pressed

    def settle(self) -> None:
        """Read until nothing was written for a second."""
        while self.read(1.0):
            pass

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.child, number)

    def close(self) -> None:
        """End it."""
        os.kill(self.child, signal.SIGKILL)
        os.close(self._fd)
        os.waitpid(self.child, 0)
