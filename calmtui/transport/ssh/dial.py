"""Opens connections the way the operator's own `ssh` would, many at once without overrunning anybody.

A Dialer keeps what is worth keeping between connections: parsed configuration, keys and known hosts,
answers to prompts, and one connection to each jump host, through which any number of hosts are reached.
asyncssh is imported with the first connection, in a thread: it takes half a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmtui.errors import AuthFailed, Misconfigured, SourceError, Unreachable
from calmtui.transport.ssh.algorithms import algorithms
from calmtui.transport.ssh.config import SshConfig
from calmtui.transport.ssh.errors import foreign, translate
from calmtui.transport.ssh.identities import Identities
from calmtui.transport.ssh.joined import Stream
from calmtui.transport.ssh.known_hosts import KnownHosts, rejection, trusted
from calmtui.transport.ssh.prompts import Ask, Prompts
from calmtui.transport.ssh.settings import Settings

if TYPE_CHECKING:
    import asyncssh

    from calmtui.transport.ssh.client import Client

CONNECT_SECONDS = 15.0
"""For name, TCP, key exchange and login together; waiting for the operator's answers does not count."""
KEEPALIVE_SECONDS = 15
"""A connection that answers three of these not is lost."""
HANDSHAKES = 48
"""Handshakes at once over all hosts. More only make each slower: they cost CPU on both sides."""
HANDSHAKES_A_JUMP = 8
"""Handshakes at once through one jump host; sshd there begins to refuse at 10 (MaxStartups)."""
CONNECTS = 512
"""TCP connects at once: hosts that never answer hold one of these, and not one of the above."""


@dataclass(frozen=True)
class Target:
    """A host to connect to, as it would be named on ssh's command line; None leaves it to ssh_config."""

    host: str
    user: str | None = None
    port: int | None = None
    identities: tuple[Path, ...] = ()
    """Private keys to offer before those of ssh_config."""
    jumps: str | None = None
    """As `ssh -J`: `[user@]host[:port]`, several separated by commas."""
    known_hosts: Path | None = None
    """Takes the place of the files of ssh_config."""
    passwords: bool = False
    """Whether to ask for a password where no key is accepted. Passphrases of keys are always asked for."""

    @staticmethod
    def parse(text: str) -> Target:
        """`[user@]host[:port]`, also `ssh://…` and `[IPv6]:port`. Raises Misconfigured."""
        rest = text.removeprefix("ssh://").rstrip("/")
        user, at, rest = rest.rpartition("@")
        host, colon, port = rest.rpartition(":")
        if not colon or (host.count(":") and not host.endswith("]")):
            host, port = rest, ""
        host = host.removeprefix("[").removesuffix("]")
        if not host or (port and not port.isdecimal()) or (at and not user):
            raise Misconfigured(f"{text!r} is no SSH destination", next_step="write it as [user@]host[:port]")
        return Target(host, user or None, int(port) if port else None)


