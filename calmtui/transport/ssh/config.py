"""What the operator's ssh_config says of a host: the files are read once, each host is looked up in them.

Follows ssh_config(5): the first value wins, `Include`, `Host` and `Match` with their negations, tokens and
`~`. The result agrees with `ssh -G` (a test holds them together). A lookup may run commands (`Match exec`)
and therefore blocks: call it in a thread.

Not followed, and named in `Settings.unheeded` when a file asks for it: see `UNHEEDED`.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from calmtui.errors import Misconfigured

SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
GLOBAL_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
UNHEEDED = frozenset(
    {
        "canonicalizehostname",
        "knownhostscommand",
        "gssapiauthentication",
        "hostbasedauthentication",
        "pkcs11provider",
        "securitykeyprovider",
        "stricthostkeychecking",
        "verifyhostkeydns",
        "bindinterface",
        "proxyusefdpass",
        "revokedhostkeys",
    }
)
"""Directives that would change who is reached or trusted, and are not followed. Keys are always checked strictly."""

_ACCUMULATED = frozenset({"identityfile", "certificatefile", "sendenv"})
_REST_OF_LINE = frozenset({"proxycommand", "remotecommand", "localcommand", "knownhostscommand"})
_KEYWORD = re.compile(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|$)(.*)", re.DOTALL)
_WORD = re.compile(r"""\s*(?:#.*|((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\.|[^\s"'\\])+))""")
_QUOTED = re.compile(r"""\\(["'\\ ])|["']""")
_MAX_INCLUDES = 16


@dataclass(frozen=True)
class _Line:
    path: Path
    number: int
    keyword: str
    arguments: list[str]

    @property
    def where(self) -> str:
        return f"{self.path}:{self.number}"


@dataclass(frozen=True)
class Settings:
    """What holds for one host. Paths are absolute."""

    alias: str
    """The name that was asked for."""
    hostname: str
    port: int
    user: str
    identities: tuple[Path, ...] = ()
    """Private keys to offer, in order; empty: the usual ones of `~/.ssh`."""
    certificates: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    """The agent's socket; None: no agent."""
    jumps: tuple[str, ...] = ()
    """Jump hosts as `[user@]host[:port]`, the first to connect to first."""
    proxy_command: str | None = None
    known_hosts: tuple[Path, ...] = ()
    """Files that hold the trusted keys, the user's first; any of them may be missing."""
    host_key_alias: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    """Every other directive as written, keyword in lower case."""
    unheeded: tuple[str, ...] = ()
    """Directives that are not followed, each with its place: `StrictHostKeyChecking (/home/…/config:3)`."""


class SshConfig:
    """The ssh_config files of one source, read once.

    `path` takes the place of both the user's and the system's file, as `ssh -F` does.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is not None and not path.is_file():
            raise Misconfigured("this ssh_config does not exist", where=str(path), next_step="mend `ssh_config`")
        self._paths = [path] if path else [Path("~/.ssh/config").expanduser(), SYSTEM_CONFIG]
        self._files: dict[Path, list[_Line]] = {}

    def lookup(self, host: str, *, user: str | None = None, port: int | None = None) -> Settings:
        """What holds for a host; `user` and `port` as given on a command line win. Raises Misconfigured."""
        first = _Lookup(self, host, host, user, port)
        first.read(self._paths)
        if first.wants_final:
            again = _Lookup(self, host, first.hostname, user, port, final=True)
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

    def _every(self, path: Path, depth: int) -> Iterator[_Line]:
        for line in self.lines(path):
            if line.keyword == "include" and depth < _MAX_INCLUDES:
                for found in included(line):
                    yield from self._every(found, depth + 1)
            else:
                yield line

    def lines(self, path: Path) -> list[_Line]:
        """The directives of a file; none when it does not exist."""
        if path not in self._files:
            try:
                text = path.read_text(errors="surrogateescape")
            except FileNotFoundError:
                text = ""
            except OSError as error:
                raise Misconfigured(f"cannot be read: {error.strerror}", where=str(path)) from error
            self._files[path] = list(_parse(path, text))
        return self._files[path]


def _parse(path: Path, text: str) -> Iterator[_Line]:
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
        yield _Line(path, number, keyword, arguments)


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


def included(line: _Line) -> list[Path]:
    """The files that an `Include` names, in order; relative ones lie beside the file's own configuration."""
    base = SYSTEM_CONFIG.parent if line.path.is_relative_to(SYSTEM_CONFIG.parent) else Path("~/.ssh").expanduser()
    found: list[Path] = []
    for pattern in line.arguments:
        path = base / Path(pattern).expanduser()
        found += sorted(match for match in Path(path.anchor).glob(str(path)[1:]) if match.is_file())
    return found


def _matches(patterns: list[str], text: str) -> bool:
    """OpenSSH's pattern list: any pattern fits and no negated one does. Only `*` and `?` are special."""
    fits = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatchcase(text, plain):
            if pattern.startswith("!"):
                return False
            fits = True
    return fits


class _Lookup:
    """One walk through the files for one host."""

    def __init__(
        self, config: SshConfig, alias: str, host: str, user: str | None, port: int | None, *, final: bool = False
    ) -> None:
        self.config = config
        self.alias = alias
        self.host = host
        self.final = final
        self.wants_final = False
        self.values: dict[str, list[str]] = {}
        self.places: dict[str, str] = {}
        if user is not None:
            self.values["user"] = [user]
        if port is not None:
            self.values["port"] = [str(port)]

    @property
    def hostname(self) -> str:
        written = self.values.get("hostname", [self.host])[0]
        return written.replace("%%", "\0").replace("%h", self.host).replace("\0", "%")

    @property
    def user(self) -> str:
        return self.values.get("user", [_local_user()])[0]

    def read(self, paths: list[Path]) -> None:
        for path in paths:
            self._walk(path, depth=0)

    def _walk(self, path: Path, depth: int) -> None:
        active = True
        for line in self.config.lines(path):
            if line.keyword == "host":
                active = _matches(line.arguments, self.host)
            elif line.keyword == "match":
                active = self._match(line)
            elif not active:
                continue
            elif line.keyword == "include":
                if depth >= _MAX_INCLUDES:
                    raise Misconfigured("too many levels of Include", where=line.where)
                for found in included(line):
                    self._walk(found, depth + 1)
            else:
                self._set(line)

    def _set(self, line: _Line) -> None:
        keyword = line.keyword
        if keyword in _ACCUMULATED:
            held = self.values.setdefault(keyword, [])
            held += [argument for argument in line.arguments if argument not in held]
        elif keyword not in self.values:
            self.values[keyword] = line.arguments
        self.places.setdefault(keyword, line.where)

    def _match(self, line: _Line) -> bool:
        words = iter(line.arguments)
        fits = True
        for word in words:
            criterion, _, value = word.partition("=")
            negated, criterion = criterion.startswith("!"), criterion.removeprefix("!").lower()
            if criterion == "final":
                self.wants_final = self.wants_final or not self.final
            if criterion not in ("all", "canonical", "final"):
                value = value or next(words, "")
            if fits and self._criterion(criterion, value, line) is negated:
                fits = False  # the rest is read for its form only, as OpenSSH does
        return fits

    def _criterion(self, criterion: str, value: str, line: _Line) -> bool:
        match criterion:
            case "all":
                return True
            case "canonical":
                return self.final
            case "final":
                return self.final
            case "host":
                return _matches(value.split(","), self.hostname)
            case "originalhost":
                return _matches(value.split(","), self.alias)
            case "user":
                return _matches(value.split(","), self.user)
            case "localuser":
                return _matches(value.split(","), _local_user())
            case "tagged":
                return _matches(value.split(","), self.values.get("tag", [""])[0])
            case "exec":
                command = self._expand(value, line.where)
                done = subprocess.run(  # noqa: S602 - a shell is what Match exec is for
                    command,
                    shell=True,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                return done.returncode == 0
        raise Misconfigured(
            f"Match {criterion} is not supported",
            where=line.where,
            next_step="supported: all, canonical, exec, final, host, localuser, originalhost, tagged, user",
        )

    def _expand(self, text: str, where: str) -> str:
        local = socket.gethostname()
        tokens: dict[str, str] = {
            "%": "%",
            "d": str(Path.home()),
            "h": self.hostname,
            "i": str(os.getuid()),
            "k": self.values.get("hostkeyalias", [self.alias])[0],
            "l": local,
            "L": local.split(".")[0],
            "n": self.alias,
            "p": self.values.get("port", ["22"])[0],
            "r": self.user,
            "u": _local_user(),
        }

        def token(match: re.Match[str]) -> str:
            if match[1] not in tokens:
                raise Misconfigured(f"the token {match[0]} is not supported here", where=where)
            return tokens[match[1]]

        return re.sub(r"%(.?)", token, text)

    def _path(self, text: str, where: str) -> Path:
        def variable(match: re.Match[str]) -> str:
            if match[1] not in os.environ:
                raise Misconfigured(f"{match[0]} is not set in the environment", where=where)
            return os.environ[match[1]]

        return Path(self._expand(re.sub(r"\$\{(\w+)\}", variable, text), where)).expanduser()

    def _paths(self, keyword: str) -> tuple[Path, ...] | None:
        """The paths of a directive; None when it is not there, none at all for the word `none`."""
        written = self.values.get(keyword)
        if written is None:
            return None
        return tuple(self._path(text, self.places[keyword]) for text in written if text.lower() != "none")

    def _one(self, keyword: str) -> str | None:
        value = self.values.get(keyword, ["none"])[0]
        return None if value.lower() == "none" else value

    def _agent(self) -> str | None:
        written = self.values.get("identityagent", ["SSH_AUTH_SOCK"])[0]
        if written == "none":
            return None
        if written == "SSH_AUTH_SOCK":
            return os.environ.get("SSH_AUTH_SOCK")
        if written.startswith("$") and not written.startswith("${"):
            return os.environ.get(written[1:])
        return str(self._path(written, self.places["identityagent"]))

    def settings(self) -> Settings:
        port = self.values.get("port", ["22"])[0]
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise Misconfigured(f"{port!r} is no port", where=self.places.get("port", ""))
        # Whichever of the two comes first in the file rules out the other.
        jump, command = self._one("proxyjump"), self._one("proxycommand")
        if jump and command and list(self.values).index("proxycommand") < list(self.values).index("proxyjump"):
            jump = None
        user_known = self._paths("userknownhostsfile")
        if user_known is None:
            user_known = tuple(Path(f"~/.ssh/{name}").expanduser() for name in ("known_hosts", "known_hosts2"))
        system_known = self._paths("globalknownhostsfile")
        alias = self._one("hostkeyalias")
        return Settings(
            alias=self.alias,
            hostname=self.hostname,
            port=int(port),
            user=self.user,
            identities=self._paths("identityfile") or (),
            certificates=self._paths("certificatefile") or (),
            identities_only=self.values.get("identitiesonly", ["no"])[0].lower() in ("yes", "true"),
            agent=self._agent(),
            jumps=tuple(jump.split(",")) if jump else (),
            proxy_command=self._expand(command, self.places["proxycommand"]) if command and not jump else None,
            known_hosts=user_known + (GLOBAL_KNOWN_HOSTS if system_known is None else system_known),
            host_key_alias=self._expand(alias, self.places["hostkeyalias"]) if alias else None,
            values={keyword: " ".join(words) for keyword, words in self.values.items()},
            unheeded=tuple(
                f"{keyword} ({self.places[keyword]})"
                for keyword in self.values
                if keyword in UNHEEDED and self._changes_something(keyword)
            ),
        )

    def _changes_something(self, keyword: str) -> bool:
        """Whether following a directive would differ from what is done anyway."""
        usual = {"stricthostkeychecking": ("yes", "ask", "true"), "gssapiauthentication": ("no", "yes")}
        return self.values[keyword][0].lower() not in usual.get(keyword, ("no", "none", "false"))


def _local_user() -> str:
    return getpass.getuser()
