"""A real PostgreSQL server on loopback; each test has a database of its own in it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from tests.lab.place import LAB, need_root, unavailable

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
"""Where Debian's packages put the servers, the newest last."""


class Postgres:
    """A server. It does not run as root, so its files belong to the account that Debian's package makes."""

    def __init__(self, folder: Path | None = None) -> None:
        need_root()
        if not BINARIES or not (BINARIES[-1] / "initdb").exists():
            unavailable("there is no PostgreSQL: apt-get install postgresql")
        self.folder = folder or LAB / "postgres"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def up(self) -> Postgres:
        """Make a cluster and start its server."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.folder.parent.chmod(self.folder.parent.stat().st_mode | 0o011)  # a lab of root's own is passed through
        account = pwd.getpwnam("postgres")
        os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._do("initdb", "-D", f"{self.folder}/data", "-U", "lab", "-A", "trust", "--no-sync")
        self.start()
        return self

    def start(self) -> None:
        """Start the server; returns once it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder}"
        self._do("pg_ctl", "-D", f"{self.folder}/data", "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """End the server; `immediate` is as if it had crashed."""
        self._do("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", mode, "stop")

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"lab_{secrets.token_hex(4)}"
        self.sql(f"create database {name}", "postgres")
        return f"postgresql://lab@127.0.0.1:{self.port}/{name}"

    def sql(self, text: str, database: str) -> str:
        """What psql says to a statement."""
        return self._do("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lab", "-At", "-c", text, database)

    def refused(self, text: str, database: str) -> str:
        """What psql says to a statement that fails."""
        done = self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "lab", "-c", text, database)
        assert done.returncode, done.stdout
        return done.stdout

    def _do(self, program: str, *args: str) -> str:
        done = self._run(program, *args)
        if done.returncode:
            unavailable(f"{program} failed: {done.stdout[-500:]}")
        return done.stdout.strip()

    def _run(self, program: str, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BINARIES[-1] / program, *args],
            user="postgres",
            group="postgres",
            extra_groups=[],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
