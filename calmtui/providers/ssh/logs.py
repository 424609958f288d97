"""The logs of a host's files, followed through rotation and lost connections without losing or doubling a line.

`follow.sh` reads on the host and says of every piece which file it is from and where it stood; after a
reconnect it goes on after the last whole line. What cannot be found again becomes a gap, never silence.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import cache
from importlib import resources

from calmtui.errors import SourceError, Unreachable
from calmtui.providers.base import LogChunk, LogRequest
from calmtui.providers.ssh.frames import Frames, Torn
from calmtui.providers.ssh.places import Place
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.since import begins
from calmtui.providers.ssh.stream import broken, resumed, stream

TICK = 0.25
"""Seconds between two looks at a file on the host. What came meanwhile travels in one piece: sixty times less work."""
_TEARS = 20
"""Times in a row that a file may change under the reader before it is given up."""


@cache
def script() -> str:
    """The reader, as a POSIX shell takes it."""
    folder = resources.files(__package__)
    return "".join(folder.joinpath(f"{part}.sh").read_text() for part in ("text", "siblings", "follow"))


async def files(pool: HostPool, patterns: Sequence[str], request: LogRequest) -> AsyncGenerator[LogChunk, None]:
    """The lines of the files that the patterns name on a host; see `providers.base.Logs.logs`."""
    reading = _Reading(pool, patterns, request)
    async with aclosing(resumed(reading.once, request)) as chunks:
        async for chunk in chunks:
            yield chunk
    if not reading.places:
        raise SourceError(f"no file matches {', '.join(patterns)}", where=pool.name, next_step="mend `logs`")


class _Reading:
    """The files of one host, across connections."""

    def __init__(self, pool: HostPool, patterns: Sequence[str], request: LogRequest) -> None:
        self.pool = pool
        self.request = request
        self.patterns = patterns
        self.globs = [pattern for pattern in patterns if set("*?[") & set(pattern)]
        plain = [pattern for pattern in patterns if pattern not in self.globs]
        known = [Place.at(path, position) for path, position in request.positions.items()]
        self.places = known + [Place(path) for path in plain if path not in request.positions]
        self.begun = bool(known)
        """The last lines of all files have been read: what is found from now on is new."""

    async def once(self) -> AsyncGenerator[LogChunk, None]:
        """Chunks from where the last reading ended until the connection breaks, which raises, or the end."""
        tears, done = 0, False
        while not done:
            try:
                async with aclosing(self._read()) as chunks:
                    async for chunk in chunks:
                        tears = 0
                        yield chunk
                done = True
            except Torn as error:
                tears += 1
                for place in self.places:  # the host finds out what became of it, by its print
                    place.forget()
                if tears > _TEARS:
                    what = "a log file changes faster than it can be read"
                    raise SourceError(what, where=self.pool.name) from error

    async def _read(self) -> AsyncGenerator[LogChunk, None]:
        starts: dict[str, int] = {}
        if self.request.since is not None and self.request.clock is not None and not self.begun:
            try:
                starts = await begins(self.pool, self.patterns, self.request.since, self.request.clock())
            except Unreachable:
                raise
            except SourceError as error:
                yield LogChunk("", note=f"files are read whole, not from that time on: {error.what}")
        hold = self.request.since is not None
        frames = Frames(secrets.token_hex(16), self.places, self.request.tail, begun=self.begun, hold=hold)
        async with stream(self.pool, "logs", script(), self._arguments(frames.nonce, starts)) as reader:
            while data := await reader.read():
                try:
                    for chunk in frames.feed(data):
                        yield chunk
                except (ValueError, IndexError) as error:
                    raise SourceError(f"the log reader is confused: {error}", where=self.pool.name) from error
                if frames.begun and not self.begun:
                    self.begun = True
                    if self.request.follow and not self.places:
                        yield LogChunk("", note=f"no file matches {', '.join(self.globs)} yet; waiting for one")
            if not frames.ended:
                raise broken(self.pool, reader)

    def _arguments(self, nonce: str, starts: Mapping[str, int]) -> list[str]:
        request = self.request
        tail = "-" if request.tail is None else str(request.tail)
        since = "-" if request.since is None else str(int(request.since))
        settings = [nonce, str(TICK), tail, since, str(int(request.follow)), str(int(not self.begun))]
        settings.append("\n".join(f"{file} {start}" for file, start in starts.items()))
        places = [word for place in self.places for word in place.arguments]
        return [*settings, str(len(self.globs)), *self.globs, *places]
