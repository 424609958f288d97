"""What `calmtui doctor` can say about the program, its terminal, its database, its settings and its agent."""

from __future__ import annotations

import importlib.metadata
import locale
import os
import platform
import shutil
import socket
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from calmtui import __version__, sanitise

SDKS = ("asyncssh", "boto3", "docker", "kubernetes", "textual", "sqlite-utils")
"""The distributions whose versions matter when something behaves oddly."""
WAL_MENDED = (3, 51, 3)
"""Before this, connections that write and checkpoint at one moment can damage a WAL database (sqlite.org/wal.html)."""


class Level(Enum):
    """How bad it is."""

    FINE = "fine"
    NOTE = "note"
    WARNING = "warning"
    TROUBLE = "trouble"


@dataclass(frozen=True)
class Finding:
    """One thing found."""

    level: Level
    subject: str
    """What it is about: `terminal`, `store`, `source prod`."""
    text: str
    mend: str = ""
    """What to do about it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", sanitise.word(self.text))

    def as_json(self) -> dict[str, str]:
        """As scripts get it."""
        return {"level": self.level.value, "subject": self.subject, "text": self.text, "mend": self.mend}


def about_program() -> Iterator[Finding]:
    """Versions of what it is made of."""
    yield Finding(
        Level.FINE, "program", f"calmtui {__version__}, Python {platform.python_version()}, {platform.platform()}"
    )
    versions, missing = [], []
    for name in SDKS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    yield Finding(Level.FINE, "program", ", ".join(versions))
    if missing:
        yield Finding(Level.TROUBLE, "program", f"not installed: {', '.join(missing)}", "install calmtui again")
    if sqlite3.sqlite_version_info < WAL_MENDED:
        yield Finding(
            Level.NOTE,
            "program",
            f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug (mended in {'.'.join(map(str, WAL_MENDED))}): "
            "two consoles that write at one moment may, very rarely, damage the database of marks, views and history",
            "nothing to do: it is set aside and begun anew; runs and the ledger are kept without WAL until then",
        )


def about_terminal(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """What the console can draw on."""
    if not sys.stdout.isatty():
        yield Finding(Level.NOTE, "terminal", "stdout is no terminal: the console needs one, the commands do not")
        return
    term = environment.get("TERM", "")
    columns, rows = shutil.get_terminal_size()
    within = " in tmux" if "TMUX" in environment else " in screen" if "STY" in environment else ""
    far = ", over SSH" if "SSH_CONNECTION" in environment else ""
    yield Finding(Level.FINE, "terminal", f"{term or 'TERM is not set'}{within}{far}, {columns}x{rows}")
    if term in ("", "dumb"):
        yield Finding(
            Level.TROUBLE, "terminal", "it cannot place the cursor", "set TERM, for instance to xterm-256color"
        )
    if columns < 80 or rows < 24:
        yield Finding(Level.WARNING, "terminal", "smaller than 80x24: columns are left out", "make it larger")
    encoding = locale.getencoding()
    if encoding.lower().replace("-", "") != "utf8":
        mend = "set LC_ALL to a UTF-8 locale such as C.UTF-8"
        yield Finding(Level.WARNING, "terminal", f"the locale is {encoding}, so states are drawn in ASCII", mend)
    if environment.get("NO_COLOR"):
        yield Finding(Level.NOTE, "terminal", "NO_COLOR is set: no colours are used")


def about_store() -> Iterator[Finding]:
    """The database: its place, its health, and whether others can read it."""
    from calmtui.store import database, last_fleet
    from calmtui.store.filesystem import is_network

    path = database.default_path()
    if not path.exists():
        yield Finding(Level.NOTE, "store", f"{path} is not there yet: it is made with the first change worth keeping")
        return
    try:
        wrong = database.check(path)
        saved = last_fleet.saved_at(path=path)
    except database.StoreError as error:
        yield Finding(Level.TROUBLE, "store", str(error))
        return
    when = f", fleet of {time.strftime('%Y-%m-%d %H:%M', time.localtime(saved))}" if saved else ""
    yield Finding(Level.FINE, "store", f"{path}: {path.stat().st_size / 1e6:.1f} MB{when}")
    if wrong:
        mend = f"move {path.name} away; it is begun anew"
        yield Finding(Level.TROUBLE, "store", f"damaged: {wrong}", mend)
    for place in (path, path.parent):
        if stat.S_IMODE(place.stat().st_mode) & 0o077:
            yield Finding(Level.WARNING, "store", f"{place} is open to other users", f"chmod go= {place}")
    if is_network(path):
        mend = "set XDG_STATE_HOME to a local folder for quicker starts"
        yield Finding(Level.NOTE, "store", "it lies on a network file system, so it is used without WAL", mend)


def about_settings(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The file of settings and the variables that go with it."""
    from calmtui.estate.problems import EstateError, closest
    from calmtui.estate.settings import config_file, settings, variables

    file = config_file()
    try:
        settings(environment=environment)
        yield Finding(Level.FINE, "settings", str(file) if file.exists() else f"{file} is not there: the defaults hold")
    except EstateError as error:
        for problem in error.problems:
            yield Finding(Level.TROUBLE, "settings", str(problem))
    known = variables()
    for name in sorted(environment):
        if name.startswith("CALMTUI_") and name not in known:
            near = closest(name, known)
            mend = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
            yield Finding(Level.WARNING, "settings", f"the variable {name} means nothing here", mend)


def about_agent(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """The ssh agent, and how many keys it holds."""
    path = environment.get("SSH_AUTH_SOCK", "")
    if not path:
        text = "none (SSH_AUTH_SOCK is not set): keys come from files, passphrases are asked for"
        yield Finding(Level.NOTE, "ssh agent", text)
        return
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(2)
            agent.connect(path)
            agent.sendall(b"\0\0\0\1\x0b")  # request identities: draft-ietf-sshm-ssh-agent, 3.5
            answer = agent.recv(9, socket.MSG_WAITALL)
    except OSError as error:
        mend = "start ssh-agent again, or log in again with agent forwarding"
        yield Finding(Level.WARNING, "ssh agent", f"{path} does not answer: {error.strerror or error}", mend)
        return
    keys = int.from_bytes(answer[5:9]) if len(answer) == 9 and answer[4] == 12 else 0
    if keys:
        yield Finding(Level.FINE, "ssh agent", f"{path}, keys: {keys}")
    else:
        yield Finding(Level.WARNING, "ssh agent", f"{path} holds no key", "ssh-add")
