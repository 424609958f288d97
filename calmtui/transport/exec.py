"""A command at the far side, whatever leads there: sent with a watchdog, its output as it comes, ended when it is left.

The watchdog (`watchdog.sh`) runs beside the command and holds the channel's standard input. A line on it, or
its end (we were killed, the connection broke), ends the command with all that it started; so nothing is left
running, and no second connection is needed to end it. What is secret, the environment and the input, goes over
that channel, never into an argument that the far side's list of processes would show.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from shlex import quote
from typing import Protocol

import msgspec

from calmtui.errors import AuthFailed, Forbidden, Misconfigured, OutcomeUnknown

PIECE = 64 * 1024
"""Bytes of input that are sent at once."""
ENDING = 8.0
"""Seconds for a command to be ended at the far side, which takes it 2 s at the most after TERM, before we let go."""
DRAINING = 1.0
"""Seconds without output after a command's end: what it left running may hold its outputs open for ever."""
UNWATCHED = "the image holds no shell: had it been cancelled, it might have run on"
"""What is said of a command that nothing watches."""
_MARK = re.compile(rb"\x1e([0-9a-f]{16}) (\w+)\x1e")
_LONGEST_MARK = 32


class Command(msgspec.Struct, frozen=True):
    """What is to be run."""

    words: tuple[str, ...]
    """One is a line for the node's shell; several are a program and its arguments, never split again."""
    stdin: bytes | Path = b""
    """Its standard input: bytes, or what stands in a file."""
    environment: dict[str, str] = {}
    sudo: Callable[[str], Awaitable[str | None]] | None = None
    """Run it as root; asked for the password where sudo wants one, it says None to refuse."""
    reads_all: bool = False
    """It reads its input to the end before it does anything that lasts: then it is not watched, its input not kept."""
    sent: Callable[[int], None] | None = None
    """Told how many more bytes of the input have gone out."""
    unended: Callable[[], None] | None = None
    """Told when it was left before its end and the far side has not said that it has ended there: it may run on."""

    def left_running(self) -> None:
        """Say that it may run on."""
        if self.unended is not None:
            self.unended()


class Output(msgspec.Struct, frozen=True, gc=False):
    """A piece of what a command prints, as it came: raw and untrusted."""

    data: bytes
    is_error: bool = False
    """From standard error."""


class Ended(msgspec.Struct, frozen=True):
    """How a command ended; nothing comes after it."""

    exit_status: int
    """128 and a signal's number where one ended it."""
    note: str = ""
    """What else there is to say of it."""


Piece = Output | Ended


class Channel(Protocol):
    """A program running at the far side, both ways open."""

    async def read(self) -> Output | None:
        """The next output; None at the end. Raises a SourceError."""
        ...

    async def write(self, data: bytes) -> None:
        """Send to its standard input, waiting while the far side is slow; a far side that has gone takes nothing."""
        ...

    async def end_input(self) -> None:
        """Say that no more input comes, where that can be said."""
        ...

    async def status(self) -> int | None:
        """After the end: the exit status that the other side tells; None when it tells none."""
        ...

    async def close(self) -> None:
        """Let go of it at once."""
        ...


class NoShell(Misconfigured):
    """A container's image holds no shell, so that nothing can be watched or ended there."""


