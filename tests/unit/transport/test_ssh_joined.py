"""Writes that are joined arrive whole and in order, also when the connection is closed in the same turn."""

from __future__ import annotations

import asyncio
import socket

from calmtui.transport.ssh.joined import Stream


class Kept(asyncio.Protocol):
    """Keeps what it is given."""

    transport: asyncio.Transport
    received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data


async def test_what_is_written_arrives_in_order_and_what_comes_goes_to_the_protocol_itself() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(10)
    with far:
        _, protocol = await Stream(near).create_connection(Kept, "web", 22)
        assert isinstance(protocol, Kept)
        for word in (b"one ", b"two "):
            protocol.transport.write(word)
        far.sendall(b"hello")
        while protocol.received != b"hello":
            await asyncio.sleep(0.01)
        assert await asyncio.to_thread(far.recv, 100) == b"one two ", "sent at once"
        protocol.transport.write(b"three ")
        protocol.transport.write(b"four")
        protocol.transport.close()
        assert protocol.transport.is_closing()
        assert await asyncio.to_thread(far.recv, 100) == b"three four"
        assert await asyncio.to_thread(far.recv, 100) == b"", "closed"


async def test_what_is_aborted_is_not_sent() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.settimeout(10)
    with far:
        _, protocol = await Stream(near).create_connection(Kept, "web", 22)
        assert isinstance(protocol, Kept)
        protocol.transport.write(b"never")
        protocol.transport.abort()
        assert await asyncio.to_thread(far.recv, 100) == b""
