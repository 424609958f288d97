"""A command of a step on one node: run within its time, its output kept as far as people look at it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from calmtui.actions.commands import refusal, runs_at
from calmtui.actions.execute import unopened
from calmtui.actions.said import Said
from calmtui.errors import CalmError
from calmtui.estate import folders
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.providers.base import Command, Ended, Exec, Output

KEPT = 16 * 1024
"""Bytes of each output that are kept in memory; all of it is in files when it is more."""
SHOWN = 40
"""Lines of the end of the output that the journal keeps."""
SOON = 1.0
"""Seconds between two times that the output of a command under way is told, if there is any more."""

Tell = Callable[[str], Awaitable[None]]
"""Told the end of the output so far while a command is under way."""


@dataclass(frozen=True)
class Answer:
    """What came of a command on a node."""

    status: int | None
    """The exit status; None: it took too long, and was ended."""
    last: str
    """The last line that says something."""
    output: str
    """The end of what it printed, safe for a terminal."""


async def run(
    live: LiveEstate,
    node: Node,
    line: str,
    environment: Mapping[str, str],
    seconds: float | None,
    folder: Path,
    tell: Tell | None = None,
    stdin: bytes | Path = b"",
) -> Answer:
    """Run a line for the node's shell. `folder` takes the files of what prints much. Raises a SourceError."""
    place = runs_at(live, node)
    if place is None:
        raise CalmError(refusal(live, node), where=node.name)
    source = live.able(place, Exec)
    if source is None:
        raise unopened(live, place)
    said, ended = Said(KEPT, lambda: new_folder(folder)), Ended(0)
    try:
        async with (
            asyncio.timeout(seconds),
            _telling(said, tell),
            aclosing(source.start(place, Command((line,), stdin, environment=dict(environment)))) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, Output):
                    said.add(piece)
                elif isinstance(piece, Ended):
                    ended = piece
    except TimeoutError:
        return Answer(None, f"ended after {seconds:g} s", _end(said))
    finally:
        said.close()
    return Answer(ended.exit_status, said.last_line(failed=ended.exit_status != 0), _end(said))


@contextlib.asynccontextmanager
async def _telling(said: Said, tell: Tell | None) -> AsyncIterator[None]:
    """While this is entered, the end of what was said is told now and then."""
    if tell is None:
        yield
        return

    async def telling() -> None:
        told = 0
        while True:
            await asyncio.sleep(SOON)
            if said.size != told:
                told = said.size
                await tell(_end(said))

    task = asyncio.create_task(telling(), name="output so far")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _end(said: Said) -> str:
    return "\n".join(said.tail()[-SHOWN:])


def new_folder(folder: Path) -> Path:
    """A folder within it that nothing else writes to."""
    folders.made(folder)
    for number in itertools.count(1):
        try:
            (folder / str(number)).mkdir(mode=folders.PRIVATE)
        except FileExistsError:
            continue
        return folder / str(number)
    raise AssertionError("it counts without end")
