"""An interactive shell in a container."""

from __future__ import annotations

import asyncio
import contextlib
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from calmtui.providers.base import SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.containers import Target
from calmtui.providers.kubernetes.exec import (
    CLOSE_SECONDS,
    ERROR,
    RESIZE,
    STDERR,
    STDIN,
    STDOUT,
    connect,
    exit_status,
    frames,
)

if TYPE_CHECKING:
    import aiohttp

BEST_SHELL = 'TERM="$0"; export TERM; if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi'


class KubeShell:
    """A shell on a pty in a container. See `providers.base.ShellChannel`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, connection: AsyncExitStack, where: str) -> None:
        self._socket = socket
        self._connection = connection
        self._where = where
        self._frames = frames(socket)
        self._status: int | None = None
        self._to_send: asyncio.Queue[bytes] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send(), name=f"shell input {where}")

    async def read(self) -> bytes:
        """The next output; empty at the end. Raises a SourceError when the shell could not be run."""
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
            async for channel, data in self._frames:
                if channel in (STDOUT, STDERR):
                    return data
                if channel == ERROR:
                    self._status = exit_status(data, self._where)
                    break
        return b""

    def write(self, data: bytes) -> None:
        """Send what was typed."""
        self._to_send.put_nowait(bytes([STDIN]) + data)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the far side the terminal's new size."""
        self._to_send.put_nowait(bytes([RESIZE]) + json.dumps({"Width": columns, "Height": rows}).encode())

    async def close(self) -> int | None:
        """End it; the exit status, if it had ended by itself."""
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        with contextlib.suppress(SourceError, TimeoutError):  # it is going away anyway
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.aclose()
        return self._status

    async def _send(self) -> None:
        with contextlib.suppress(ConnectionError):  # `read` sees the end as well, and says so
            while True:
                await self._socket.send_bytes(await self._to_send.get())


async def open_shell(api: Api, target: Target, *, term: str, columns: int, rows: int) -> KubeShell:
    """Open a shell of that terminal type and size. Raises a SourceError."""
    connection = AsyncExitStack()
    argv = ["sh", "-c", BEST_SHELL, term]
    socket = await connection.enter_async_context(connect(api, target, argv, stdin=True, tty=True))
    shell = KubeShell(socket, connection, target.name)
    shell.resize(columns, rows)
    return shell