class Sending:
    """A command as it is sent: the words to run at the far side, then what goes to its standard input."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.nonce = secrets.token_hex(8)
        """Marks what the watchdog says among what the command says."""
        exports = "".join(f"export {name}={quote(value)}\n" for name, value in command.environment.items())
        self._preface = exports.encode()
        length = "-" if command.reads_all else str(_size(command.stdin))
        self._arguments = [self.nonce, str(exports.count("\n")), length]

    def words(self) -> list[str]:
        """The program to run, and its arguments; one word of the command is a line for /bin/sh."""
        return self.through_shell(self.command.words)

    def through_shell(self, words: Sequence[str]) -> list[str]:
        """The same with other words for the command, such as a login shell and a line."""
        inner = ["/bin/sh", "-c", script(), "calmtui", *self._arguments, *words]
        if self.command.sudo is None:
            return inner
        inner[2] = f"printf '\\036%s go\\036' {self.nonce} >&2\n{inner[2]}"
        return ["sudo", "-S", "-p", f"\x1e{self.nonce} password\x1e", "--", *inner]

    def line(self) -> str:
        """The command for a POSIX login shell, which becomes the watchdog itself: nothing more is started."""
        arguments = " ".join(map(quote, [*self._arguments, *self.command.words]))
        return f"set -- {arguments}\n{script()}"

    @property
    def feeds(self) -> bool:
        """Whether the far side waits for anything."""
        return bool(self._preface) or self.command.stdin != b"" or self.command.reads_all

    async def feed(self, channel: Channel) -> None:
        """Send what the far side waits for."""
        await channel.write(self._preface)
        async for piece in _pieces(self.command.stdin):
            await channel.write(piece)
            if self.command.sent is not None:
                self.command.sent(len(piece))
        if self.command.reads_all:
            await channel.end_input()


async def contained(
    open_: Callable[[list[str]], Awaitable[Channel]], command: Command, where: str
) -> AsyncGenerator[Piece | None, None]:
    """Run a command in a container; `open_` runs a program there. See `follow`.

    In an image without a shell a program runs as it is, and cannot be ended; a line cannot run at all.
    """
    sending = Sending(command)
    channel = await open_(sending.words())
    yield None
    try:
        async with contextlib.aclosing(follow(channel, sending, where)) as pieces:
            async for piece in pieces:
                yield piece
    except NoShell:
        if len(command.words) == 1 or command.stdin or command.environment or command.sudo is not None:
            raise
    else:
        return
    async for piece in _unwatched(await open_(list(command.words))):
        yield piece


async def _unwatched(channel: Channel) -> AsyncGenerator[Piece, None]:
    try:
        while (piece := await channel.read()) is not None:
            yield piece
        status = await channel.status()
        if status is not None:
            yield Ended(status, UNWATCHED)
    finally:
        await channel.close()


async def follow(channel: Channel, sending: Sending, where: str) -> AsyncGenerator[Piece, None]:
    """Feed a command that has just begun, yield its output and how it ended; left before, it is ended there.

    `where` names the node in errors. Raises a SourceError: OutcomeUnknown when the connection was lost, AuthFailed
    or Forbidden when sudo refuses.
    """
    talk = _Talk(channel, sending, where)
    try:
        async for piece in talk.pieces():
            yield piece
    finally:
        if talk.is_over:
            await channel.close()
        else:
            await asyncio.shield(asyncio.ensure_future(talk.leave()))


class _Talk:
    """One command under way."""

    def __init__(self, channel: Channel, sending: Sending, where: str) -> None:
        self._channel = channel
        self._sending = sending
        self._where = where
        self._marks = Marks(sending.nonce)
        self._feeding: asyncio.Future[None] | None = None
        self._asked = False
        self.status: int | None = None
        """Exit status, once the watchdog has told."""
        self._note = ""
        if sending.command.sudo is None:
            self._feed()

    def _feed(self) -> None:
        if self._sending.feeds:
            self._feeding = asyncio.create_task(self._sending.feed(self._channel), name=f"input of {self._where}")
        else:
            self._feeding = asyncio.get_running_loop().create_future()
            self._feeding.set_result(None)

    @property
    def is_over(self) -> bool:
        """Whether the command has ended there, and had no input: nothing is left to be ended."""
        return self.status is not None and not self._sending.feeds

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The output, then the end."""
        said = bytearray()
        while (piece := await self._read()) is not None:
            for part in self._marks.feed(piece):
                if isinstance(part, str):
                    await self._heed(part)
                else:
                    if self._feeding is None:
                        said += part.data
                    yield part
        for part in self._marks.end():
            yield part
        if self._feeding is None:
            raise self._refused(bytes(said))
        if self.status is None:
            self.status = await self._channel.status()
        if self.status is None:
            raise OutcomeUnknown(
                "the connection was lost while the command ran",
                where=self._where,
                next_step="it is ended there; see what it has done",
            )
        yield Ended(self.status, self._note)

    async def _read(self) -> Output | None:
        if self.status is None:
            return await self._channel.read()
        try:
            async with asyncio.timeout(DRAINING):
                return await self._channel.read()
        except TimeoutError:
            self._note = "something that it started goes on and holds its output open"
            return None

    async def _heed(self, mark: str) -> None:
        """What the watchdog or sudo says."""
        if mark == "password":
            await self._give_password()
        elif mark == "go":
            self._feed()
        else:
            self.status = int(mark)

    async def _give_password(self) -> None:
        ask = self._sending.command.sudo
        password = None if ask is None else await ask("password for sudo")
        if self._asked or password is None:
            what = "sudo does not take the password" if self._asked else "sudo wants a password and got none"
            raise AuthFailed(what, where=self._where, next_step="retry the failed with the right one")
        self._asked = True
        await self._channel.write(password.encode() + b"\n")

    def _refused(self, said: bytes) -> Exception:
        words = " ".join(said.decode(errors="replace").split())[:300] or "it ended without a word"
        if "not found" in words:
            return Misconfigured(f"there is no sudo: {words}", where=self._where, next_step="log in as root")
        return Forbidden(f"sudo refuses: {words}", where=self._where, next_step="look at its sudoers file")

    async def leave(self) -> None:
        """End the command, if it runs, and let go of the channel."""
        if self._feeding is not None:
            whole = self._feeding.done()
            self._feeding.cancel()
            await asyncio.gather(self._feeding, return_exceptions=True)
            if self.status is None and whole and not self._sending.command.reads_all:
                with contextlib.suppress(Exception):  # it is lost: the far side notices that as well
                    async with asyncio.timeout(ENDING):
                        await self._end()
                if self.status is None:
                    self._sending.command.left_running()
        await self._channel.close()

    async def _end(self) -> None:
        await self._channel.write(b"\n")
        while self.status is None and (piece := await self._channel.read()) is not None:
            for part in self._marks.feed(piece):
                if isinstance(part, str):
                    await self._heed(part)


