"""Asking a person at the terminal. Ctrl-C ends a question at once and leaves the terminal as it was.

Neither `input` nor `getpass` would: they block the event loop, or wait in a thread that cannot be ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
import termios

from calmtui import sanitise

_one_at_a_time = asyncio.Lock()


async def ask_secret(prompt: str) -> str | None:
    """What was typed, not echoed; None when there is no terminal to ask on, or at the end of input."""
    return await ask(prompt, echo=False)


async def ask(prompt: str, *, echo: bool = True) -> str | None:
    """The line that was typed; None when there is no terminal to ask on, or at the end of input."""
    if not sys.stdin.isatty():
        return None
    async with _one_at_a_time:
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
