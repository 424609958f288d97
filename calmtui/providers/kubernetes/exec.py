"""Commands and shells in containers: the API server's exec over a websocket.

Every frame begins with the number of its channel. The protocol's version 4 cannot say that standard
input has ended (5 can, from Kubernetes 1.30 on), so a command that is given input is told its length.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from calmtui import sanitise
from calmtui.providers.base import ExecResult, Misconfigured, SourceError, Unreachable
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.containers import Target
from calmtui.providers.kubernetes.kinds import POD
from calmtui.providers.kubernetes.wire import ApiStatus, Wire

if TYPE_CHECKING:
    import aiohttp

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
PROTOCOLS = ("v4.channel.k8s.io",)
MOST_OUTPUT = 10 * 2**20
"""Bytes of each of standard output and error that are kept; the rest is read and dropped."""
PIECE = 2**17
"""Bytes of standard input in a frame."""

LIMITED = 'if command -v timeout >/dev/null 2>&1; then exec timeout "$0" "$@"; else exec "$@"; fi'
"""Runs a command for so many seconds: a container's processes outlive a connection that is closed."""
NO_SHELL = 'exec: "sh": executable file not found'
"""What runtimes say of an image without a shell: then a program runs as it is, and cannot be limited."""
FED = 'head -c "$0" | "$@"'
"""Runs a command with so many bytes as its input, then the end of it."""


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


async def run(
    api: Api, target: Target, command: Sequence[str], *, stdin: bytes | None, timeout: float | None
) -> ExecResult:
    """Run a command in a container. See `providers.base.Exec`."""
    argv = ["sh", "-c", command[0]] if len(command) == 1 else list(command)
    if stdin is not None:
        argv = ["sh", "-c", FED, str(len(stdin)), *argv]
    if timeout is None:
        return await _run(api, target, argv, stdin)
    try:
        async with asyncio.timeout(timeout):
            limited = ["sh", "-c", LIMITED, str(math.ceil(timeout) + 1), *argv]  # after us: we say that it was too long
            try:
                result = await _run(api, target, limited, stdin)
            except Misconfigured as error:  # as containerd says it
                if len(command) == 1 or NO_SHELL not in error.what:
                    raise
            else:
                if len(command) == 1 or NO_SHELL.encode() not in result.stdout:  # as Docker says it
                    return result
            return await _run(api, target, argv, stdin)
    except TimeoutError:
        raise Unreachable(f"no end after {timeout:g} s", where=target.name) from None


async def _run(api: Api, target: Target, argv: Sequence[str], stdin: bytes | None) -> ExecResult:
    """Run a program to its end. Raises a SourceError."""
    begun = time.monotonic()
    output = {STDOUT: bytearray(), STDERR: bytearray()}
    cut = False
    status: int | None = None
    async with connect(api, target, argv, stdin=stdin is not None) as socket:
        if stdin is not None:
            await _feed(socket, stdin)
        async for channel, data in frames(socket):
            if channel in output:
                kept = data[: MOST_OUTPUT - len(output[channel])]
                cut = cut or len(kept) < len(data)
                output[channel] += kept
            elif channel == ERROR:
                status = exit_status(data, api.where)
                break
    notes = ["output cut at 10 MiB"] if cut else []
    if status is None:
        notes.append("the connection ended before the command did")
    return ExecResult(
        exit_status=status,
        stdout=bytes(output[STDOUT]),
        stderr=bytes(output[STDERR]),
        took=time.monotonic() - begun,
        note="; ".join(notes),
    )


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


async def _feed(socket: aiohttp.ClientWebSocketResponse, stdin: bytes) -> None:
    for begin in range(0, len(stdin), PIECE):
        await socket.send_bytes(bytes([STDIN]) + stdin[begin : begin + PIECE])
