"""The logs of a host's files, followed through rotation and lost connections without losing or doubling a line.

`follow.sh` reads on the host and says of every piece which file it is from and where it stood; after a
reconnect it goes on after the last whole line. What cannot be found again becomes a note, never silence.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import cache
from importlib import resources
from shlex import join
from typing import TYPE_CHECKING

from calmtui import sanitise
from calmtui.errors import SourceError, Unreachable
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.ssh.frames import Frames, Place
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.run import run

if TYPE_CHECKING:
    from calmtui.providers.ssh.session import Stream

TICK = 0.25
"""Seconds between two looks at a file on the host. What came meanwhile travels in one piece: sixty times less work."""
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
"""Seconds until a lost connection is tried again: doubled from the first to the longest, with jitter."""
_EXPAND = 'IFS=; for pattern do for file in $pattern; do if [ -f "$file" ]; then printf "%s\\0" "$file"; fi; done; done'


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("follow.sh").read_text()


async def files(pool: HostPool, patterns: Sequence[str], request: LogRequest) -> AsyncGenerator[LogChunk, None]:
    """The lines of the files that the patterns name on a host; see `providers.base.Logs.logs`."""
    places = [Place(path) for path in await _expanded(pool, patterns)]
    if not places:
        raise SourceError(f"no file matches {', '.join(patterns)}", where=pool.name, next_step="mend `logs`")

    async def once() -> AsyncGenerator[LogChunk, None]:
        frames = Frames(secrets.token_hex(16), places, request.tail)
        tail = "-" if request.tail is None else str(request.tail)
        settings = [frames.nonce, str(TICK), tail, str(int(request.follow))]
        arguments = [word for place in places for word in place.arguments]
        command = ["/bin/sh", "-c", _script(), "follow", *settings, *arguments]
        async with stream(pool, command) as reader:
            while data := await reader.read():
                try:
                    for chunk in frames.feed(data):
                        yield chunk
                except (ValueError, IndexError) as error:
                    raise SourceError(f"the log reader on the host is confused: {error}", where=pool.name) from error
            if not frames.ended:
                raise _ended(pool, reader)

    async with aclosing(resumed(once, request)) as chunks:
        async for chunk in chunks:
            yield chunk


async def resumed(
    once: Callable[[], AsyncGenerator[LogChunk, None]], request: LogRequest
) -> AsyncGenerator[LogChunk, None]:
    """Chunks of one reading after another, with a note where the connection was lost and where it came back.

    A reading goes on where the one before ended. Raises what no reconnect mends, and everything when not following.
    """
    pause, lost_at = FIRST_RETRY, None
    while True:
        try:
            async with aclosing(once()) as chunks:
                async for chunk in chunks:
                    if lost_at is not None:
                        yield LogChunk(
                            "", note=f"reconnected after {time.monotonic() - lost_at:.1f} s, resumed where it broke off"
                        )
                        pause, lost_at = FIRST_RETRY, None
                    yield chunk
        except SourceError as error:
            if not request.follow or not isinstance(error, Unreachable):
                raise
            if lost_at is None:
                yield LogChunk("", note=f"connection lost ({error.what}); reconnecting")
                lost_at = time.monotonic()
        else:
            return
        await asyncio.sleep(pause * (1 + random.random() / 2))
        pause = min(pause * 2, LONGEST_RETRY)


@asynccontextmanager
async def stream(pool: HostPool, command: Sequence[str]) -> AsyncGenerator[Stream, None]:
    """A command on the host that ends when this is left: it must end with its standard input. Raises a SourceError."""
    async with pool.channel() as connection:
        from calmtui.providers.ssh.session import WINDOW, Stream  # imports asyncssh, which is there by now

        reader = Stream()
        channel, _ = await connection.create_session(
            lambda: reader, f"exec {join(command)}", encoding=None, request_pty=False, window=WINDOW
        )
        try:
            yield reader
        finally:
            channel.abort()


def _ended(pool: HostPool, reader: Stream) -> SourceError:
    """Why a reading ended that should not have."""
    if reader.exit_status:
        words = sanitise.word(reader.stderr.decode(errors="replace").strip()) or f"exit {reader.exit_status}"
        return SourceError(f"the log reader on the host failed: {words[:300]}", where=pool.name)
    return Unreachable(str(reader.error or "the connection was lost"), where=pool.name)


async def _expanded(pool: HostPool, patterns: Sequence[str]) -> list[str]:
    """The files that patterns stand for now; plain paths stay, whether or not there is such a file."""
    plain = [pattern for pattern in patterns if not set("*?[") & set(pattern)]
    globs = [pattern for pattern in patterns if pattern not in plain]
    if not globs:
        return plain
    found = await run(pool, ["/bin/sh", "-c", _EXPAND, "expand", *globs], timeout=20)
    names = [name.decode(errors="surrogateescape") for name in found.stdout.split(b"\0") if name]
    return list(dict.fromkeys(plain + names))
