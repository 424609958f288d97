"""The output of a command as a log: `dmesg -w` on many nodes, read, merged and filtered as files are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace

import msgspec

from calmtui.actions.commands import command_deed, places, runs_at
from calmtui.actions.execute import unopened
from calmtui.errors import OutcomeUnknown, SourceError, Unreachable
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.update import Update
from calmtui.providers.base import Command, Ended, Exec, LogChunk, LogRequest, Output, Untimed

LONGEST_LINE = 1024 * 1024
"""Bytes after which a line is given out although its end has not come."""


class CommandLogs:
    """A source whose nodes are those of an estate, and their logs what a command prints there."""

    name = "command"
    kind = "command"

    def __init__(self, live: LiveEstate, nodes: Iterable[Node], line: str) -> None:
        self._live = live
        self._command = Command((line,))
        chosen, self.notes = places(live, nodes)
        every = {node.id: node for node in [*chosen, *(runs_at(live, node) or node for node in chosen)]}
        self.deed = replace(command_deed(list(every.values()), (line,)), whole=True)
        """What the gate must have let through before it is read."""
        self._nodes = {f"command:{node.id}": node for node in chosen}
        self.nodes = [
            msgspec.structs.replace(node, id=node_id, source=self.name, parent=None, offers=("logs",))
            for node_id, node in self._nodes.items()
        ]

    def live(self) -> LiveEstate:
        """An estate of this source alone, for `Follower`."""
        live = LiveEstate(Estate(self._live.estate.name))
        live.gatherer.sources[self.name] = self
        return live

    async def watch(self) -> AsyncGenerator[Update, None]:
        """The nodes are given: nothing changes."""
        await asyncio.Event().wait()
        yield  # type: ignore[misc]  # it has nothing to report, and must be a generator all the same

    async def close(self) -> None:
        """Nothing is held."""

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """What the command prints from now on; see `providers.base.Logs`. Raises a SourceError when it fails.

        A connection that is lost ended the command: whoever follows runs it again.
        """
        real = self._nodes[node.id]
        place = runs_at(self._live, real) or real
        source = self._live.able(place, Exec)
        if source is None:
            raise unopened(self._live, place)
        split = _Lines()
        try:
            async with aclosing(source.start(place, self._command)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Output):
                        if lines := split.feed(piece):
                            yield LogChunk("stderr" if piece.is_error else "", Untimed(lines))
                    elif isinstance(piece, Ended):
                        for chunk in split.rest():
                            yield chunk
                        if piece.exit_status:
                            raise SourceError(f"the command ended with exit {piece.exit_status}", where=real.name)
        except OutcomeUnknown as error:
            raise Unreachable(error.what, where=real.name) from error


class _Lines:
    """Pieces of two outputs put together to lines."""

    def __init__(self) -> None:
        self._open = {False: b"", True: b""}

    def feed(self, piece: Output) -> list[bytes]:
        """The lines that this piece completes."""
        *whole, rest = (self._open[piece.is_error] + piece.data).split(b"\n")
        if len(rest) >= LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        self._open[piece.is_error] = rest
        return whole

    def rest(self) -> list[LogChunk]:
        """What has no line end."""
        return [
            LogChunk("stderr" if is_error else "", Untimed([rest])) for is_error, rest in self._open.items() if rest
        ]
