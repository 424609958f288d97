"""The console in a real terminal: how it is left, what it sends, what of it stays behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.estate import find
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.store import last_fleet

CRASH = """
import sys
from calmtui.tui.screens.fleet import FleetScreen
def action_last(self): raise RuntimeError("a fault of ours")
FleetScreen.action_last = action_last
sys.argv = ["calmtui", *sys.argv[1:]]
from calmtui.__main__ import main
main()
"""
PATIENCE = 30.0


class Terminal:
    """The console as a process on a pty of 80x24. Entered, it runs; left, it is gone."""

    def __init__(self, *argv: str) -> None:
        self.sent = b""
        """Everything that it sent so far."""
        self.child, self._fd = pty.fork()
        if self.child == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            os.execve(sys.executable, [sys.executable, *argv], {**os.environ, "TERM": "xterm-256color"})
        self._status: int | None = None

    def read(self, seconds: float) -> bytes:
        """What it sends within that time."""
        got = b""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self._fd], [], [], left)
            try:
                piece = os.read(self._fd, 65536) if ready else b""
            except OSError:  # the other end is closed
                break
            got += piece
        self.sent += got
        return got

    def wait_for(self, text: str) -> None:
        """Read until that was sent."""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.sent:
            assert time.monotonic() < deadline, f"waited for {text!r}: {self.sent[-2000:]!r}"
            self.read(0.05)

    def quiet(self) -> None:
        """Read until it has sent nothing for a second."""
        deadline = time.monotonic() + PATIENCE
        while self.read(1.0):
            assert time.monotonic() < deadline, "it never comes to rest"

    def type(self, text: str) -> None:
        """Send keys."""
        os.write(self._fd, text.encode())

    def end(self) -> int:
        """The exit status, once it has ended."""
        deadline = time.monotonic() + PATIENCE
        while self._status is None:
            assert time.monotonic() < deadline, "it does not end"
            self.read(0.05)
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def close(self) -> None:
        """Make an end of it."""
        if self._status is None:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        os.close(self._fd)

    @property
    def restored(self) -> bool:
        """Whether the alternate screen was left and the cursor shown again, after everything else."""
        left, shown = self.sent.rfind(b"\x1b[?1049l"), self.sent.rfind(b"\x1b[?25h")
        return left > self.sent.rfind(b"\x1b[?1049h") and shown > self.sent.rfind(b"\x1b[?25l")


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """An estate whose engine is down."""
    file = tmp_path / "estate.yaml"
    file.write_text('name: lab\nsources:\n  engine: {provider: docker, host: "tcp://127.0.0.1:1"}\n')
    nodes = [
        Node(f"docker:engine/{name}", "container", name, "engine", state=State.RUNNING) for name in ("api", "db", "web")
    ]
    status = SourceStatus("engine", "docker", Health.LIVE, confirmed_at=time.time(), nodes=3)
    last_fleet.save(find.key_of(file), [status], {"engine": nodes}, only=["engine"])
    return file


@pytest.fixture
def console(estate: Path) -> Iterator[Terminal]:
    terminal = Terminal("-m", "calmtui", "-i", str(estate))
    yield terminal
    terminal.close()


def test_q_leaves_it_and_the_terminal_is_as_it_was(console: Terminal) -> None:
    console.wait_for("no engine")
    console.type("q")
    assert console.end() == 0
    assert console.restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(console: Terminal, number: signal.Signals) -> None:
    console.wait_for("no engine")
    os.kill(console.child, number)
    assert console.end() == 128 + number
    assert console.restored


def test_a_fault_of_ours_is_one_line_with_the_log_file_that_has_the_rest(estate: Path) -> None:
    console = Terminal("-c", CRASH, "-i", str(estate))
    try:
        console.wait_for("no engine")
        console.type("G")
        assert console.end() == 1
        assert console.restored
        after = console.sent[console.sent.rfind(b"\x1b[?1049l") :].decode()
        assert "internal error: RuntimeError: a fault of ours" in after
        assert "Traceback" not in console.sent.decode()
        log = Path(os.environ["XDG_STATE_HOME"]) / "calmtui" / "calmtui.log"
        assert str(log) in after.replace("\r\n", "")
        assert "in action_last" in log.read_text()
    finally:
        console.close()


def test_nothing_is_sent_while_nothing_happens(console: Terminal) -> None:
    console.wait_for("no engine")
    console.quiet()
    if time.time() % 60 > 56:  # the clock of the first line is due
        console.read(60 - time.time() % 60 + 1)
    assert console.read(2.0) == b""


def test_a_cursor_move_sends_little(console: Terminal) -> None:
    console.wait_for("no engine")
    console.quiet()
    console.type("j")
    assert 0 < len(console.read(1.0)) <= 2048


def test_what_was_known_and_marked_is_there_at_the_next_start(console: Terminal, estate: Path) -> None:
    console.wait_for("no engine")
    console.type("j ")
    console.wait_for("marked 1")
    console.type("q")
    assert console.end() == 0
    again = Terminal("-m", "calmtui", "-i", str(estate))
    try:
        again.wait_for("marked 1")
        again.wait_for("api")
        assert b"3 nodes" in again.sent
    finally:
        again.close()
