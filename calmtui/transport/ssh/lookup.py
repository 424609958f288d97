"""One walk through ssh_config for one host: what applies, in the order in which OpenSSH lets it apply. Internal."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from calmtui.errors import Misconfigured
from calmtui.transport.ssh.directives import Line, Section, included
from calmtui.transport.ssh.settings import Settings

GLOBAL_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))
MAX_INCLUDES = 16
"""Levels of `Include`, as in OpenSSH."""
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
        "sendenv",
        "setenv",
    }
)
"""Directives that would change who is reached or trusted, and are not followed. Keys are always checked strictly."""

_ACCUMULATED = frozenset({"identityfile", "certificatefile", "sendenv"})


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


class Lookup:
    """What has been found for a host so far; `sections` gives those of a file."""

    def __init__(
        self,
        sections: Callable[[Path], list[Section]],
        alias: str,
        host: str,
        user: str | None,
        port: int | None,
        *,
        final: bool = False,
    ) -> None:
        self._sections = sections
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
        """The name or address to connect to."""
        written = self.values.get("hostname", [self.host])[0]
        return written.replace("%%", "\0").replace("%h", self.host).replace("\0", "%")

    @property
    def user(self) -> str:
        """The user to log in as."""
        return self.values["user"][0] if "user" in self.values else _local_user()

    def read(self, paths: list[Path]) -> None:
        """Take in some files. Raises Misconfigured."""
        for path in paths:
            self._walk(path, depth=0)

    def _walk(self, path: Path, depth: int) -> None:
        for section in self._sections(path):
            if not self._applies(section):
                continue
            for line in section.lines:
                if line.keyword != "include":
                    self._set(line)
                    continue
                if depth >= MAX_INCLUDES:
                    raise Misconfigured("too many levels of Include", where=line.where)
                for found in included(line):
                    self._walk(found, depth + 1)

    def _applies(self, section: Section) -> bool:
        if section.names is not None:
            return self.host in section.names
        if section.head is None:
            return True
        return (
            _matches(section.head.arguments, self.host) if section.head.keyword == "host" else self._match(section.head)
        )

    def _set(self, line: Line) -> None:
        keyword = line.keyword
        if keyword in _ACCUMULATED:
            held = self.values.setdefault(keyword, [])
            held += [argument for argument in line.arguments if argument not in held]
        elif keyword not in self.values:
            self.values[keyword] = line.arguments
        self.places.setdefault(keyword, line.where)

    def _match(self, line: Line) -> bool:
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

    def _criterion(self, criterion: str, value: str, line: Line) -> bool:
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
        if "%" not in text:
            return text
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
        """What has been found, with the usual values for the rest. Raises Misconfigured."""
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
