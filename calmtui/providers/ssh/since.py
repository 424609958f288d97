"""Where in a host's files the lines from a moment on begin: found by looking at few pieces of each, on the host."""

from __future__ import annotations

from collections.abc import Sequence

from calmtui.errors import SourceError
from calmtui.providers.base import ReadTime
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.rotation import Listed, chosen
from calmtui.providers.ssh.search import Far, listing, opened
from calmtui.providers.ssh.slices import BLOCK, sliced, whole_lines

SECOND = 1_000_000_000
WORTH = 256 * 1024
"""Bytes of a file that is not simply read whole."""
ASTRAY = 60
"""Seconds by which a file's last time may differ from when it was written to: more is a zone that we do not know, and
looking by such times would leave lines out."""
_LOOKING = 20.0
"""Seconds that a host has for all its files."""


async def begins(pool: HostPool, patterns: Sequence[str], since: float, clock: ReadTime) -> dict[str, int]:
    """By device and inode, at which byte to begin; files that are not in it are to be read whole.

    Raises a SourceError.
    """
    found = {}
    try:
        async with opened(pool, ["", "", *patterns], _LOOKING) as far:
            for file in chosen(listing(far, await far.answer()), since):
                if file.readable and not file.packed and file.size > WORTH:
                    found[file.id] = await _begin(far, file, since, clock)
    except TimeoutError as error:
        raise SourceError(f"no answer in {_LOOKING:g} s", where=pool.name) from error
    return {file: at for file, at in found.items() if at}


async def _begin(far: Far, file: Listed, since: float, clock: ReadTime) -> int:
    async def probe(blocks: Sequence[int]) -> dict[int, bytes]:
        records = await far.ask("probe", file.index, *blocks)
        return {int(record.words[1]): record.payload for record in records if record.kind == "P"}

    end = (file.size - 1) // BLOCK
    pieces = await probe([end - 1, end])
    times = [clock(line) for _, line in whole_lines(pieces[end - 1] + pieces[end], (end - 1) * BLOCK)]
    last = next((at for at in reversed(times) if at is not None), None)
    if last is None or abs(last // SECOND - file.modified) > ASTRAY:
        return 0
    part = await sliced(probe, file.size, clock, int(since * SECOND), None, 0)
    return 0 if part is None else part.start
