"""Searches the log files of a host on the host: rotated and compressed ones too, under one channel.

`search.sh` lists the files and runs the host's own `rg` or `grep`; here it is decided what of which file is searched,
and every line that comes is looked at again with the operator's own expression.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from importlib import resources
from shlex import join
from typing import TYPE_CHECKING

from calmtui import sanitise
from calmtui.errors import SourceError, Unreachable
from calmtui.providers.base import Counted, Finding, Remark, SearchRequest
from calmtui.providers.ssh.expression import parsed, text
from calmtui.providers.ssh.file_search import FileSearch, Left
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.records import Record, Records
from calmtui.providers.ssh.rotation import Listed, chosen, listed
from calmtui.providers.ssh.spelling import for_grep, for_rg

if TYPE_CHECKING:
    import asyncssh

    from calmtui.providers.ssh.session import Stream

LONGEST = 30_000
"""Characters of an expression as a host's program gets it; of a longer one every line is brought here."""
_GRACE = 10
"""Seconds after which a host ends by itself what was to be ended from here."""


@cache
def _script() -> str:
    return resources.files(__package__).joinpath("search.sh").read_text()


class Far:
    """The search on one host: commands go there one at a time, records come back."""

    def __init__(
        self, host: str, channel: asyncssh.SSHClientChannel[bytes], stream: Stream, nonce: str, deadline: float
    ) -> None:
        self.host = host
        self.exact = False
        """Whether the host's grep says where lines stand in bytes."""
        self._channel = channel
        self._stream = stream
        self._records = Records(nonce)
        self._deadline = deadline

    async def ask(self, *words: object) -> list[Record]:
        """Carry out a command and return its records. Raises a SourceError, and TimeoutError when time is up."""
        self._channel.write(" ".join(map(str, words)).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> list[Record]:
        """The records up to the next end."""
        records: list[Record] = []
        async with asyncio.timeout_at(self._deadline):
            while data := await self._stream.read():
                for record in self._records.feed(data):
                    if record.kind == "E":
                        return records
                    records.append(record)
        words = sanitise.word(self._stream.stderr.decode(errors="replace").strip())[:300]
        if words:
            raise SourceError(f"the search on the host failed: {words}", where=self.host)
        raise Unreachable(str(self._stream.error or "the connection was lost"), where=self.host)


async def search(pool: HostPool, patterns: Sequence[str], request: SearchRequest) -> AsyncGenerator[Finding, None]:
    """What the files that the patterns name hold on a host; see `providers.base.Search.search`."""
    read = text if request.plain else parsed
    tree, exact = read(request.expression, ignore_case=request.ignore_case)
    spelled = [for_grep(tree), for_rg(tree)]
    if max(map(len, spelled)) > LONGEST:
        spelled, exact = ["", ""], False
    async with opened(pool, [*spelled, *patterns], request.seconds) as far:
        left = Left(request.max_lines, request.max_bytes)
        try:
            files = listing(far, await far.answer())
        except TimeoutError as error:
            raise Unreachable(f"no list of its files in {request.seconds:g} s", where=pool.name) from error
        if not files:
            raise SourceError(f"no file matches {', '.join(patterns)}", where=pool.name, next_step="mend `logs`")
        if not spelled[0] and not exact:
            yield Remark("", "no host's grep knows this expression: all lines are brought here and looked at")
        wanted = chosen(files, request.since)
        for number, file in enumerate(wanted):
            searching = FileSearch(far.ask, file, request, left, exact=exact, places=far.exact)
            try:
                await searching.run()
            except TimeoutError:
                for finding in searching.findings(f"not searched to its end: {request.seconds:g} s were up"):
                    yield finding
                for late in wanted[number + 1 :]:
                    yield Counted(late.path, total=late.size, cut=f"not searched: {request.seconds:g} s were up")
                return
            for finding in searching.findings():
                yield finding


def listing(far: Far, records: Sequence[Record]) -> list[Listed]:
    """The files that `search.sh` tells of before anything is asked."""
    files = []
    for record in records:
        if record.kind == "F":
            files.append(listed(record.words, record.payload))
        elif record.kind == "L":
            far.exact = record.words[1] == "1"
    return files


@asynccontextmanager
async def opened(pool: HostPool, arguments: Sequence[str], seconds: float) -> AsyncGenerator[Far, None]:
    """The search running on the host; it ends there when this is left."""
    async with pool.channel() as connection:
        from calmtui.providers.ssh.session import WINDOW, Stream  # imports asyncssh, which is there by now

        nonce, deadline = secrets.token_hex(16), asyncio.get_running_loop().time() + seconds
        command = ["/bin/sh", "-c", _script(), "search", nonce, str(int(seconds) + _GRACE), *arguments]
        stream = Stream()
        channel, _ = await connection.create_session(
            lambda: stream, f"exec {join(command)}", encoding=None, request_pty=False, window=WINDOW
        )
        try:
            yield Far(pool.name, channel, stream, nonce, deadline)
        finally:
            channel.abort()
