"""One connected engine: what stays open goes over the wire, what is answered through the SDK in threads."""

from __future__ import annotations

import asyncio
import contextlib
import math
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from calmtui.errors import SourceError, Unreachable
from calmtui.providers.base import Opening
from calmtui.providers.docker import errors
from calmtui.providers.docker.endpoint import Endpoint
from calmtui.providers.docker.wire import BROKEN, Wire

if TYPE_CHECKING:
    from docker import APIClient

    from calmtui.providers.docker.tunnel import Tunnel

THREADS = 24
"""Requests to one engine at once through the SDK: a bulk action's sixteen, which may each wait for a container
to stop, and some for whoever looks at something meanwhile."""


class Engine:
    """An engine that has answered. Made by `connect`; closing it lets go of every connection."""

    def __init__(self, wire: Wire, clock: float, tunnel: Tunnel | None) -> None:
        self.wire = wire
        self.address = tunnel.host if tunnel else wire.endpoint.address[0] if wire.endpoint.address else ""
        """Of the host that it runs on; empty behind a socket of this machine, which may lead anywhere."""
        self.clock = clock
        """The engine's own time when it answered first, whole seconds since the epoch."""
        self._tunnel = tunnel
        self._pool = ThreadPoolExecutor(THREADS, f"docker {wire.where}")
        self._client: APIClient | None = None
        self._making = threading.Lock()
        self._closed = False

    @property
    def lost(self) -> bool:
        """Whether nothing more can come of it."""
        return self._closed or (self._tunnel is not None and self._tunnel.lost)

    async def call(self, method: str, *args: Any, acting: bool = False, **kwargs: Any) -> Any:
        """What a method of `docker.APIClient` returns. `acting`: it changes something. Raises a SourceError."""
        if self._closed:
            raise Unreachable("the connection was given up", where=self.wire.where)

        def blocking() -> Any:
            return getattr(self._sdk(), method)(*args, **kwargs)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, blocking)
        except Exception as error:
            if errors.is_foreign(error):
                raise self.wire.error(error, acting=acting) from error
            raise

    async def stream(self, path: str, *, quiet: float | None = None, **query: Any) -> AsyncGenerator[bytes, None]:
        """Pieces of an answer that may stay open for ever, as they come. Raises a SourceError when it breaks off.

        `quiet`: an empty piece is given whenever nothing has come for so many seconds.
        """
        reply = await self.wire.open("GET", path, query)
        try:
            while True:
                try:
                    async with asyncio.timeout(quiet):
                        piece = await reply.read()
                except TimeoutError:
                    yield b""
                    continue
                if not piece:
                    return
                yield piece
        except BROKEN as error:
            raise self.wire.error(error) from error
        finally:
            reply.close()

    async def close(self) -> None:
        """Let go; requests under way in threads end by themselves."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()
        if self._tunnel is not None:
            await self._tunnel.close()

    def _sdk(self) -> APIClient:
        with self._making:
            if self._client is None:
                self._client = _client(self.wire)
            return self._client


async def connect(endpoint: Endpoint, opening: Opening) -> Engine:
    """Reach the engine and learn its API version. Raises a SourceError."""
    async with contextlib.AsyncExitStack() as undo:
        tunnel = None
        if endpoint.ssh is not None and endpoint.socket is not None:
            from calmtui.providers.docker.tunnel import dig  # the transport is not needed for other engines

            tunnel = await dig(opening, endpoint.ssh, endpoint.socket)
            undo.push_async_callback(tunnel.close)
            endpoint = replace(endpoint, socket=tunnel.socket)
        wire = Wire(endpoint, opening.options.timeout, opening.name)
        head = await wire.ping()
        wire.version = head.get("api-version", "")
        if not wire.version:
            raise SourceError(
                "what answers there is not a Docker engine",
                where=opening.name,
                next_step=f"check {endpoint.origin}: {endpoint}",
            )
        undo.pop_all()
        return Engine(wire, clock(head), tunnel)


def clock(head: Mapping[str, str]) -> float:
    """The engine's time in the head of its answer, whole seconds since the epoch.

    By our own clock, with a minute to spare, when a proxy has left it out.
    """
    try:
        return parsedate_to_datetime(head.get("date", "")).timestamp()
    except ValueError:
        return time.time() - 60


def _client(wire: Wire) -> APIClient:
    """The SDK's client for the same engine. Blocks: takes 0.24 s the first time, for the import."""
    from docker import APIClient

    endpoint = wire.endpoint
    url = f"unix://{endpoint.socket}" if endpoint.address is None else "tcp://{}:{}".format(*endpoint.address)
    client = APIClient(
        url,
        version=wire.version,
        timeout=math.ceil(wire.timeout),
        tls=endpoint.tls is not None,
        user_agent="calmtui",
        max_pool_size=THREADS,
    )
    client.trust_env = False  # no proxy, netrc or CA bundle from the environment: `wire` takes none either
    if endpoint.tls is not None:
        system = ssl.get_default_verify_paths()
        authorities = endpoint.tls.ca or system.cafile or system.capath
        client.verify = str(authorities) if endpoint.tls.verify and authorities else endpoint.tls.verify
        if endpoint.tls.cert is not None:
            client.cert = (str(endpoint.tls.cert), str(endpoint.tls.key))
    return client
