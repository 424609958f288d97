"""The program in a real terminal: a tmux session of its own server, typed into and read."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence

from tests.lab.place import descendants, need_root, unavailable

PROMPT = "#"
"""What root's shell shows when it waits; the lab is root's."""


class Tmux:
    """One terminal of `columns` × `rows` with a shell in it. Used as a context manager."""

    def __init__(self, columns: int, rows: int, environment: Mapping[str, str] | None = None) -> None:
        need_root()
        if shutil.which("tmux") is None:
            unavailable("there is no tmux: apt-get install tmux")
        self._socket = f"calmtui-test-{uuid.uuid4().hex[:8]}"
        self._size = ("-x", str(columns), "-y", str(rows))
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}

    def __enter__(self) -> Tmux:
        self._tmux("-f", "/dev/null", "new-session", "-d", *self._size, "sh")
        self._tmux("set-option", "-g", "status", "off")
        self.wait(PROMPT)
        return self

    def __exit__(self, *exc: object) -> None:
        self._tmux("kill-server", check=False)

    def run(self, argv: Sequence[str]) -> None:
        """Type a command and Enter."""
        self._tmux("send-keys", "-l", "--", shlex.join(argv))
        self.keys("Enter")

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names: `Enter`, `Escape`, `C-c`, `Down`, `a`."""
        self._tmux("send-keys", *names)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._tmux("send-keys", "-l", "--", text)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self, *, escapes: bool = False) -> str:
        """What is on the screen now; with `escapes`, colours as SGR sequences."""
        return self._tmux("capture-pane", "-p", *(["-e"] if escapes else []))

    def wait(self, *texts: str, gone: Sequence[str] = (), seconds: float = 20) -> str:
        """The screen, once it holds every text and none of `gone`. Fails with the screen when it never does."""
        deadline = time.monotonic() + seconds
        while True:
            screen = self.screen()
            if all(text in screen for text in texts) and not any(text in screen for text in gone):
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {texts!r} without {gone!r}:\n{screen}")
            time.sleep(0.05)

    def wait_ended(self, seconds: float = 20) -> None:
        """Until what was run has ended and the shell has the terminal again: what is typed before that is lost."""
        deadline = time.monotonic() + seconds
        while len(self.pids()) > 1:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for the program to end:\n{self.screen()}")
            time.sleep(0.05)

    def pids(self) -> list[int]:
        """The shell and what runs below it."""
        shell = int(self._tmux("display-message", "-p", "#{pane_pid}"))
        return [shell, *descendants(shell)]

    def in_alternate_screen(self) -> bool:
        """Whether a full-screen program has the terminal."""
        return self._tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def _tmux(self, *args: str, check: bool = True) -> str:
        argv = ["tmux", "-L", self._socket, *args]
        done = subprocess.run(argv, env=self._environment, text=True, capture_output=True, check=False, timeout=20)
        if check and done.returncode:
            raise AssertionError(f"tmux {' '.join(args)}: {done.stderr}")
        return done.stdout
