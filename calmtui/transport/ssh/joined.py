"""What a connection writes in one turn of the loop, sent at once: asyncssh writes each packet by itself.

It puts an empty packet before each one besides, so that half of all sends, and half of how often the host is
woken, are saved.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any


class Joined(asyncio.Transport):
    """A socket's transport that sends at the end of the loop's turn."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._pieces: list[bytes | bytearray | memoryview] = []
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it soon, behind what was written before."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(data)

    def _send(self) -> None:
        if self._pieces:
            self._transport.write(b"".join(self._pieces))
            self._pieces.clear()

    def close(self) -> None:
        """Send what is left, then close."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._pieces.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the socket."""
        return self._transport.get_extra_info(name, default)


class Stream:
    """A connected socket, as a tunnel for asyncssh: `asyncssh.connect(…, tunnel=Stream(socket))`."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    async def create_connection(
        self, factory: Callable[[], asyncio.Protocol], host: str, port: int
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Called by asyncssh, to put its connection on the stream."""
        protocol = factory()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: _Beginning(protocol), sock=self._stream)
        return transport, protocol


class _Beginning(asyncio.Protocol):
    """Gives the protocol its transport; what is received goes to the protocol itself from then on."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_protocol(self._protocol)
        self._protocol.connection_made(Joined(transport))
