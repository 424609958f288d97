"""One SSH host of the demo: a server on loopback, a home, and logs that grow in it."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import asyncssh

from calmtui.demo import units
from calmtui.demo.lines import WRITERS, in_trouble, past
from calmtui.demo.population import Machine
from calmtui.demo.session import serve
from calmtui.demo.stand_ins import REBOOT_FILE

ROTATE_AT = 2_000_000
"""Bytes at which a log is moved aside, as logrotate does; whoever follows it must cope."""
REBOOT_SECONDS = 6.0
CALM, BUSY = 1.2, 4.0
"""Entries a second, on average."""


class Host:
    """Has a port once it is up; lives until it is cancelled."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.name = machine.name
        self.port = 0
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self._machine = machine
        self._home = folder / "hosts" / machine.name
        self._logs = self._home / "log"
        self._logs.mkdir(parents=True)
        units.install(self._home, machine)
        (self._home / "release").write_text(f"{machine.release}\n")
        self._trusted = str(folder / "id.pub")
        self._chance = random.Random(machine.name)
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._reserved = socket.socket()

    async def up(self) -> None:
        """Listen; a host that is down keeps a port on which nobody listens."""
        if self._machine.down:
            self._reserved.bind(("127.0.0.1", 0))
            self.port = self._reserved.getsockname()[1]
            return
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=partial(_Server, self._connections),
            server_host_keys=[self.key],
            authorized_client_keys=self._trusted,
            process_factory=partial(serve, machine=self._machine, home=self._home),
            encoding=None,
            line_editor=False,
        )
        self.port = self._acceptor.get_port()

    async def live(self) -> None:
        """Write logs as time goes by, and reboot when asked to."""
        if self._acceptor is None:
            return
        started = time.time()
        writer = WRITERS[self._machine.service]
        self._write(past(writer, started, self._chance))
        wanted = self._home / REBOOT_FILE
        while True:
            now = time.time()
            trouble = self._machine.env == "production" and in_trouble(now - started)
            if units.serving(self._home, self._machine):
                self._write(writer(now, trouble, self._chance))
            if wanted.exists():
                wanted.unlink()
                await self._reboot(self._acceptor)
            await asyncio.sleep(self._chance.expovariate(BUSY if trouble else CALM))

    async def _reboot(self, acceptor: asyncssh.SSHAcceptor) -> None:
        """Drop every connection, be away for a while, come back on the same port."""
        acceptor.close()
        for connection in list(self._connections):
            connection.abort()
        await acceptor.wait_closed()
        await asyncio.sleep(REBOOT_SECONDS)
        await self.up()

    def _write(self, entries: Iterable[tuple[str, str]]) -> None:
        lines = defaultdict(list)
        for name, line in entries:
            lines[name].append(line + "\n")
        for name, new in lines.items():
            path = self._logs / name
            with path.open("a") as log:
                log.write("".join(new))
                size = log.tell()
            if size > ROTATE_AT:
                path.replace(path.with_name(f"{name}.1"))


class _Server(asyncssh.SSHServer):
    """Keeps the connections of its host, so that a reboot can drop them."""

    def __init__(self, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._connections.discard(self._connection)
