"""Commands whose output is read for as long as somebody wants it, over connections that break.

`watch.sh` goes before each on the host. It ends everything when we are gone, also when the network is cut, for
which we send a line now and then; and it says every five seconds that it is there, so that silence is noticed.
"""

from __future__ import annotations

import asyncio
import random
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
from calmtui.providers.ssh.pool import HostPool

if TYPE_CHECKING:
    import asyncssh

    from calmtui.providers.ssh.session import Stream

FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0
"""Seconds until a lost connection is tried again: doubled from the first to the longest, with jitter."""
BEAT = 15.0
"""Seconds between two lines that tell the host that we are there."""
LEFT = 12
"""Five seconds each: how long the host goes on without such a line."""
OPENING = 20.0
"""Seconds for a channel to open on a connection that stands; then the connection is taken for dead."""


@cache
def _watch() -> str:
    return resources.files(__package__).joinpath("watch.sh").read_text()


@asynccontextmanager
async def stream(pool: HostPool, name: str, script: str, arguments: Sequence[str]) -> AsyncGenerator[Stream, None]:
    """A POSIX shell script on the host that ends when this is left. Raises a SourceError.

    The script comes by standard input, so that neither its length nor its arguments are limited or seen in the
    host's list of processes, where it is `calmtui-NAME`. Its own standard input is empty.
    """
    text = f"LEFT={LEFT}\n{_watch()}\nset -- {join(arguments)}\n{script}".encode(errors="surrogateescape")
    command = f"""exec /bin/sh -c 'eval "$(head -c "$1")"' calmtui-{name} {len(text)}"""
    async with pool.channel() as connection:
        from calmtui.providers.ssh.session import WINDOW, Stream  # imports asyncssh, which is there by now

        reader = Stream()
        try:
            async with asyncio.timeout(OPENING):
                channel, _ = await connection.create_session(
                    lambda: reader, command, encoding=None, request_pty=False, window=WINDOW
                )
        except TimeoutError as error:
            connection.abort()
            raise Unreachable(f"the host has not answered for {OPENING:g} s", where=pool.name) from error
        channel.write(text)
        beats = asyncio.create_task(_beat(channel))
        try:
            yield reader
        finally:
            beats.cancel()
            channel.abort()


async def _beat(channel: asyncssh.SSHClientChannel[bytes]) -> None:
    while not channel.is_closing():
        await asyncio.sleep(BEAT)
        channel.write(b"\n")


def broken(pool: HostPool, reader: Stream) -> SourceError:
    """Why a reading ended that should not have."""
    if reader.exit_status:
        words = sanitise.word(reader.stderr.decode(errors="replace").strip()) or f"exit {reader.exit_status}"
        return SourceError(f"the log reader on the host failed: {words[:300]}", where=pool.name)
    return Unreachable(str(reader.error or "the connection was lost"), where=pool.name)


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
                yield LogChunk("", note=f"connection lost ({error.what}); reconnecting", away=True)
                lost_at = time.monotonic()
        else:
            return
        await asyncio.sleep(pause * (1 + random.random() / 2))
        pause = min(pause * 2, LONGEST_RETRY)
