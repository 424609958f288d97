"""An engine's socket on another host, through one SSH connection, as a socket of this machine.

The SDK's own `ssh://` wants paramiko, or logs in anew for each request; neither asks `calmtui.transport.ssh`,
which knows the operator's configuration, agent and trust.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

from calmtui.errors import Unreachable
from calmtui.providers.base import Opening
from calmtui.transport.ssh import Dialer, Target, foreign, translate

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection, SSHListener


class Tunnel:
    """Forwards `socket` of this machine, which only its owner can open, to a socket behind SSH."""

    def __init__(self, dialer: Dialer, connection: SSHClientConnection, host: str) -> None:
        self.host = host
        """The address of the host behind it, as SSH's configuration has it."""
        self._dialer = dialer
        self._connection = connection
        self._folder = tempfile.TemporaryDirectory(prefix="calmtui-docker-")  # 0700: nobody else gets at the engine
        self.socket = Path(self._folder.name) / "docker.sock"
        self._listener: SSHListener | None = None

    @property
    def lost(self) -> bool:
        """Whether the SSH connection has ended."""
        return self._connection.is_closed()

    async def forward(self, remote: Path) -> None:
        """Begin to forward. Raises one of asyncssh's errors when the far socket cannot be opened."""
        _, writer = await self._connection.open_unix_connection(str(remote))
        writer.close()
        self._listener = await self._connection.forward_local_path(str(self.socket), str(remote))

    async def close(self) -> None:
        """End the SSH connection and everything that goes through it."""
        if self._listener is not None:
            self._listener.close()
        self._connection.close()
        await self._dialer.close()
        self._folder.cleanup()


async def dig(opening: Opening, url: SplitResult, socket: Path) -> Tunnel:
    """A tunnel to the socket of the host that an `ssh://` URL names. Raises a SourceError."""
    config = opening.options.ssh_config
    dialer = Dialer(opening.ask, config=config and opening.resolve(config))
    target = Target.parse(url.netloc)
    tunnel = Tunnel(dialer, await dialer.open(target), (await dialer.settings(target)).hostname)
    async with contextlib.AsyncExitStack() as undo:
        undo.push_async_callback(tunnel.close)
        try:
            await tunnel.forward(socket)
        except foreign() as error:
            what = f"the engine's socket {socket} on {url.hostname} cannot be opened ({translate(error, '').what})"
            step = f"is Docker running there, and may that user run `docker info`? try: ssh {url.hostname} docker info"
            raise Unreachable(what, where=opening.name, next_step=step) from error
        undo.pop_all()
    return tunnel
