"""Sessions on an open connection: one collects a command's output, one hands a stream on in big pieces.

Imports asyncssh. Both work on bytes and on whole packets: reading line by line costs ten times as much.
"""

from __future__ import annotations

import asyncio

import asyncssh

OUTPUT_LIMIT = 10 * 1024 * 1024
"""Bytes of output, stdout and stderr each, that are kept of a command."""
WINDOW = 256 * 1024
"""Bytes that the far side may send ahead of a slow reader of a stream."""
PILE, PILING = 64 * 1024, 0.03
"""Less than so many bytes wait for more for so many seconds: a thousand lines at once cost half of what five times
two hundred do, and nobody sees the difference."""
SILENCE = 30.0
"""Seconds without any byte from a stream that says every five seconds that it is there, after which it is dead."""
BEAT = b"\x1e"
"""What it says on stderr."""


class Collected(asyncssh.SSHClientSession[bytes]):
    """Collects what a command prints until it ends; then `done` is set."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.stdout: list[bytes] = []
        self.stderr: list[bytes] = []
        self.exit_status: int | None = None
        self.signal = ""
        self.error: Exception | None = None
        """Why the channel closed, when it was not the command's end."""
        self.cut = False
        self._sizes = [0, 0]

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Called with each packet."""
        stream = 1 if datatype == asyncssh.EXTENDED_DATA_STDERR else 0
        room = OUTPUT_LIMIT - self._sizes[stream]
        if len(data) > room:
            self.cut = True
            data = data[:room]
        self._sizes[stream] += len(data)
        (self.stderr if stream else self.stdout).append(data)

    def exit_status_received(self, status: int) -> None:
        """Called when the command exits."""
        self.exit_status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """Called when a signal ended the command."""
        self.signal = signal

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once, when the channel is closed."""
        self.error = exc
        self.done.set()


class Stream(asyncssh.SSHClientSession[bytes]):
    """Hands on what comes in, in whatever piled up; the far side waits while the reader is slow."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0
        self._news = asyncio.Event()
        self._ended = False
        self._paused = False
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.stderr = b""
        """The end of what came on stderr, for a failure's text."""
        self.exit_status: int | None = None
        self.error: Exception | None = None

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Called when the channel is open."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Called with each packet."""
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self.stderr = (self.stderr + data.replace(BEAT, b""))[-2000:]
            self._news.set()
            return
        self._pieces.append(data)
        self._held += len(data)
        if self._held > WINDOW and not self._paused and self._channel is not None:
            self._paused = True
            self._channel.pause_reading()
        self._news.set()

    def exit_status_received(self, status: int) -> None:
        """Called when the command exits."""
        self.exit_status = status

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once, when the channel is closed."""
        self.error = exc
        self._ended = True
        self._news.set()

    async def read(self) -> bytes:
        """What has come since the last call, at least one byte; empty at the end, or after too long a silence."""
        while not self._pieces and not self._ended:
            self._news.clear()
            try:
                async with asyncio.timeout(SILENCE):
                    await self._news.wait()
            except TimeoutError:
                self.error = ConnectionError(f"nothing was heard from the host for {SILENCE:g} s")
                self._ended = True
        if self._held < PILE and not self._ended:
            await asyncio.sleep(PILING)
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        if self._paused and self._channel is not None:
            self._paused = False
            self._channel.resume_reading()
        return data
