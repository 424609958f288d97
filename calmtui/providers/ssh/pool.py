"""One warm connection to each host, opened when it is first needed, and a second where the channels run out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calmtui.errors import SourceError, Throttled
from calmtui.transport.ssh import Dialer, Settings, Target, foreign, translate

if TYPE_CHECKING:
    import asyncssh

CHANNELS = 8
"""Channels on one connection; sshd allows 10 sessions (MaxSessions)."""
CONNECTIONS = 4
"""Connections to one host; beyond their channels a request is refused rather than kept waiting unseen."""


@dataclass
class _Line:
    """One open connection and how many of its channels are in use."""

    connection: asyncssh.SSHClientConnection
    used: int = 0

    @property
    def open(self) -> bool:
        return not self.connection.is_closed()


class HostPool:
    """The connections to one host."""

    def __init__(self, dialer: Dialer, target: Target) -> None:
        self.target = target
        self.shell = ""
        """The login shell there, once facts have told."""
        self._dialer = dialer
        self._lines: list[_Line] = []
        self._opening = asyncio.Lock()

    @property
    def name(self) -> str:
        """The host, as the estate names it."""
        return self.target.host

    async def settings(self) -> Settings:
        """What ssh_config says of the host. Raises Misconfigured."""
        return await self._dialer.settings(self.target)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection on which one more channel may be opened, for as long as it is needed.

        Raises a SourceError when there is none to be had, and for whatever fails inside.
        """
        line = await self._free()
        line.used += 1
        try:
            yield line.connection
        except SourceError:
            raise
        except foreign() as error:
            raise translate(error, self.name) from error
        finally:
            line.used -= 1

    @property
    def connected(self) -> bool:
        """Whether a connection is open."""
        return any(line.open for line in self._lines)

    async def lost(self) -> None:
        """Wait until no connection is left."""
        while lines := [line for line in self._lines if line.open]:
            await lines[0].connection.wait_closed()

    async def close(self) -> None:
        """Close every connection."""
        for line in self._lines:
            line.connection.close()
        self._lines.clear()

    async def _free(self) -> _Line:
        async with self._opening:
            self._lines = [line for line in self._lines if line.open]
            for line in self._lines:
                if line.used < CHANNELS:
                    return line
            if len(self._lines) >= CONNECTIONS:
                raise Throttled(
                    f"{CONNECTIONS * CHANNELS} things are already open on this host",
                    where=self.name,
                    next_step="close some of its logs or shells",
                )
            line = _Line(await self._dialer.open(self.target))
            self._lines.append(line)
            return line
