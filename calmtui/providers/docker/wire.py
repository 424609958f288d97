"""The engine's HTTP API on asyncio: what the tree needs at start, and whatever stays open.

The SDK answers every other request (`connect.Engine.call`). Not these, because
- it takes 0.24 s to import, eight times what `docker ps -a` takes in all: the first listing need not wait for it;
- it blocks, so that each followed log would cost a thread;
- of a connection that is upgraded (exec) it drops what came in one packet with the headers, as it reads
  on below the buffer that they were read from.
Raw exceptions leave this module only through `errors.translate`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from calmtui.errors import Misconfigured, SourceError
from calmtui.providers.docker import errors
from calmtui.providers.docker.endpoint import Endpoint, Tls

PIECE = 256 * 1024
"""Bytes that one read takes at the most, and that wait unread before the engine is held back."""
LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes of a whole answer that are taken in: 100,000 containers are about 65 MB."""
KEEPALIVE_IDLE, KEEPALIVE_EVERY, KEEPALIVE_PROBES = 30, 10, 3
"""Seconds and counts after which the kernel gives up a silent tcp peer: a minute in all."""

BROKEN = (OSError, EOFError, ValueError, asyncio.LimitOverrunError)
"""What a connection that breaks, or that speaks something else, raises while it is read."""


class Dechunker:
    """HTTP/1.1 chunks as they come in, in any pieces, to the bytes that they carry."""

    def __init__(self) -> None:
        self.ended = False
        """Whether the last chunk has been seen."""
        self._rest = bytearray()
        self._left = 0
        """Bytes still to come of the chunk that is open, with its line end; 0: a size comes next."""

    def feed(self, data: bytes) -> bytes:
        """The payload in this piece. Raises ValueError when it is not chunked as it should be."""
        rest = self._rest
        rest += data
        payload = bytearray()
        at = 0
        while not self.ended:
            if self._left:
                taken = min(self._left, len(rest) - at)
                payload += rest[at : at + min(taken, max(self._left - 2, 0))]
                self._left -= taken
                at += taken
                if self._left:
                    break
            end = rest.find(b"\r\n", at)
            if end < 0:
                break
            size = int(bytes(rest[at:end]).partition(b";")[0], 16)
            if size < 0:
                raise ValueError(f"a chunk of {size} bytes")
            at = end + 2
            self._left = size + 2
            self.ended = size == 0
        del rest[:at]
        return bytes(payload)


@dataclass
class Reply:
    """An answer whose body is still to be read. Close it when done."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    _chunks: Dechunker | None = None
    _left: int | None = None
    """Bytes to come when the length was announced; None: until the end of the stream."""

    async def read(self) -> bytes:
        """The next bytes of the body; empty at its end. Raises one of BROKEN when it breaks off."""
        while not (self._chunks is not None and self._chunks.ended) and self._left != 0:
            data = await self.reader.read(PIECE)
            if not data:
                if self._chunks is not None or self._left is not None:
                    raise EOFError("the engine closed the connection in the middle of an answer")
                return b""
            if self._left is not None:
                self._left -= len(data)
            payload = self._chunks.feed(data) if self._chunks is not None else data
            if payload:
                return payload
        return b""

    async def body(self) -> bytes:
        """All of it."""
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise ValueError(f"an answer of more than {LARGEST_ANSWER >> 20} MiB")
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of the connection at once; the engine stops what it was sending."""
        self.writer.transport.abort()