class Dialer:
    """Opens connections for one source. Not for use after `close`."""

    def __init__(self, ask: Ask, *, config: Path | None = None, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._config = SshConfig(config)
        self._prompts = Prompts(ask)
        self._identities = Identities(self._prompts)
        self._known_hosts = KnownHosts()
        self._seconds = connect_seconds
        self._settings: dict[Target, Settings] = {}
        self._reading = asyncio.Lock()
        self._handshakes = asyncio.Semaphore(HANDSHAKES)
        self._connects = asyncio.Semaphore(CONNECTS)
        self._through: defaultdict[tuple[str, ...], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(HANDSHAKES_A_JUMP)
        )
        self._jumps: dict[tuple[str, ...], asyncssh.SSHClientConnection] = {}
        self._jump_locks: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def settings(self, target: Target) -> Settings:
        """What ssh_config and the target say together. Raises Misconfigured."""
        if target not in self._settings:
            async with self._reading:
                if not self._config.is_read:
                    await asyncio.to_thread(self._config.read)
            if self._config.runs_commands:
                self._settings[target] = await asyncio.to_thread(self._lookup, target)
            else:  # a hop to a thread for each host costs more than the lookup
                self._settings[target] = self._lookup(target)
        return self._settings[target]

    async def open(self, target: Target) -> asyncssh.SSHClientConnection:
        """A connection, logged in. Raises a SourceError that says what happened and what to do."""
        try:
            return await self._open(target, via=None)
        except SourceError:
            self._settings.pop(target, None)  # the operator may mend the configuration before the next attempt
            raise

    async def close(self) -> None:
        """Let go of jump hosts and agents; connections that were opened belong to their callers."""
        for connection in reversed(self._jumps.values()):
            connection.close()
        self._jumps.clear()
        self._identities.close()

    def _lookup(self, target: Target) -> Settings:
        settings = self._config.lookup(target.host, user=target.user, port=target.port)
        if target.identities:
            settings = replace(settings, identities=target.identities + settings.identities)
        if target.jumps is not None:
            settings = replace(settings, jumps=tuple(target.jumps.split(",")), proxy_command=None)
        if target.known_hosts is not None:
            settings = replace(settings, known_hosts=(target.known_hosts,))
        return settings

    async def _open(
        self, target: Target, via: asyncssh.SSHClientConnection | None, chain: tuple[tuple[str, ...], ...] = ()
    ) -> asyncssh.SSHClientConnection:
        settings = await self.settings(target)
        if via is None and settings.jumps:
            via = await self._jump(target, settings.jumps, chain)
            async with self._through[settings.jumps]:
                return await self._handshake(target, settings, via)
        return await self._handshake(target, settings, via)

    async def _jump(
        self, target: Target, jumps: tuple[str, ...], chain: tuple[tuple[str, ...], ...]
    ) -> asyncssh.SSHClientConnection:
        """The shared connection to the last of some jump hosts; `chain`: for which others it is wanted."""
        if jumps in chain:
            raise Misconfigured("the jump hosts go round in circles", where=target.host, next_step="mend ProxyJump")
        async with self._jump_locks[jumps]:
            held = self._jumps.get(jumps)
            if held is not None and not held.is_closed():
                return held
            via = await self._jump(target, jumps[:-1], (*chain, jumps)) if len(jumps) > 1 else None
            hop = replace(Target.parse(jumps[-1]), known_hosts=target.known_hosts, passwords=target.passwords)
            try:
                opened = await self._open(hop, via, (*chain, jumps))
            except SourceError as error:
                error.where = f"jump host {error.where or hop.host}"
                raise
            self._jumps[jumps] = opened
            return opened

    async def _handshake(
        self, target: Target, settings: Settings, via: asyncssh.SSHClientConnection | None
    ) -> asyncssh.SSHClientConnection:
        async with self._reading:  # the files are the same for most hosts: read by the first, at hand for the others
            known = self._known_hosts.held(settings.known_hosts)
            if known is None:
                await asyncio.to_thread(importlib.import_module, "asyncssh")
                known = await asyncio.to_thread(self._known_hosts.of, settings.known_hosts)
        trust = trusted(known, settings)
        client: Client | None = None
        try:
            stream = None if via or settings.proxy_command else await self._tcp(settings)
            async with self._handshakes, asyncio.timeout(self._seconds) as limit:
                from calmtui.transport.ssh.client import Client  # imports asyncssh

                client = Client(settings, self._identities, self._prompts, passwords=target.passwords, limit=limit)
                return await self._connect(settings, client, trust, stream, via)
        except SourceError:
            raise
        except foreign() as error:
            raise self._explained(error, settings, client, trust[0]) from error

    async def _tcp(self, settings: Settings) -> socket.socket:
        """A connected socket; every address of the host is tried in turn."""
        loop = asyncio.get_running_loop()
        family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(settings.values.get("addressfamily", ""), 0)
        last: OSError = OSError("the name has no address")
        async with self._connects, asyncio.timeout(self._seconds):
            for kind, _, _, _, address in await _addresses(settings.hostname, settings.port, family):
                try:
                    with contextlib.ExitStack() as undo:
                        stream = undo.enter_context(socket.socket(kind, socket.SOCK_STREAM))
                        stream.setblocking(False)
                        if bind := settings.values.get("bindaddress"):
                            stream.bind((bind, 0))
                        await loop.sock_connect(stream, address)
                        undo.pop_all()
                        return stream
                except OSError as error:
                    last = error
        raise last

    async def _connect(
        self,
        settings: Settings,
        client: Client,
        trust: Sequence[Sequence[asyncssh.SSHKey]],
        stream: socket.socket | None,
        via: asyncssh.SSHClientConnection | None,
    ) -> asyncssh.SSHClientConnection:
        import asyncssh

        options: dict[str, Any] = algorithms(settings, trust)
        with contextlib.ExitStack() as undo:
            if stream is not None:
                undo.enter_context(stream)
            connection = await asyncssh.connect(
                settings.hostname,
                settings.port,
                config=None,
                tunnel=via if stream is None else Stream(stream),
                proxy_command=settings.proxy_command if via is None else None,
                username=settings.user,
                client_factory=lambda: client,
                client_keys=None,
                known_hosts=lambda host, address, port: trust,
                host_key_alias=settings.host_key_alias,
                login_timeout=0,  # `limit` stands in its place: it waits for the operator
                keepalive_interval=int(settings.values.get("serveraliveinterval", 0)) or KEEPALIVE_SECONDS,
                agent_forwarding=settings.agent or False
                if settings.values.get("forwardagent", "no") == "yes"
                else False,
                gss_host=None,
                x509_trusted_certs=None,
                x509_trusted_cert_paths=None,
                **options,
            )
            undo.pop_all()
        return connection

    def _explained(
        self, error: BaseException, settings: Settings, client: Client | None, known: Sequence[asyncssh.SSHKey]
    ) -> SourceError:
        import asyncssh

        where = settings.alias
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return rejection(settings, known, client.offered_key if client else None)
        if isinstance(error, asyncssh.PermissionDenied) and client is not None:
            tried = ", ".join(client.tried) or "nothing: no key was found"
            return AuthFailed(
                f"{settings.user} may not log in (offered: {tried})",
                where=where,
                next_step=f"`ssh -v -p {settings.port} {settings.user}@{settings.hostname}` shows what it accepts",
            )
        if isinstance(error, TimeoutError) and not str(error):
            return Unreachable(
                f"no answer from {settings.hostname} port {settings.port} in {self._seconds:g} s", where=where
            )
        return translate(error, where)


async def _addresses(host: str, port: int, family: int) -> list[Any]:
    """What getaddrinfo tells; a name may have to be asked for, which is done in a thread. Raises OSError."""
    try:
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # no address, but a name
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
