"""The estate, opened for one command: every source has answered or failed before anything is selected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from calmtui.cli.diagnostics import say
from calmtui.cli.recorded import remember
from calmtui.cli.settings import Settings
from calmtui.cli.terminal import Secrets
from calmtui.errors import CalmError, UsageError
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.fleet.node import Node
from calmtui.fleet.query import compile_query
from calmtui.fleet.source import Health
from calmtui.providers.base import Ask, ask_nobody

WAIT = 30.0
"""Seconds to wait for the sources unless told otherwise."""


@dataclass(frozen=True)
class Opened:
    """A live estate whose sources have answered or failed."""

    live: LiveEstate
    failed: bool
    """A whole source did not answer: what is found is not all there is."""
    partial: bool
    """A part of a source did not answer."""
    ask: Ask = ask_nobody
    """Asks the operator for a secret."""

    def select(self, query: str) -> list[Node]:
        """The nodes that a query selects, in the order of their ids. Raises QueryError."""
        matches = compile_query(query, around(self.live))
        return sorted(matches.among(self.live.fleet), key=lambda node: node.id)

    def one_or_more(self, query: str) -> list[Node]:
        """Like `select`. Raises CalmError when nothing is selected: to do nothing is no success."""
        nodes = self.select(query)
        if not nodes:
            raise CalmError(
                f"no node matches {query!r}", where=self.live.estate.name, next_step="`calmtui ls` shows what there is"
            )
        return nodes

    def exactly_one(self, wanted: str) -> Node:
        """The node of that id, or the only one that the query selects. Raises CalmError when it is not one."""
        node = self.live.fleet.get(wanted)
        if node is not None:
            return node
        nodes = self.one_or_more(wanted)
        named = [node for node in nodes if node.name == wanted]
        if len(nodes) > 1 and len(named) != 1:
            some = ", ".join(node.id for node in nodes[:3])
            raise UsageError(
                f"{len(nodes)} nodes match {wanted!r}: {some}{'…' if len(nodes) > 3 else ''}",
                next_step="give the id of one",
            )
        return named[0] if named else nodes[0]


@asynccontextmanager
async def opened(settings: Settings, wait: float = WAIT, query: str = "") -> AsyncIterator[Opened]:
    """Open the estate, wait `wait` seconds at the most, and say on stderr what did not answer.

    A `query` that cannot be read raises QueryError before anything is connected to.
    """
    secrets = Secrets()
    live = LiveEstate(load_estate(settings.inventory), ask=secrets.ask)
    remember(live)
    compile_query(query, around(live))
    async with live:
        await _settled(live, secrets, wait)
        failed = partial = False
        for status in live.fleet.sources.values():
            if status.health is Health.CONNECTING:
                say(f"calmtui: source {status.name}: no answer in {wait:g} s; --wait gives it longer")
            elif status.health in (Health.STALE, Health.PARTIAL):
                say(f"calmtui: source {status.name}: {status.error}")
            failed = failed or status.health in (Health.CONNECTING, Health.STALE)
            partial = partial or status.health is Health.PARTIAL
        yield Opened(live, failed, partial, secrets.ask)


async def _settled(live: LiveEstate, secrets: Secrets, wait: float) -> None:
    """Wait for the sources; the time in which somebody was asked for a password does not count."""
    left = wait
    while True:
        asked = secrets.seconds
        if await live.gatherer.settled(left) or (left := secrets.seconds - asked) <= 0:
            return