@dataclass
class Wire:
    """Opens connections to one engine. Every connection carries one request."""

    endpoint: Endpoint
    timeout: float
    """Seconds to wait for a connection and for the head of an answer."""
    where: str
    """The source's name, for errors."""
    version: str = ""
    """The API version that requests are made in, once known."""
    _tls: ssl.SSLContext | None = field(default=None, init=False)

    async def get(self, path: str, **query: Any) -> bytes:
        """The body of an answer. Raises a SourceError."""
        reply = await self.open("GET", path, query)
        try:
            async with asyncio.timeout(self.timeout):
                return await reply.body()
        except BROKEN as error:
            raise self.error(error) from error
        finally:
            reply.close()

    async def ping(self) -> Mapping[str, str]:
        """Whether the engine answers; the head of its answer. Raises a SourceError."""
        reply = await self.open("GET", "/_ping")
        reply.close()
        return reply.headers

    async def open(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None, *, upgrade: bool = False
    ) -> Reply:
        """Send a request, read the head of the answer. `upgrade`: both ways are open after it. Raises a SourceError."""
        try:
            async with asyncio.timeout(self.timeout):
                reader, writer = await self._connect()
                with contextlib.ExitStack() as undo:
                    undo.callback(writer.transport.abort)
                    writer.write(self._request(method, path, query or {}, body, upgrade=upgrade))
                    reply = await _head(reader, writer)
                    if reply.status >= 400:
                        raise errors.answered(reply.status, _message(await reply.body()), self.where)
                    undo.pop_all()
                return reply
        except BROKEN as error:
            raise self.error(error) from error

    def error(self, error: Exception, *, acting: bool = False) -> SourceError:
        """The error of ours for a foreign one that this engine gave; see `errors.translate`."""
        return errors.translate(error, self.where, str(self.endpoint), acting=acting)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.endpoint.address is None:
            return await asyncio.open_unix_connection(self.endpoint.socket, limit=PIECE)
        if self.endpoint.tls is not None and self._tls is None:
            self._tls = _context(self.endpoint.tls, self.where)
        host, port = self.endpoint.address
        reader, writer = await asyncio.open_connection(host, port, ssl=self._tls, limit=PIECE)
        _keep_alive(writer.get_extra_info("socket"))
        return reader, writer

    def _request(self, method: str, path: str, query: Mapping[str, Any], body: Any, *, upgrade: bool) -> bytes:
        target = f"/v{self.version}{path}" if self.version else path
        if query:
            target += "?" + urlencode({key: _parameter(value) for key, value in query.items()})
        payload = b"" if body is None else msgspec.json.encode(body)
        head = [f"{method} {target} HTTP/1.1", "Host: docker", "User-Agent: calmtui"]
        head += ["Connection: Upgrade", "Upgrade: tcp"] if upgrade else ["Connection: close"]
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
        return "\r\n".join([*head, "", ""]).encode() + payload


def _parameter(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(int(value)) if isinstance(value, bool) else str(value)


async def _head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Reply:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    protocol, _, status = lines[0].partition(" ")
    if not protocol.startswith("HTTP/1."):
        raise ValueError("what answers there is not a Docker engine")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    reply = Reply(int(status[:3]), headers, reader, writer)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        reply._chunks = Dechunker()
    elif "content-length" in headers:
        reply._left = int(headers["content-length"])
    return reply


def _message(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return body.decode(errors="replace")


def _context(tls: Tls, where: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca and str(tls.ca))
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key, password=_locked)
    except (OSError, ValueError) as error:
        files = ", ".join(str(path) for path in (tls.ca, tls.cert, tls.key) if path is not None)
        raise Misconfigured(
            f"the TLS files cannot be used: {error}",
            where=where,
            next_step=f"they must be PEM, the key that of the certificate: {files}",
        ) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _locked() -> str:
    """Called for the passphrase of a key; without it OpenSSL would ask on the terminal, under the screen."""
    raise ValueError("the key is encrypted, which the `docker` command does not support either")


def _keep_alive(link: socket.socket) -> None:
    """Let the kernel notice a peer that is silent for ever: an idle event or log stream would not."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE),
        ("TCP_KEEPINTVL", KEEPALIVE_EVERY),
        ("TCP_KEEPCNT", KEEPALIVE_PROBES),
    ):
        if hasattr(socket, name):  # not every platform has all three
            link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
