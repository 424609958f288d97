"""A playbook under way, in a process of its own: `python -m calmtui.runbooks.steps.playing`.

It reads what to play as one line of JSON from its input, and tells what happens as lines of JSON. When its input
ends, by whatever end of whoever started it, it ends the playbook with all that this has started. What is secret
comes with the line, and is kept for ansible in files that are this user's alone and go with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LOOK = 1
"""Seconds between two looks at whether it is to end (ansible-runner's `pexpect_timeout`)."""
GRACE = 3.0
"""Seconds that ansible has to end what it has started, before all of it is killed."""
LONGEST = 4096
"""Characters of each text that are told."""
ALWAYS = {
    "ANSIBLE_HOST_KEY_CHECKING": "True",  # whatever an ansible.cfg says
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
}


def main() -> int:
    """Play what the input says."""
    wanted = json.loads(sys.stdin.readline())
    over = threading.Event()
    playing = Playing(over)
    threading.Thread(target=playing.watch, daemon=True).start()
    with _alone(Path(wanted.pop("lock"))), tempfile.TemporaryDirectory(prefix="calmtui-") as folder:
        if not over.is_set():
            playing.play(folder, wanted)
    return 0


class Playing:
    """One playbook; `over` is set when it is to end."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over
        self._pid = 0
        """Of ansible-playbook, once it has told anything."""

    def play(self, folder: str, wanted: dict[str, Any]) -> None:
        """Play it to its end, and tell what happens. `folder`: for ansible-runner's files."""
        import ansible_runner

        wanted["envvars"] |= ALWAYS
        wanted["envvars"]["ANSIBLE_SSH_CONTROL_PATH_DIR"] = f"{folder}/cp"  # a socket's path has 108 bytes, a home more
        runner = ansible_runner.run(
            private_data_dir=folder,
            event_handler=self._heard,
            cancel_callback=self._over.is_set,
            quiet=True,
            settings={"pexpect_timeout": LOOK},
            **wanted,
        )
        told = Path(runner.config.artifact_dir) / "stdout"
        rest = told.read_text(errors="replace")[-LONGEST:] if not self._pid and told.is_file() else ""
        _tell({"event": "ended", "status": runner.status, "rc": runner.rc, "text": rest})

    def watch(self) -> None:
        """Wait for the end of the input, then end ansible: it is asked to, and killed with all that is below it."""
        sys.stdin.read()
        below = _below(os.getpid())
        if self._pid:
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while below and time.monotonic() < deadline:
            time.sleep(0.1)
            below = {*_below(os.getpid()), *filter(_alive, below)}
        for pid in below:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self._over.set()

    def _heard(self, event: dict[str, Any]) -> bool:
        self._pid = event.get("pid") or self._pid
        try:
            _tell(essence(event))
        except OSError:  # nobody listens any more
            self._over.set()
        return False


def essence(event: dict[str, Any]) -> dict[str, Any]:
    """What is told of an event of ansible-runner."""
    data = event.get("event_data") or {}
    found: dict[str, Any] = {"event": event["event"], "text": str(event.get("stdout") or "")[:LONGEST]}
    for key in ("host", "task", "play", "ignore_errors", "failures", "dark", "changed", "ok", "rescued"):
        if data.get(key):
            found[key] = data[key]
    result = data.get("res")
    if isinstance(result, dict):
        found["changed"] = bool(result.get("changed"))
        found["said"] = [said for key in ("msg", "stdout", "stderr") if (said := _text(result.get(key)))]
    return found


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str) if value else ""
    return text.strip()[:LONGEST]


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until a playbook that was begun before, and is being ended, has gone."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _below(pid: int) -> set[int]:
    """The processes that one has started, and those have started, but for the `ps` that tells so."""
    listing = subprocess.Popen(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True)  # noqa: S607
    out, _ = listing.communicate()
    parents = {int(child): int(parent) for child, parent in map(str.split, out.splitlines())}
    parents.pop(listing.pid, None)
    found: set[int] = set()
    fresh = {pid}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's by now
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
