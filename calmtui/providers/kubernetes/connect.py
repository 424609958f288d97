"""Api: requests to one API server, logged in, with every failure as an error of `providers.base`."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmtui.providers.base import SourceError
from calmtui.providers.kubernetes.errors import from_exception, from_status
from calmtui.providers.kubernetes.kubeconfig import kubeconfig_files
from calmtui.providers.kubernetes.login import Login, log_in

if TYPE_CHECKING:
    import aiohttp

Query = Mapping[str, str] | Sequence[tuple[str, str]]

READ_BUFFER = 2**18
"""Bytes that a connection reads ahead of its consumer: large pieces make logs and listings cheap."""
KEEPALIVE = ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
"""Seconds and probes: a quiet stream through a firewall is kept open, and a dead one noticed in a minute."""
PATCHES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",  # of which JSON is a part
}


class Api:
    """One API server as one user sees it. Logs in on the first request, and again when it is told 401."""

    def __init__(
        self,
        where: str,
        kubeconfig: Path | None,
        context: str | None,
        *,
        connect_timeout: float,
        request_timeout: float,
    ) -> None:
        self.where = where
        """The source's name, for errors."""
        self._kubeconfig = kubeconfig
        self._context = context
        self._connect_timeout = connect_timeout
        self._request_timeout = request_timeout
        self._login: Login | None = None
        self._read_at: list[float] = []
        self._logging_in = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def log_in(self, *, instead_of: Login | None = None) -> Login:
        """Read the kubeconfig and obtain credentials anew, unless somebody just did.

        `instead_of` is the login that was refused. Raises Misconfigured or AuthFailed.
        """
        async with self._logging_in:
            if self._login is not None and self._login is not instead_of:
                return self._login
            self._read_at = self._edited()
            login = await asyncio.to_thread(log_in, self._kubeconfig, self._context, self.where)
            if self._login is None or self._login.identity != login.identity:
                await self._renew_session(login)
            self._login = login
            return login

    async def reread(self) -> None:
        """Log in anew if the kubeconfig was edited since: it may have been mended."""
        if self._login is not None and self._edited() != self._read_at:
            await self.log_in(instead_of=self._login)

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
            self._login = None

    async def get(self, path: str, query: Query = ()) -> bytes:
        """The body of an answer. Raises a SourceError."""
        async with self.stream(path, query) as response:
            return await response.read()

    async def get_json(self, path: str, query: Query = ()) -> dict[str, Any]:
        """An answer as JSON. Raises a SourceError."""
        body: dict[str, Any] = json.loads(await self.get(path, query))
        return body

    async def change(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, patch: str = "", query: Query = ()
    ) -> dict[str, Any]:
        """Send a POST, PATCH or DELETE; returns the object in the answer. `patch` is a key of `PATCHES`.

        Raises a SourceError, OutcomeUnknown when the connection broke after it was sent.
        """
        headers = {"Content-Type": PATCHES.get(patch, "application/json")}
        data = None if body is None else json.dumps(body).encode()
        async with self._request(method, path, query, headers=headers, data=data, changing=True) as response:
            answer: dict[str, Any] = json.loads(await response.read())
            return answer

    @asynccontextmanager
    async def stream(
        self, path: str, query: Query = (), *, silence: float | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to be read piece by piece; `silence` is how many seconds may pass between two pieces.

        Raises a SourceError, also for what goes wrong inside the block.
        """
        async with self._request("GET", path, query, silence=silence) as response:
            yield response

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        path: str,
        query: Query,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        silence: float | None = None,
        changing: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        login = await self.log_in()
        import aiohttp  # not before: to log in has loaded it, in a thread

        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self._connect_timeout, sock_read=silence or self._request_timeout
        )
        try:
            response = await self._send(login, method, path, query, headers, data, timeout)
            if response.status == 401:
                response.release()
                login = await self.log_in(instead_of=login)
                response = await self._send(login, method, path, query, headers, data, timeout)
            async with response:
                if response.status >= 400:
                    raise from_status(response.status, await response.read(), self.where)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise from_exception(error, self.where, changing=changing) from error

    async def _send(
        self,
        login: Login,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str] | None,
        data: bytes | None,
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        return await self._open_session().request(
            method,
            login.server + path,
            params=query,
            data=data,
            timeout=timeout,
            proxy=login.proxy,
            headers={**_authorization(login), **(headers or {})},
            server_hostname=login.server_hostname,
            allow_redirects=False,
        )

    @asynccontextmanager
    async def websocket(
        self, path: str, query: Query, protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A websocket, pinged every 20 s. Raises a SourceError, also for what goes wrong inside the block."""
        login = await self.log_in()
        import aiohttp

        try:
            socket_ = await self._upgrade(login, path, query, protocols)
            async with socket_:
                yield socket_
        except aiohttp.WSServerHandshakeError as error:
            await self.get(path, query)  # aiohttp drops the API server's words; asked plainly, it says them again
            raise from_status(error.status, b"", self.where) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise from_exception(error, self.where) from error

    async def _upgrade(
        self, login: Login, path: str, query: Query, protocols: Sequence[str]
    ) -> aiohttp.ClientWebSocketResponse:
        import aiohttp

        def connect(login: Login) -> Any:
            return self._open_session().ws_connect(
                login.server + path,
                params=query,
                protocols=protocols,
                proxy=login.proxy,
                heartbeat=20,
                max_msg_size=0,
                headers=_authorization(login),
                server_hostname=login.server_hostname,
            )

        try:
            async with asyncio.timeout(self._request_timeout):
                return await connect(login)  # type: ignore[no-any-return]
        except aiohttp.WSServerHandshakeError as error:
            if error.status != 401:
                raise
        async with asyncio.timeout(self._request_timeout):
            return await connect(await self.log_in(instead_of=login))  # type: ignore[no-any-return]

    def _edited(self) -> list[float]:
        """When each file of the kubeconfig was last altered."""
        return [file.stat().st_mtime for file in kubeconfig_files(self._kubeconfig) if file.is_file()]

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise SourceError("the source is closed", where=self.where)
        return self._session

    async def _renew_session(self, login: Login) -> None:
        import aiohttp

        old = self._session
        connector = aiohttp.TCPConnector(limit=0, ssl=login.tls or True, socket_factory=_kept_alive)
        self._session = aiohttp.ClientSession(connector=connector, trust_env=True, read_bufsize=READ_BUFFER)
        if old is not None:
            await old.close()


def _authorization(login: Login) -> dict[str, str]:
    return {"Authorization": login.authorization} if login.authorization else {}


def _kept_alive(address: Any) -> socket.socket:
    """A socket as aiohttp would make it, with TCP keepalive."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
