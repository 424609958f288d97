"""A plain HTTP way to the lab's API server on which things can go wrong: cut, silent, or asked for something else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from tests.lab.kube import Kube

TOKEN = "Bearer lab-admin"


class KubeProxy:
    """Forwards every request to the API server as admin."""

    def __init__(self, upstream: aiohttp.ClientSession) -> None:
        self.requests: list[str] = []
        """Path and query of each request, in order."""
        self.rewrite: Callable[[str], str] = lambda url: url
        """Alters the path and query of a request on its way to the API server."""
        self.headers: dict[str, str] = {}
        """Sent along with every request."""
        self.silent = False
        """Nothing is said any more; connections stay open."""
        self._upstream = upstream
        self._open: list[web.BaseRequest] = []

    def asked(self, *parts: str) -> int:
        """How many requests had all of those in their path and query."""
        return sum(all(part in request for part in parts) for request in self.requests)

    def cut(self) -> None:
        """Every request that is being answered breaks."""
        for request in list(self._open):
            self._abort(request)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with what the API server answers; 502 when it does not."""
        self.requests.append(request.path_qs)
        self._open.append(request)
        body = await request.read()
        kind = request.headers.get("Content-Type", "application/json")
        headers = {"Content-Type": kind, "Authorization": TOKEN, **self.headers}
        url = self.rewrite(request.path_qs)
        try:
            async with self._upstream.request(request.method, url, data=body, headers=headers) as answer:
                stream = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
                await self._while_silent()
                with contextlib.suppress(ConnectionResetError):  # cut, or the other side has enough
                    await stream.prepare(request)
                    async for piece in answer.content.iter_any():
                        await self._while_silent()
                        await stream.write(piece)
                    await stream.write_eof()
                return stream
        except aiohttp.ClientPayloadError:  # it died in the middle of an answer: so does ours
            self._abort(request)
            return stream
        except aiohttp.ClientError:
            return web.Response(status=502, text="the API server does not answer")
        finally:
            self._open.remove(request)

    def _abort(self, request: web.BaseRequest) -> None:
        if request.transport is not None:
            request.transport.abort()

    async def _while_silent(self) -> None:
        while self.silent:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def kube_proxy(kube: Kube, kubeconfig: Path) -> AsyncIterator[KubeProxy]:
    """A proxy that listens, and a kubeconfig written that leads through it."""
    trust = ssl.create_default_context(cafile=kubeconfig_authority(kube))
    connector = aiohttp.TCPConnector(limit=0, ssl=trust)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession("https://127.0.0.1:16443", connector=connector, timeout=timeout) as upstream:
        proxy = KubeProxy(upstream)
        server = web.Server(proxy.handle)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            cluster = {"name": "lab", "cluster": {"server": f"http://127.0.0.1:{port}"}}
            context = {"name": "lab", "context": {"cluster": "lab", "user": "admin"}}
            user = {"name": "admin", "user": {"token": "any"}}
            kubeconfig.write_text(
                json.dumps({"clusters": [cluster], "contexts": [context], "users": [user], "current-context": "lab"})
            )
            yield proxy
        finally:
            await runner.cleanup()


def kubeconfig_authority(kube: Kube) -> Path:
    """The certificate that the lab's API server signed for itself."""
    return kube.kubeconfig.parent / "certs" / "apiserver.crt"
