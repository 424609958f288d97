"""Taking: what the log's screen does with lines besides showing them: copies, files, pins."""

from __future__ import annotations

import asyncio
import getpass
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from platformdirs import user_state_path

from calmtui.estate import find
from calmtui.logs.line import LogLine, key
from calmtui.logs.output import as_text, document
from calmtui.store import pins
from calmtui.store.database import StoreError
from calmtui.tui.log_finding import after

if TYPE_CHECKING:
    from calmtui.tui.screens.lines import LinesScreen

PIECE = 2_000
"""Lines that are written between two turns of the event loop: about 10 ms."""


class Taking:
    """A part of a screen of log lines: the commands that take lines along."""

    def __init__(self, screen: LinesScreen) -> None:
        self._screen = screen

    def action_copy(self) -> None:
        line = self._screen.view.current
        if line is not None:
            self._screen.app.copy_to_clipboard(as_text(line, self._screen.names(line)))
            self._screen.say("the line is copied, if the terminal allows it (OSC 52)")

    def action_save(self, path: str) -> None:
        """Write the lines that are shown to a file, the oldest first, those that come meanwhile left out."""
        target = Path(path).expanduser() if path else saved_path(time.time())
        self._screen.run_worker(self._save(target), group="save")

    async def _save(self, target: Path) -> None:
        try:
            file = await asyncio.to_thread(_create, target)
            with file:
                count = await self._write(file)
        except OSError as error:
            self._screen.say(f"not saved: {target}: {error.strerror}", trouble=True)
        else:
            self._screen.say(f"{count:,} lines saved to {target}")

    async def _write(self, file: TextIO) -> int:
        """Write what is shown now, a piece at a time while keys are answered; how many lines it was."""
        view, names, count = self._screen.view.shown, self._screen.names, 0
        if not view.lines:
            return 0
        newest, last = key(view.lines[-1]), None
        while last is None or key(last) < newest:
            at = 0 if last is None else after(view, last)
            piece = view.lines[at : at + PIECE]
            if not piece or key(piece[0]) > newest:
                break
            piece = [line for line in piece if key(line) <= newest]
            await asyncio.to_thread(file.write, document(piece, names))
            count, last = count + len(piece), piece[-1]
        return count

    # -- pins ------------------------------------------------------------------------

    def action_pin(self, note: str) -> None:
        line = self._screen.view.current
        if line is None:
            self._screen.say("there is no line to pin")
        elif note:
            self._pin(line, note)
        else:
            self._screen.ask("pin this line; note …  (may be empty)", lambda answer: self._pin(line, answer))

    def _pin(self, line: LogLine, note: str) -> None:
        self._screen.run_worker(self._keep(line, note), group="pin")

    async def _keep(self, line: LogLine, note: str) -> None:
        origin, now = line.origin, time.time()
        pin = pins.Pin(origin.node_id, origin.node, origin.stream, line.at, line.text, note, getpass.getuser(), now)
        try:
            await asyncio.to_thread(pins.add, find.key(self._screen.live.estate), pin)
        except StoreError as error:
            self._screen.say(str(error), trouble=True)
            return
        look = self._screen.view.look
        self._screen.view.restyle(pinned=look.pinned | {(origin.node_id, line.at, line.text)})
        self._screen.say("pinned; B lists the pins, and so does calmtui pins")

    async def recall(self) -> None:
        """Mark the lines that are pinned already."""
        try:
            kept = await asyncio.to_thread(pins.load, find.key(self._screen.live.estate))
        except StoreError as error:
            self._screen.say(str(error), trouble=True)
            return
        self._screen.view.restyle(pinned=frozenset((pin.node, pin.at, pin.text) for pin in kept))

    def action_pins(self) -> None:
        from calmtui.tui.screens.pins import PinsScreen  # not needed until it is asked for

        def chosen(pin: pins.Pin | None) -> None:
            self._screen.run_worker(self.recall(), group="pin")
            if pin is not None:
                self._screen.view.go_to_time(pin.at)

        self._screen.app.push_screen(PinsScreen(find.key(self._screen.live.estate)), callback=chosen)


def saved_path(now: float) -> Path:
    """Where lines are saved unless it is said: a file of its own for each second, in the state folder."""
    return user_state_path("calmtui") / "saved" / time.strftime("logs-%Y%m%d-%H%M%S.log", time.localtime(now))


def _create(path: Path) -> TextIO:
    """A new file that only the operator may read. Never over another. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
