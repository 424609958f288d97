"""Commands and shells in a container, over a connection that the engine upgrades to both ways."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections import deque
from collections.abc import AsyncGenerator

from calmtui.errors import SourceError
from calmtui.providers.base import Command, Output, Piece
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.frames import Frames
from calmtui.providers.docker.wire import BROKEN, Reply
from calmtui.transport.exec import NoShell, contained

MARK = "CALMTUI_RUN"
"""A variable in the environment of a shell and all that it starts, by which they are found to be ended."""
STATUS_TRIES, STATUS_EVERY = 20, 0.05
"""How often, and every how many seconds, to ask for the exit status: it comes a moment after the output's end."""

_END = 'for p in /proc/[0-9]*; do if grep -q "$1" "$p/environ" 2>/dev/null; then kill "-$2" "${p#/proc/}"; fi; done'
_LOGIN = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi"
_NO_SHELL = re.compile(rb'exec failed: .*"/bin/sh".*no such file')
"""What runtimes print in place of a program that is not there."""


class ContainerChannel:
    """A program in a container; see `transport.exec.Channel`."""

    def __init__(self, engine: Engine, exec_id: str, reply: Reply, where: str) -> None:
        self._engine = engine
        self._exec_id = exec_id
        self._reply = reply
        self._frames = Frames()
        self._pieces: deque[Output] = deque()
        self._began = False
        self._where = where

    async def read(self) -> Output | None:
        """See `transport.exec.Channel`. Raises NoShell when that is why it ended."""
        while not self._pieces:
            try:
                piece = await self._reply.read()
            except BROKEN:
                return None
            if not piece:
                return None
            self._pieces += [Output(data, is_error=stream == 2) for stream, data in self._frames.feed(piece)]
            if not self._began and self._pieces:
                self._began = True
                if _NO_SHELL.search(self._pieces[0].data):
                    raise NoShell("the container's image holds no shell", where=self._where)
        return self._pieces.popleft()

    async def write(self, data: bytes) -> None:
        """See `transport.exec.Channel`."""
        with contextlib.suppress(ConnectionError):  # it has ended, and `read` tells
            self._reply.writer.write(data)
            await self._reply.writer.drain()

    async def end_input(self) -> None:
        """See `transport.exec.Channel`. TLS cannot be closed one way."""
        if self._reply.writer.can_write_eof():
            self._reply.writer.write_eof()

    async def status(self) -> int | None:
        """See `transport.exec.Channel`."""
        with contextlib.suppress(SourceError):  # the engine has gone: it does not tell
            return await _status(self._engine, self._exec_id)
        return None

    async def close(self) -> None:
        """See `transport.exec.Channel`."""
        self._reply.close()


async def start(engine: Engine, container: str, command: Command, where: str) -> AsyncGenerator[Piece | None, None]:
    """Run a command in a container; see `providers.base.Exec.start`. `where` names the container in errors."""

    async def opened(argv: list[str]) -> ContainerChannel:
        exec_id = await _create(engine, container, argv, stdin=True)
        return ContainerChannel(engine, exec_id, await _start(engine, exec_id, tty=False), where)

    async with contextlib.aclosing(contained(opened, command, where)) as pieces:
        async for piece in pieces:
            yield piece


def _new_mark() -> str:
    return f"{MARK}={secrets.token_hex(8)}"


async def _create(engine: Engine, container: str, argv: list[str], **wanted: object) -> str:
    made = await engine.call("exec_create", container, argv, acting=True, **wanted)
    return str(made["Id"])


async def _start(engine: Engine, exec_id: str, *, tty: bool) -> Reply:
    body = {"Detach": False, "Tty": tty}
    return await engine.wire.open("POST", f"/exec/{exec_id}/start", body=body, upgrade=True)


async def _signal(engine: Engine, container: str, mark: str, signal: str) -> None:
    """Send a signal to every process that bears the mark. Without a shell in the container nothing happens."""
    with contextlib.suppress(SourceError):
        killer = await _create(engine, container, ["/bin/sh", "-c", _END, "sh", mark, signal])
        await engine.call("exec_start", killer, acting=True)


async def _status(engine: Engine, exec_id: str) -> int | None:
    for _ in range(STATUS_TRIES):
        state = await engine.call("exec_inspect", exec_id)
        if not state["Running"] and state["ExitCode"] is not None:
            return int(state["ExitCode"])
        await asyncio.sleep(STATUS_EVERY)
    return None


class DockerShell:
    """A shell in a container, on a pty that the engine keeps."""

    def __init__(self, engine: Engine, container: str, exec_id: str, mark: str, reply: Reply) -> None:
        self._engine = engine
        self._container = container
        self._exec_id = exec_id
        self._mark = mark
        self._reply = reply
        self._resizing: asyncio.Task[None] | None = None

    async def read(self) -> bytes:
        """The next output; empty at the end."""
        try:
            return await self._reply.read()
        except BROKEN:
            return b""

    def write(self, data: bytes) -> None:
        """Send what was typed."""
        self._reply.writer.write(data)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the engine the terminal's new size; the last one told wins."""
        if self._resizing is not None:
            self._resizing.cancel()
        self._resizing = asyncio.create_task(self._resize(columns, rows))

    async def close(self) -> int | None:
        """End it, with all that it started. The exit status if it had ended by itself.

        The engine leaves a shell running when its terminal goes away; so it is hung up on, as sshd would.
        """
        if self._resizing is not None:
            self._resizing.cancel()
            await asyncio.gather(self._resizing, return_exceptions=True)
        self._reply.close()
        with contextlib.suppress(SourceError):  # the engine or the container is gone, and the shell with it
            state = await self._engine.call("exec_inspect", self._exec_id)
            if not state["Running"]:
                return int(state["ExitCode"])
            await _signal(self._engine, self._container, self._mark, "HUP")
        return None

    async def _resize(self, columns: int, rows: int) -> None:
        for _ in range(STATUS_TRIES):  # the engine refuses until the process has been started
            with contextlib.suppress(SourceError):
                await self._engine.call("exec_resize", self._exec_id, height=rows, width=columns)
                return
            await asyncio.sleep(STATUS_EVERY)


async def shell(engine: Engine, container: str, *, term: str, columns: int, rows: int) -> DockerShell:
    """Open bash, or sh where there is none; see `providers.base.Shell`."""
    argv = ["/bin/sh", "-c", _LOGIN]
    mark = _new_mark()
    exec_id = await _create(engine, container, argv, stdin=True, tty=True, environment=[f"TERM={term}", mark])
    channel = DockerShell(engine, container, exec_id, mark, await _start(engine, exec_id, tty=True))
    channel.resize(columns, rows)
    return channel
