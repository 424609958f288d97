"""An interactive shell on a host. Imports asyncssh."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import asyncssh

from calmtui.providers.ssh.pool import HostPool

_CHUNK = 64 * 1024
_LEAVE_SECONDS = 2
"""How long a shell that was closed has to say how it ended."""


class SshShell:
    """A `ShellChannel` on a pty of the host."""

    def __init__(
        self,
        process: asyncssh.SSHClientProcess[bytes],
        place: AbstractAsyncContextManager[asyncssh.SSHClientConnection],
    ) -> None:
        self._process = process
        self._place = place

    async def read(self) -> bytes:
        """The next output; empty at the end, however it came."""
        try:
            return await self._process.stdout.read(_CHUNK)
        except (asyncssh.Error, OSError):
            return b""

    def write(self, data: bytes) -> None:
        """Send what was typed."""
        if not self._process.is_closing():
            self._process.stdin.write(data)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the host the terminal's new size."""
        if not self._process.is_closing():
            self._process.change_terminal_size(columns, rows)

    async def close(self) -> int | None:
        """End it: the host hangs up on what still runs in it."""
        self._process.close()
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._process.wait_closed()
        except TimeoutError:
            pass  # the host does not answer; the channel is closed on our side
        finally:
            await self._place.__aexit__(None, None, None)
        return self._process.exit_status


async def open_shell(pool: HostPool, *, term: str, columns: int, rows: int) -> SshShell:
    """A login shell on a new pty. Raises a SourceError."""
    place = pool.channel()
    connection = await place.__aenter__()
    try:
        process = await connection.create_process(
            request_pty="force", term_type=term, term_size=(columns, rows), encoding=None
        )
    except BaseException as error:
        await place.__aexit__(type(error), error, error.__traceback__)
        raise
    return SshShell(process, place)
