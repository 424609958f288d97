"""An SSH source: looks at every host again and again, each by itself, and does what is asked of one."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from calmtui.errors import AuthFailed, HostKeyRejected, Misconfigured, NodeGone, SourceError, Unreachable
from calmtui.fleet import hostset
from calmtui.fleet.node import Node
from calmtui.fleet.update import Delta, Ready, Snapshot, Trouble, Update
from calmtui.providers.base import Command, Finding, LogChunk, LogRequest, Opening, Piece, SearchRequest, Skew, Way
from calmtui.providers.ssh import describe as described
from calmtui.providers.ssh.act import act_on_unit, reboot
from calmtui.providers.ssh.exec import start
from calmtui.providers.ssh.facts import look
from calmtui.providers.ssh.journal import journal
from calmtui.providers.ssh.logs import files
from calmtui.providers.ssh.nodes import down_node, host_nodes
from calmtui.providers.ssh.options import SshOptions
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.search import search
from calmtui.providers.ssh.skew import VALID, measure
from calmtui.providers.ssh.units import shown
from calmtui.providers.ssh.way import way
from calmtui.transport.ssh import Dialer, Target

FIRST_RETRY, LONGEST_RETRY = 2.0, 60.0
"""Seconds until a host that is down is tried again: doubled from the first to the longest, with jitter."""
_WANTED_FILES = 65536


class SshSource:
    """Hosts of one estate entry. Implements every ability but events."""

    kind = "ssh"

    def __init__(self, opening: Opening) -> None:
        options: SshOptions = opening.options
        self.name = opening.name
        self._options = options
        config = opening.resolve(options.ssh_config) if options.ssh_config else None
        self._config = config
        self._dialer = Dialer(opening.ask, config=config, connect_seconds=options.connect_timeout)
        self._pools = {host: HostPool(self._dialer, self._target(opening, host)) for host in _hosts(options)}
        self._again = {host: asyncio.Event() for host in self._pools}
        """Set to look at a host now."""
        self._skews: dict[str, Skew | None] = {}
        """Of the hosts' clocks; None: it does not tell."""
        _allow_many_files()

    def _target(self, opening: Opening, host: str) -> Target:
        options = self._options
        identities = tuple(opening.resolve(path) for path in options.identity)
        for path in identities:
            if not path.is_file():
                raise Misconfigured(f"there is no key {path}", where=opening.name, next_step="mend `identity`")
        return Target(
            host,
            user=options.user,
            port=options.port,
            identities=identities,
            jumps=options.proxy_jump,
            known_hosts=opening.resolve(options.known_hosts) if options.known_hosts else None,
            passwords=options.password,
        )

    # -- inventory -----------------------------------------------------------

    async def watch(self) -> AsyncGenerator[Update, None]:
        """Look at every host; Ready once each has answered or failed."""
        updates: asyncio.Queue[Update | asyncio.Task[None]] = asyncio.Queue()
        first = {host: asyncio.Event() for host in self._pools}
        tasks = [
            asyncio.create_task(self._keep(pool, updates, first[host]), name=f"host {host}")
            for host, pool in self._pools.items()
        ]
        tasks.append(asyncio.create_task(_announce_ready(list(first.values()), updates)))
        for task in tasks:
            task.add_done_callback(updates.put_nowait)
        try:
            while True:
                update = await updates.get()
                if isinstance(update, asyncio.Task):
                    await update  # a keeper never ends by itself: this raises what ended it
                else:
                    yield update
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(
        self, pool: HostPool, updates: asyncio.Queue[Update | asyncio.Task[None]], first: asyncio.Event
    ) -> None:
        """One host for ever: a look every `interval`, at once when its connection is lost, later when it is down."""
        last: Node | None = None
        pause = FIRST_RETRY
        while True:
            again = self._again[pool.name]
            again.clear()
            try:
                nodes = await self._look(pool)
            except SourceError as error:
                last = down_node(self.name, pool.name, error, last)
                updates.put_nowait(Delta(pool.name, put=[last]))
                updates.put_nowait(Trouble(pool.name, str(error)))
                hopeless = isinstance(error, HostKeyRejected | AuthFailed | Misconfigured)
                wait = LONGEST_RETRY if hopeless else pause
                pause = min(pause * 2, LONGEST_RETRY)
            else:
                last, pause, wait = nodes[0], FIRST_RETRY, self._options.interval
                updates.put_nowait(Snapshot(pool.name, nodes))
            first.set()
            await _first_of(again, wait * random.uniform(0.9, 1.1), pool)

    async def _look(self, pool: HostPool) -> list[Node]:
        facts = await look(pool, self._options.units)
        pool.shell = facts.shell
        units = shown(facts.units, self._options.units)
        settings = await pool.settings()
        return host_nodes(self.name, pool.name, facts, settings, units, files=bool(self._options.logs))

    async def _measure(self, pool: HostPool) -> None:
        """Compare its clock with ours, unless that was done of late: only who reads its logs needs it."""
        last = self._skews.get(pool.name)
        if last is None or time.time() - last.measured_at > VALID:
            self._skews[pool.name] = await measure(pool)

    def skew(self, node: Node) -> Skew | None:
        """Of a host's clock, for its units too; see `providers.base.Clocks`."""
        return self._skews.get(self._pool(node).name)

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            await pool.close()
        await self._dialer.close()

    # -- what can be asked of a node --------------------------------------------

    def _pool(self, node: Node) -> HostPool:
        host = node.id.removeprefix(f"ssh:{self.name}/").split("/")[0]
        if host not in self._pools:
            raise NodeGone("this host is not in the estate any more", where=node.name)
        return self._pools[host]

    def openssh(self, node: Node) -> Way:
        """How OpenSSH's own client reaches a host; see `providers.base.OpenSsh`."""
        return way(self._pool(node).target, self._config)

    async def start(self, node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        """Run a command; see `providers.base.Exec`."""
        async with aclosing(start(self._pool(node), command)) as pieces:
            async for piece in pieces:
                yield piece

    async def shell(self, node: Node, *, term: str, columns: int, rows: int) -> Any:
        """Open an interactive shell; see `providers.base.Shell`."""
        from calmtui.providers.ssh.shell import open_shell

        return await open_shell(self._pool(node), term=term, columns=columns, rows=rows)

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """The files of a host, or the journal of a host without any or of a unit; see `providers.base.Logs`."""
        pool = self._pool(node)
        with suppress(Unreachable):  # then the reading says so, and goes on when the host is back
            await self._measure(pool)
        if node.kind == "unit":
            reading = journal(pool, node.name, request)
        elif self._options.logs:
            reading = files(pool, self._options.logs, request)
        else:
            reading = journal(pool, None, request)
        async with aclosing(reading) as chunks:
            async for chunk in chunks:
                yield chunk

    async def search(self, node: Node, request: SearchRequest) -> AsyncGenerator[Finding, None]:
        """What the files of a host hold; see `providers.base.Search`."""
        async with aclosing(search(self._pool(node), self._options.logs, request)) as findings:
            async for finding in findings:
                yield finding

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        """Reboot a host, or start, stop or restart a unit; see `providers.base.Lifecycle`."""
        pool = self._pool(node)
        try:
            return await (reboot(pool) if node.kind == "host" else act_on_unit(pool, action, node.name))
        finally:
            self._again[pool.name].set()

    async def describe(self, node: Node) -> dict[str, Any]:
        """The facts and the connection of a host, or what systemd knows of a unit; see `providers.base.Describe`."""
        pool = self._pool(node)
        if node.kind == "unit":
            return await described.unit(pool, node.name)
        return await described.host(pool, self._options.units)


def _hosts(options: SshOptions) -> list[str]:
    return list(dict.fromkeys(host for text in options.hosts for host in hostset.expand(text)))


async def _announce_ready(first: list[asyncio.Event], updates: asyncio.Queue[Any]) -> None:
    for host in first:
        await host.wait()
    updates.put_nowait(Ready())


async def _first_of(again: asyncio.Event, seconds: float, pool: HostPool) -> None:
    """Wait until it is time, or somebody asks, or the connection that there was is lost."""
    waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(again.wait())}
    if pool.connected:
        waits.add(asyncio.ensure_future(pool.lost()))
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _allow_many_files() -> None:
    """Let this process hold as many connections as the system allows it: 1,024 open files are soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # then as many as there are
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
