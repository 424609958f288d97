"""What the operator's ssh_config says of a host: the files are read once, each host is looked up in them.

Follows ssh_config(5): the first value wins, `Include`, `Host` and `Match` with their negations, tokens and
`~`. The result agrees with `ssh -G` (a test holds them together). A lookup may run commands (`Match exec`)
and therefore blocks: call it in a thread.

Not followed, and named in `Settings.unheeded` when a file asks for it: see `lookup.UNHEEDED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from calmtui.errors import Misconfigured
from calmtui.transport.ssh.directives import SYSTEM_CONFIG, Line, included, parse
from calmtui.transport.ssh.lookup import MAX_INCLUDES, Lookup
from calmtui.transport.ssh.settings import Settings


class SshConfig:
    """The ssh_config files of one source, read once.

    `path` takes the place of both the user's and the system's file, as `ssh -F` does.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is not None and not path.is_file():
            raise Misconfigured("this ssh_config does not exist", where=str(path), next_step="mend `ssh_config`")
        self._paths = [path] if path else [Path("~/.ssh/config").expanduser(), SYSTEM_CONFIG]
        self._files: dict[Path, tuple[int, list[Line]]] = {}
        """By path: when the file was last changed, in nanoseconds, and its directives."""

    def lookup(self, host: str, *, user: str | None = None, port: int | None = None) -> Settings:
        """What holds for a host; `user` and `port` as given on a command line win. Raises Misconfigured."""
        first = Lookup(self.lines, host, host, user, port)
        first.read(self._paths)
        if first.wants_final:
            again = Lookup(self.lines, host, first.hostname, user, port, final=True)
            again.values, again.places = first.values, first.places
            again.read(self._paths)
            first = again
        return first.settings()

    def aliases(self) -> list[str]:
        """The names that stand without a pattern in `Host` lines, in order, each once."""
        names: dict[str, None] = {}
        for path in self._paths:
            for line in self._every(path, 0):
                if line.keyword == "host":
                    names |= dict.fromkeys(name for name in line.arguments if not re.search(r"[*?!]", name))
        return list(names)

    def _every(self, path: Path, depth: int) -> Iterator[Line]:
        for line in self.lines(path):
            if line.keyword == "include" and depth < MAX_INCLUDES:
                for found in included(line):
                    yield from self._every(found, depth + 1)
            else:
                yield line

    def lines(self, path: Path) -> list[Line]:
        """The directives of a file, read again when it has changed; none when it does not exist."""
        try:
            changed = path.stat().st_mtime_ns
            if self._files.get(path, (None,))[0] != changed:
                self._files[path] = (changed, list(parse(path, path.read_text(errors="surrogateescape"))))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Misconfigured(f"cannot be read: {error.strerror}", where=str(path)) from error
        return self._files[path][1]
