"""What the operator's ssh_config says of a host: the files are read once, each host is looked up in them.

Follows ssh_config(5): the first value wins, `Include`, `Host` and `Match` with their negations, tokens and
`~`. The result agrees with `ssh -G` (a test holds them together). What reads files or runs commands
(`Match exec`) blocks: see `SshConfig.is_read` and `runs_commands`.

Not followed, and named in `Settings.unheeded` when a file asks for it: see `lookup.UNHEEDED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from calmtui.errors import Misconfigured
from calmtui.transport.ssh.directives import SYSTEM_CONFIG, Section, included, parse, sections
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
        self._files: dict[Path, tuple[int, list[Section]]] = {}
        """By path: when the file was last changed, in nanoseconds, and its directives."""
        self.is_read = False
        """Whether `read` has been called: a lookup then reads only what has changed, and files that are included."""
        self.runs_commands = False
        """Whether a lookup may run a command, as far as the files have been read."""

    def read(self) -> None:
        """Read the files. Raises Misconfigured."""
        for path in self._paths:
            self.sections(path)
        self.is_read = True

    def lookup(self, host: str, *, user: str | None = None, port: int | None = None) -> Settings:
        """What holds for a host; `user` and `port` as given on a command line win. Raises Misconfigured."""
        first = Lookup(self.sections, host, host, user, port)
        first.read(self._paths)
        if first.wants_final:
            again = Lookup(self.sections, host, first.hostname, user, port, final=True)
            again.values, again.places = first.values, first.places
            again.read(self._paths)
            first = again
        return first.settings()

    def aliases(self) -> list[str]:
        """The names that stand without a pattern in `Host` lines, in order, each once."""
        names: dict[str, None] = {}
        for path in self._paths:
            for section in self._every(path, 0):
                if section.head is not None and section.head.keyword == "host":
                    names |= dict.fromkeys(name for name in section.head.arguments if not re.search(r"[*?!]", name))
        return list(names)

    def _every(self, path: Path, depth: int) -> Iterator[Section]:
        for section in self.sections(path):
            yield section
            for line in section.lines:
                if line.keyword == "include" and depth < MAX_INCLUDES:
                    for found in included(line):
                        yield from self._every(found, depth + 1)

    def sections(self, path: Path) -> list[Section]:
        """The directives of a file, read again when it has changed; none when it does not exist."""
        try:
            changed = path.stat().st_mtime_ns
            if self._files.get(path, (None,))[0] != changed:
                lines = list(parse(path, path.read_text(errors="surrogateescape")))
                self._files[path] = (changed, sections(lines))
                self.runs_commands = self.runs_commands or any(line.runs_command for line in lines)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Misconfigured(f"cannot be read: {error.strerror}", where=str(path)) from error
        return self._files[path][1]