class Marks:
    """Takes what the watchdog says out of what the command says, from pieces of any size. Pure."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce.encode()
        self._held = b""

    def feed(self, piece: Output) -> list[Output | str]:
        """The command's output and the words of the marks (`password`, `go`, an exit status), in their order."""
        if not piece.is_error:
            return [piece]
        data, at = self._held + piece.data, 0
        found: list[Output | str] = []
        for match in _MARK.finditer(data):
            if match[1] == self._nonce:
                found += [*_errors(data[at : match.start()]), match[2].decode()]
                at = match.end()
        begun = data.find(b"\x1e", max(at, len(data) - _LONGEST_MARK))
        cut = len(data) if begun < 0 else begun
        self._held = data[cut:]
        return [*found, *_errors(data[at:cut])]

    def end(self) -> list[Output]:
        """What was held back for it might have become a mark."""
        held, self._held = self._held, b""
        return _errors(held)


def _errors(data: bytes) -> list[Output]:
    return [Output(data, is_error=True)] if data else []


@cache
def script() -> str:
    """The watchdog, without comments and indentation: it stands in lists of processes, in Kubernetes in a URL."""
    text = resources.files(__package__).joinpath("watchdog.sh").read_text()
    lines = (line.partition(" # ")[0].strip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if not line.startswith("#"))


def _size(stdin: bytes | Path) -> int:
    return len(stdin) if isinstance(stdin, bytes) else stdin.stat().st_size


async def _pieces(stdin: bytes | Path) -> AsyncGenerator[bytes, None]:
    if isinstance(stdin, bytes):
        for begin in range(0, len(stdin), PIECE):
            yield stdin[begin : begin + PIECE]
        return
    left = _size(stdin)
    with stdin.open("rb") as file:
        while left > 0 and (piece := await asyncio.to_thread(os.read, file.fileno(), min(PIECE, left))):
            left -= len(piece)
            yield piece
