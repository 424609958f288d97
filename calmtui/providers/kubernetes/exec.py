"""Commands and shells in containers: the API server's exec over a websocket.

Every frame begins with the number of its channel. The protocol's version 4 cannot say that standard
input has ended (5 can, from Kubernetes 1.30 on); the watchdog knows how long it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from calmtui import sanitise
from calmtui.providers.base import Command, Misconfigured, Output, Piece, SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.containers import Target
from calmtui.providers.kubernetes.kinds import POD
from calmtui.providers.kubernetes.wire import ApiStatus, Wire
from calmtui.transport.exec import NoShell, contained

if TYPE_CHECKING:
    import aiohttp

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
PROTOCOLS = ("v4.channel.k8s.io",)
PIECE = 2**17
"""Bytes of standard input in a frame."""
CLOSE_SECONDS = 2.0
"""How long the far side may take to say goodbye."""
NO_SHELL = re.compile(r'exec(?: failed)?: .*"/bin/sh".*(?:executable file not found|no such file)')
"""What runtimes say of an image without a shell."""


class Cause(Wire, frozen=True):
    """Why a command did not succeed; of reason `ExitCode` the message is the exit status."""

    reason: str = ""
    message: str = ""


class Details(Wire, frozen=True):
    """What the status of a command holds besides its message."""

    causes: list[Cause] | None = None


class CommandStatus(ApiStatus, frozen=True):
    """The one frame on the error channel: how the command ended."""

    status: str = ""
    details: Details | None = None


_ended = msgspec.json.Decoder(CommandStatus)


class PodChannel:
    """A program in a pod's container; see `transport.exec.Channel`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, connection: AsyncExitStack, where: str) -> None:
        self._socket = socket
        self._connection = connection
        self._where = where
        self._frames = frames(socket)
        self._status: int | None = None
        self._began = False

    async def read(self) -> Output | None:
        """See `transport.exec.Channel`. Raises NoShell when that is why it ended."""
        with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
            async for channel, data in self._frames:
                if channel in (STDOUT, STDERR):
                    if not self._began and NO_SHELL.search(data.decode(errors="replace")):  # as Docker says it
                        raise _no_shell(self._where)
                    self._began = True
                    return Output(data, is_error=channel == STDERR)
                if channel == ERROR:
                    self._status = self._ended(data)
                    break
        return None

    def _ended(self, data: bytes) -> int:
        try:
            return exit_status(data, self._where)
        except Misconfigured as error:  # as containerd says it
            raise (_no_shell(self._where) if NO_SHELL.search(error.what) else error) from None

    async def write(self, data: bytes) -> None:
        """See `transport.exec.Channel`."""
        with contextlib.suppress(ConnectionError):  # it has ended, and `read` tells
            for begin in range(0, len(data), PIECE):
                await self._socket.send_bytes(bytes([STDIN]) + data[begin : begin + PIECE])

    async def end_input(self) -> None:
        """See `transport.exec.Channel`. The protocol's version 4 cannot say it."""

    async def status(self) -> int | None:
        """See `transport.exec.Channel`."""
        return self._status

    async def close(self) -> None:
        """See `transport.exec.Channel`."""
        with contextlib.suppress(SourceError, TimeoutError):  # it is going away anyway
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.aclose()


def _no_shell(where: str) -> NoShell:
    return NoShell("the container's image holds no shell", where=where)


async def start(api: Api, target: Target, command: Command) -> AsyncGenerator[Piece | None, None]:
    """Run a command in a container; see `providers.base.Exec.start`."""

    async def opened(argv: list[str]) -> PodChannel:
        connection = AsyncExitStack()
        socket = await connection.enter_async_context(connect(api, target, argv, stdin=True))
        return PodChannel(socket, connection, target.name)

    async with aclosing(contained(opened, command, target.name)) as pieces:
        async for piece in pieces:
            yield piece


@asynccontextmanager
async def connect(
    api: Api, target: Target, argv: Sequence[str], *, stdin: bool, tty: bool = False
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The websocket of a command in a container. Raises a SourceError."""
    query = [("container", target.container), *(("command", part) for part in argv), ("stdout", "1")]
    # With a terminal there is no standard error of its own, and asking for it is refused.
    query += [("stdin", "1")] if stdin else []
    query += [("tty", "1")] if tty else [("stderr", "1")]
    path = POD.path(target.namespace, target.pod) + "/exec"
    async with api.websocket(path, query, PROTOCOLS) as socket:
        yield socket


async def frames(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[tuple[int, bytes]]:
    """The channel and data of each frame that has data, until the connection ends."""
    import aiohttp

    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY and len(message.data) > 1:
            yield message.data[0], message.data[1:]
        elif message.type is aiohttp.WSMsgType.ERROR:
            raise message.data


def exit_status(data: bytes, where: str) -> int:
    """The exit status in a frame of the error channel. Raises a SourceError when the command was not run."""
    try:
        ended = _ended.decode(data)
    except msgspec.MsgspecError:
        raise SourceError(
            f"the command was not run: {sanitise.word(data.decode(errors='replace'))[:300]}", where=where
        ) from None
    if ended.status == "Success":
        return 0
    for cause in (ended.details or Details()).causes or ():
        if cause.reason == "ExitCode" and cause.message.lstrip("-").isdecimal():
            return int(cause.message)
    message = sanitise.word(ended.message)[:300]
    if "executable file not found" in message or "no such file or directory" in message:
        raise Misconfigured(
            f"the container's image does not hold that command: {message}",
            where=where,
            next_step="it may have no shell at all: name a program that it has, with its arguments",
        )
    raise SourceError(f"the command was not run: {message}", where=where)
