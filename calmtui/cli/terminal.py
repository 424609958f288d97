"""Asking a person at the terminal. Ctrl-C ends a question at once and leaves the terminal as it was.

Neither `input` nor `getpass` would: they block the event loop, or wait in a thread that cannot be ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
import termios
import time

from calmtui import sanitise


class Secrets:
    """Asks for passwords and counts the time that it takes, which no source should be blamed for."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._seconds = 0.0
        self._asked_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long somebody was being asked, up to now."""
        now = time.monotonic()
        return self._seconds + (now - self._asked_at if self._asked_at is not None else 0.0)

    async def ask(self, prompt: str) -> str | None:
        """What was typed, not echoed; None when there is no terminal to ask on, or at the end of input."""
        async with self._one_at_a_time:
            self._asked_at = time.monotonic()
            try:
                return await ask(f"{prompt}:", echo=False)
            finally:
                self._seconds, self._asked_at = self.seconds, None


async def ask(prompt: str, *, echo: bool = True) -> str | None:
    """The line that was typed; None when there is no terminal to ask on, or at the end of input."""
    if not sys.stdin.isatty():
        return None
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    try:
        return await _read_line(terminal, sanitise.word(prompt), echo=echo)
    finally:
        os.close(terminal)


async def _read_line(terminal: int, prompt: str, *, echo: bool) -> str | None:
    loop = asyncio.get_running_loop()
    typed: asyncio.Future[bytes] = loop.create_future()

    def read() -> None:
        if not typed.done():
            typed.set_result(os.read(terminal, 4096))

    before = termios.tcgetattr(terminal)
    quiet = [*before]
    quiet[3] = before[3] & ~termios.ECHO  # whole lines still, so that backspace works
    if not echo:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
    os.write(terminal, f"{prompt} ".encode())
    loop.add_reader(terminal, read)
    try:
        line = await typed
    finally:
        loop.remove_reader(terminal)
        if not echo:
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
            os.write(terminal, b"\n")
    return line.decode(errors="replace").rstrip("\r\n") if line else None
