"""The logs of many nodes searched at once: at the source where it can, else read from it and searched here.

What comes is an iterator of findings; closing it ends every search, at the far side too. It goes on beside logs that
are followed: it has channels of its own. `results` puts the findings together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

import re2

from calmtui import sanitise
from calmtui.errors import CalmError, SourceError, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.logs.search_here import search_here
from calmtui.logs.times import Clock
from calmtui.providers.base import Finding, Logs, ReadTime, Search, SearchRequest

log = logging.getLogger(__name__)

PARALLEL = 64
"""Nodes searched at once unless told otherwise; the others wait their turn."""
AHEAD = 64
"""Findings that wait to be taken, after which the searches wait."""
_BARS = 72
"""At the most, when the time that is searched is known."""
WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Round lengths of time in seconds, for bars of histograms."""
_STAMP = 1024
"""Bytes of a line in which its time is looked for."""


@dataclass(frozen=True)
class Ended:
    """The search of a node has come to its end."""

    error: str = ""
    """Why it failed, for the operator; safe for a terminal."""


class Expression:
    """What to look for, in RE2's syntax; `plain`: a text as it is. Raises UsageError for what RE2 cannot compile."""

    def __init__(self, typed: str, *, plain: bool = False, ignore_case: bool = False) -> None:
        self.typed = typed
        self.plain = plain
        self.ignore_case = ignore_case
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not ignore_case
        try:
            self._compiled = re2.compile(re2.escape(typed) if plain else typed, options)
        except re2.error as error:
            reason = error.args[0]
            raise UsageError(
                f"not a regular expression: {reason.decode() if isinstance(reason, bytes) else reason}",
                where=typed,
                next_step="RE2 syntax, without look-around and back-references; --fixed takes it as it is",
            ) from error

    def matches(self, line: bytes) -> bool:
        """Whether a line holds it."""
        return self._compiled.search(line) is not None

    def places(self, text: str) -> list[tuple[int, int]]:
        """Begin and end of each place where a text holds it; empty matches left out."""
        return [found.span() for found in self._compiled.finditer(text) if found.end() > found.start()]


def clock() -> ReadTime:
    """What reads the times of one stream's lines."""
    own = Clock()

    def read(line: bytes) -> int | None:
        stamp = own.read(line[:_STAMP].decode(errors="replace"))
        return None if stamp is None else stamp[0]

    return read


def bar_seconds(since: float | None, until: float) -> int:
    """How many seconds a bar of the histogram of that time stands for: some sixty bars, each of a round length."""
    if since is None:
        return 60
    return next((width for width in WIDTHS if (until - since) / width <= _BARS), WIDTHS[-1])


async def search(
    live: LiveEstate, nodes: Iterable[Node], wanted: SearchRequest, *, parallel: int = PARALLEL
) -> AsyncGenerator[tuple[Node, Finding | Ended], None]:
    """What the nodes' logs hold, as it is found; the last of each node is an Ended. One that fails harms no other."""
    findings: asyncio.Queue[tuple[Node, Finding | Ended]] = asyncio.Queue(AHEAD)
    places = asyncio.Semaphore(parallel)

    async def one(node: Node) -> None:
        async with places:
            try:
                async with aclosing(_findings(live, node, wanted)) as found:
                    async for finding in found:
                        await findings.put((node, finding))
            except CalmError as error:
                ended = Ended(sanitise.word(str(error)))
            except Exception as error:  # a fault of ours must not end the other searches
                log.exception("search of %s", node.id)
                ended = Ended(f"internal error: {type(error).__name__}; calmtui's log file has the details")
            else:
                ended = Ended()
            await findings.put((node, ended))

    tasks = [asyncio.create_task(one(node), name=f"search {node.id}") for node in nodes]
    try:
        left = len(tasks)
        while left:
            found = await findings.get()
            left -= isinstance(found[1], Ended)
            yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _findings(live: LiveEstate, node: Node, wanted: SearchRequest) -> AsyncGenerator[Finding, None]:
    if (far := live.able(node, Search)) is not None:
        return far.search(node, wanted)
    if (source := live.able(node, Logs)) is not None:
        return search_here(source, node, wanted)
    raise SourceError("it offers no logs", where=node.name)
