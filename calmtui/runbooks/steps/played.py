"""What the events of a playbook say of each host, while it is under way and in the end. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from calmtui.actions.outcome import Status
from calmtui.runbooks.steps.step import Result

SHOWN = 40
"""Lines of the end of what is told of each host that are kept."""
_WORDS = {
    "runner_on_ok": "ok",
    "runner_on_skipped": "skipped",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
}
_BAD = ("failed", "unreachable")


class PlayedHost:
    """One host of a playbook."""

    def __init__(self) -> None:
        self.now = ""
        """What is done on it, or was done last."""
        self.trouble = ""
        """The last task that did not go well, and why."""
        self.lines: deque[str] = deque(maxlen=SHOWN)
        """A line for each task that has ended, and what those that failed have said."""
        self.plays: set[int] = set()
        """The plays in which it has taken part, by their number."""

    @property
    def output(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


class Played:
    """A playbook on some hosts; takes in events as `playing` tells them."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = {name: PlayedHost() for name in hosts}
        self.trouble = ""
        """The last error that is of no host."""
        self._play = 0
        self._broken_off: set[int] = set()
        """The plays that were ended because too many hosts had failed."""
        self._stats: dict[str, dict[str, int]] | None = None

    def take(self, event: dict[str, Any]) -> str | None:
        """Take in an event; the host of which it tells something."""
        kind = event["event"]
        if kind == "playbook_on_play_start":
            self._play += 1
        elif kind == "playbook_on_no_hosts_remaining":
            self._broken_off.add(self._play)
        elif kind == "playbook_on_stats":
            self._stats = {key: event.get(key) or {} for key in ("failures", "dark", "changed", "ok", "rescued")}
        elif kind in ("error", "ended", "verbose") and "ERROR" in event.get("text", ""):
            self.trouble = next((line for line in event["text"].splitlines() if "ERROR" in line), "").strip()
        name = event.get("host")
        if name not in self.hosts:
            return None
        host = self.hosts[name]
        host.plays.add(self._play)
        task = str(event.get("task") or "")
        if kind == "runner_on_start":
            host.now = task
        elif kind in _WORDS:
            self._ended(host, _WORDS[kind], task, event)
        return str(name)

    @property
    def began(self) -> bool:
        """Whether any play was begun."""
        return self._play > 0

    def _ended(self, host: PlayedHost, word: str, task: str, event: dict[str, Any]) -> None:
        if word == "ok" and event.get("changed"):
            word = "changed"
        if word in _BAD and event.get("ignore_errors"):
            word += ", ignored"
        host.now = f"{word}: {task}"
        host.lines.append(host.now)
        if word in _BAD:
            said = [line for text in event.get("said", ()) for line in text.splitlines() if line.strip()]
            host.trouble = ": ".join([host.now, *said[:1], *said[1:][-1:]])
            host.lines.extend(f"  {line}" for line in said)

    def result(self, name: str, *, check: bool = False) -> Result | None:
        """What has come of it on a host once it has ended; None: the playbook was ended on the way."""
        host, stats = self.hosts[name], self._stats
        if stats is None:
            return None
        if stats["failures"].get(name) or stats["dark"].get(name):
            return Result(Status.FAILED, host.trouble or "failed", host.output)
        if not host.plays:
            return Result(Status.FAILED, "the playbook did nothing on it: none of its plays is for this host")
        if host.plays & self._broken_off:
            return Result(Status.FAILED, f"broken off, others had failed; the last: {host.now}", host.output)
        changed, ok = stats["changed"].get(name, 0), stats["ok"].get(name, 0)
        if not changed:
            return Result(Status.UNCHANGED, f"{ok} tasks, nothing to change", host.output)
        return Result(Status.OK, f"{changed} of {ok} tasks {'would change' if check else 'changed'} it", host.output)
