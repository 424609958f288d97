"""The files of ssh_config as they are written: directives with their places. The format is that of ssh_config(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from calmtui.errors import Misconfigured

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")

_REST_OF_LINE = frozenset({"proxycommand", "remotecommand", "localcommand", "knownhostscommand"})
_KEYWORD = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|$)(.*)", re.DOTALL)
_WORD = re.compile(r"""\s*(?:#.*|((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+))""")
_QUOTED = re.compile(r"""\\(["'\\ ])|["']""")


@dataclass(frozen=True)
class Line:
    """One directive."""

    path: Path
    number: int
    keyword: str
    """In lower case."""
    arguments: list[str]

    @property
    def where(self) -> str:
        """Its place, for an error: `file:line`."""
        return f"{self.path}:{self.number}"

    @property
    def runs_command(self) -> bool:
        """Whether it is a `Match` with a command in it."""
        return self.keyword == "match" and any("exec" in word.lower() for word in self.arguments)


@dataclass(frozen=True)
class Section:
    """A `Host` or `Match` line with what stands below it; None: what stands before the first."""

    head: Line | None
    lines: list[Line]
    names: frozenset[str] | None
    """All names that a `Host` line fits, where it has no pattern."""


def sections(lines: list[Line]) -> list[Section]:
    """The directives of a file by section."""
    found = [Section(None, [], None)]
    for line in lines:
        if line.keyword in ("host", "match"):
            plain = line.keyword == "host" and not any(set("*?!") & set(name) for name in line.arguments)
            found.append(Section(line, [], frozenset(line.arguments) if plain else None))
        else:
            found[-1].lines.append(line)
    return found


def parse(path: Path, text: str) -> Iterator[Line]:
    """The directives of a file, in order. Raises Misconfigured for a line that is none."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        match = _KEYWORD.fullmatch(line)
        if match is None:
            raise Misconfigured("not a directive of ssh_config", where=f"{path}:{number}")
        keyword, rest = match[1].lower(), match[2].strip()
        arguments = [rest] if keyword in _REST_OF_LINE else _words(rest, f"{path}:{number}")
        if not arguments:
            raise Misconfigured(f"{match[1]} has no value", where=f"{path}:{number}")
        yield Line(path, number, keyword, arguments)


def _words(text: str, where: str) -> list[str]:
    words, position = [], 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise Misconfigured("a quote is not closed", where=where)
        if match[1] is None:  # a comment, or the end
            break
        words.append(_QUOTED.sub(lambda found: found[1] or "", match[1]))
        position = match.end()
    return words


def included(line: Line) -> list[Path]:
    """The files that an `Include` names, in order; relative ones lie beside the file's own configuration."""
    base = SYSTEM_CONFIG.parent if line.path.is_relative_to(SYSTEM_CONFIG.parent) else Path("~/.ssh").expanduser()
    found: list[Path] = []
    for pattern in line.arguments:
        path = base / Path(pattern).expanduser()
        found += sorted(match for match in Path(path.anchor).glob(str(path)[1:]) if match.is_file())
    return found
