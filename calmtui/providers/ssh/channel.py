"""A command's channel on a connection, read in big pieces and held back while nobody reads. Imports asyncssh."""

from __future__ import annotations

import asyncio
from collections import deque

import asyncssh

from calmtui.providers.base import Output
from calmtui.providers.ssh.session import WINDOW


class HostChannel(asyncssh.SSHClientSession[bytes]):
    """A `transport.exec.Channel` on a connection; the far side waits while the reader is slow."""

    def __init__(self) -> None:
        self._pieces: deque[Output] = deque()
        self._held = 0
        self._news = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._ended = False
        self._status: int | None = None
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    @property
    def opened(self) -> bool:
        """Whether the host has let it be opened: what it is to run has been sent then."""
        return self._channel is not None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Called when the channel is open."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Called with each packet."""
        self._pieces.append(Output(data, is_error=datatype == asyncssh.EXTENDED_DATA_STDERR))
        self._held += len(data)
        if self._held > WINDOW and self._channel is not None:
            self._channel.pause_reading()
        self._news.set()

    def pause_writing(self) -> None:
        """Called when what is to be sent piles up."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Called when it has gone out."""
        self._may_write.set()

    def exit_status_received(self, status: int) -> None:
        """Called when the program exits."""
        self._status = status

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once, when the channel is closed."""
        self._ended = True
        self._news.set()
        self._may_write.set()

    async def read(self) -> Output | None:
        """See `transport.exec.Channel`; neighbours of one stream come as one piece."""
        while not self._pieces and not self._ended:
            self._news.clear()
            await self._news.wait()
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        self._held -= len(piece.data)
        if self._held <= WINDOW and self._channel is not None and not self._ended:
            self._channel.resume_reading()
        return piece

    async def write(self, data: bytes) -> None:
        """See `transport.exec.Channel`."""
        await self._may_write.wait()
        if self._channel is not None and not self._ended and data:
            self._channel.write(data)

    async def end_input(self) -> None:
        """See `transport.exec.Channel`."""
        if self._channel is not None and not self._ended:
            self._channel.write_eof()

    async def status(self) -> int | None:
        """See `transport.exec.Channel`."""
        return self._status

    async def close(self) -> None:
        """See `transport.exec.Channel`."""
        if self._channel is not None:
            self._channel.abort()
