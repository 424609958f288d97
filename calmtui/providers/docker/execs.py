"""Commands and shells in a container, over a connection that the engine upgrades to both ways."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Sequence

from calmtui.errors import OutcomeUnknown, SourceError, Unreachable
from calmtui.providers.base import ExecResult
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.frames import Frames
from calmtui.providers.docker.wire import BROKEN, PIECE, Reply

OUTPUT_LIMIT = 10 * 1024 * 1024
"""Bytes of output that are kept of each of stdout and stderr; the rest is read and counted off."""
MARK = "CALMTUI_RUN"
"""A variable in the environment of a command and all that it starts, by which they are found to be ended."""
GRACE = 2.0
"""Seconds for a command to end after TERM, and again after KILL."""
STATUS_TRIES, STATUS_EVERY = 20, 0.05
"""How often, and every how many seconds, to ask for the exit status: it comes a moment after the output's end."""

_END = 'for p in /proc/[0-9]*; do if grep -q "$1" "$p/environ" 2>/dev/null; then kill "-$2" "${p#/proc/}"; fi; done'
_LOGIN = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi"
_FED = 'n=$1; shift; head -c "$n" | "$@"'


async def run(
    engine: Engine, container: str, command: Sequence[str], *, stdin: bytes | None, timeout: float | None, where: str
) -> ExecResult:
    """Run a command and wait for it; see `providers.base.Exec`. `where` names the container in errors."""
    began = time.monotonic()
    argv = ["/bin/sh", "-c", command[0]] if len(command) == 1 else list(command)
    if stdin is not None and engine.wire.endpoint.tls is not None:  # TLS cannot be closed one way: count instead
        argv = ["/bin/sh", "-c", _FED, "sh", str(len(stdin)), *argv]
    mark = _new_mark()
    exec_id = await _create(engine, container, argv, stdin=stdin is not None, environment=[mark])
    reply = await _start(engine, exec_id, tty=False)
    output = _Output()
    feeding = asyncio.create_task(_feed(reply, stdin))  # the output's end counts: nobody may read it all
    try:
        try:
            async with asyncio.timeout(timeout):
                await output.read(reply)
        except BROKEN as error:
            if not isinstance(error, TimeoutError):
                raise OutcomeUnknown(
                    "the connection was lost while the command ran",
                    where=where,
                    next_step="see whether it did its work",
                ) from error
            ended = await _end(engine, container, mark, output.read(reply))
            raise Unreachable(f"no end within {timeout:g} s; the command {ended}", where=where) from None
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        reply.close()
    status = await _status(engine, exec_id)
    notes = output.notes() + ([] if status is not None else ["its output has ended, the command has not"])
    return ExecResult(status, bytes(output.stdout), bytes(output.stderr), time.monotonic() - began, ", ".join(notes))


class _Output:
    """What a command writes, up to the limit."""

    def __init__(self) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._cut = 0
        self._frames = Frames()

    async def read(self, reply: Reply) -> None:
        """Take in everything until the end."""
        while piece := await reply.read():
            for stream, payload in self._frames.feed(piece):
                kept = self.stderr if stream == 2 else self.stdout
                room = max(OUTPUT_LIMIT - len(kept), 0)
                kept += payload[:room]
                self._cut += max(len(payload) - room, 0)

    def notes(self) -> list[str]:
        """What there is to say of it."""
        return [f"output cut at {OUTPUT_LIMIT >> 20} MiB, {self._cut} bytes left out"] if self._cut else []


def _new_mark() -> str:
    return f"{MARK}={secrets.token_hex(8)}"


async def _create(engine: Engine, container: str, argv: list[str], **wanted: object) -> str:
    made = await engine.call("exec_create", container, argv, acting=True, **wanted)
    return str(made["Id"])


async def _start(engine: Engine, exec_id: str, *, tty: bool) -> Reply:
    body = {"Detach": False, "Tty": tty}
    return await engine.wire.open("POST", f"/exec/{exec_id}/start", body=body, upgrade=True)


async def _feed(reply: Reply, stdin: bytes | None) -> None:
    if stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # the command ended without reading it all
        for at in range(0, len(stdin), PIECE):
            reply.writer.write(stdin[at : at + PIECE])
            await reply.writer.drain()
        if reply.writer.can_write_eof():
            reply.writer.write_eof()


async def _end(engine: Engine, container: str, mark: str, rest: Awaitable[None]) -> str:
    """End a command and all that it started; says in a few words what came of it."""
    reading = asyncio.ensure_future(rest)
    try:
        for signal, told in (("TERM", "was ended"), ("KILL", "was killed")):
            await _signal(engine, container, mark, signal)
            done, _ = await asyncio.wait([reading], timeout=GRACE)
            if done:
                return told
        return "could not be ended and may still run"
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


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
