"""Who sits at this console: the account that the operating system vouches for, and where it came from."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import socket
import sys
from pathlib import Path

import msgspec

_NOBODY = 0xFFFFFFFF
"""What Linux gives as the login uid of a process that no login began."""


class Who(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person at a console. The environment can claim anything, so nothing of it stands in `user` or `login`."""

    user: str
    """The account whose rights the program has."""
    login: str = ""
    """The account that logged in, where it is another: behind sudo and su. From the kernel's audit login uid."""
    host: str = ""
    """The machine that the console runs on."""
    origin: str = ""
    """The address that the SSH session came from, as its environment says."""
    terminal: str = ""

    @property
    def name(self) -> str:
        """The person: who logged in, behind whatever account it is now."""
        return self.login or self.user


def me() -> Who:
    """Who runs this program."""
    user = _account(os.getuid())
    login = _login()
    return Who(
        user,
        login if login != user else "",
        socket.gethostname(),
        os.environ.get("SSH_CONNECTION", "").partition(" ")[0],
        _terminal(),
    )


def groups() -> frozenset[str]:
    """The groups that this program's account is in, by name."""
    names = set()
    for number in {os.getgid(), *os.getgroups()}:
        with contextlib.suppress(KeyError):
            names.add(grp.getgrgid(number).gr_name)
    return frozenset(names)


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's uid without an account
        return str(uid)


def _login() -> str:
    try:
        uid = int(Path("/proc/self/loginuid").read_text())
    except (OSError, ValueError):
        return ""
    return "" if uid == _NOBODY else _account(uid)


def _terminal() -> str:
    for stream in (sys.stdin, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return os.ttyname(stream.fileno()).removeprefix("/dev/")
    return ""
