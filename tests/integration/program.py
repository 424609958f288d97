"""The program as its users run it: a process of its own, with pipes or on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.lab.ready import Ready

ARGV = [sys.executable, "-m", "calmtui"]


@dataclass(frozen=True)
class Ran:
    """A run that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@cache
def _ready() -> Ready:
    return Ready()


def run(*args: str, **environment: str) -> Ran:
    """Run it without a terminal, as a script does."""
    status, out, err = _ready().run(list(args), {**os.environ, **environment}, seconds=60)
    return Ran(status, out.decode(), err.decode())


class OnTerminal:
    """The program on a pty of 80x24; what it printed is in `seen`. Used as a context manager."""

    def __init__(self, *args: str, **environment: str) -> None:
        self.seen = b""
        self._matched = 0
        pid, self._terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment})
            os.execv(ARGV[0], [*ARGV, *args])
        self._pid = pid

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed and self._pid:
            self.kill()
        self.end()

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self, pattern: str, seconds: float = 30) -> str:
        """What matches the pattern, once it was printed, looking on from behind the last match."""
        deadline = time.monotonic() + seconds
        while not (match := re.compile(pattern.encode()).search(self.seen, self._matched)):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"never saw {pattern!r} in {self.seen[self._matched :]!r}")
        self._matched = match.end()
        return match[0].decode()

    def end(self, seconds: float = 30) -> int:
        """Wait until it has ended; its exit status."""
        deadline = time.monotonic() + seconds
        while self._pid and self._read(deadline - time.monotonic()):
            pass
        if self._pid:
            _, status = os.waitpid(self._pid, 0)
            self._pid = 0
            os.close(self._terminal)
            self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def _read(self, seconds: float) -> bool:
        """Read once; whether there may be more."""
        if not select.select([self._terminal], [], [], max(seconds, 0))[0]:
            raise AssertionError(f"nothing more came after {self.seen[-500:]!r}")
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # Linux says so when the other side of a pty is closed
            return False
        self.seen += data
        return bool(data)


def write_estate(folder: Path, text: str) -> Path:
    """An estate file in the folder."""
    path = folder / "estate.yaml"
    path.write_text(text)
    return path
