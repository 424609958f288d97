"""Other accounts of this machine, made for a test: the program as they run it, on one estate and one ledger."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.integration.program import ARGV, Ran
from tests.lab.place import need_root


@dataclass(frozen=True)
class Person:
    """An account; what it runs has its rights and groups, and no login behind it."""

    name: str
    home: Path

    def run(self, *args: str, **environment: str) -> Ran:
        """The program as this person runs it, without a terminal."""
        passed = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "LC_", "PYTHON"))}
        env = {**passed, "PATH": os.environ["PATH"], "HOME": str(self.home), **environment}
        as_them = ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups"]
        if not _readable(Path(sys.base_prefix)):  # the interpreter lies in somebody's home: it may be read, no more
            as_them += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
        done = subprocess.run(
            [*as_them, *ARGV, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, env=env, check=False
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


class People:
    """Accounts and the group that they share; gone afterwards. Used as a context manager."""

    def __init__(self, folder: Path) -> None:
        need_root()
        self.folder = folder
        self.group = f"calm{secrets.token_hex(3)}"
        self._made: list[str] = []

    def __enter__(self) -> People:
        subprocess.run(["groupadd", self.group], check=True)
        self.folder.mkdir()
        shutil.chown(self.folder, group=self.group)
        self.folder.chmod(0o2770)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._made:
            subprocess.run(["userdel", name], check=True, capture_output=True)
        subprocess.run(["groupdel", self.group], check=True)

    def add(self, name: str) -> Person:
        """An account of that name, with something behind it that nobody else has."""
        full = f"{name}{secrets.token_hex(3)}"
        subprocess.run(["useradd", "--no-create-home", "--user-group", "--groups", self.group, full], check=True)
        self._made.append(full)
        home = self.folder.parent / full
        home.mkdir()
        shutil.chown(home, user=full, group=full)
        return Person(full, home)


def _readable(path: Path) -> bool:
    """Whether everybody can go through all folders down to it."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))
