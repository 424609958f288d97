"""Logs of this machine: files, with their rotated and compressed siblings, and what is piped in."""

from __future__ import annotations

import asyncio
import glob
import os
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from calmtui.errors import SourceError, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.update import Update
from calmtui.logs.tail import (
    PACKED,
    PIECE,
    Growing,
    Splitter,
    begin_of_tail,
    begin_of_time,
    last_lines,
    lines_of,
    unpacked,
)  # fmt: skip
from calmtui.providers.base import LogChunk, LogRequest, Untimed

STDIN = "-"
TICK = 0.25
"""Seconds between two looks at a file that is followed."""
_NAMED_LIKE_A_FILE = re.compile(rf"(\.{{0,2}}|~\w*)/.*|.*\.(log|{'|'.join(end[1:] for end in PACKED)})")


def is_file(word: str) -> bool:
    """Whether a word means a file on this machine rather than a query.

    It does when it is `-`, when there is such a file, when it begins like a path (`/`, `./`, `../`, `~/`) or ends like
    a log or a compressed file. `label.app=api` or `prod/web` do not, unless there is such a file.
    """
    return word == STDIN or bool(_NAMED_LIKE_A_FILE.fullmatch(word)) or Path(word).is_file()


def are_files(words: Sequence[str]) -> bool:
    """Whether words mean files rather than one query. Raises UsageError when they are neither."""
    queries = [word for word in words if not is_file(word)]
    if queries and len(words) > 1:
        raise UsageError("neither a file nor the only word", where=queries[0], next_step="put a query in quotes")
    return not queries


class LocalLogs:
    """A source whose nodes are files on this machine and standard input."""

    name = "local"
    kind = "local"

    def __init__(self, words: Sequence[str], *, rotated: bool = False, piped: int = 0) -> None:
        """`words` are paths, patterns of paths and `-`, read from descriptor `piped`. Raises UsageError for no file."""
        self._piped = piped
        self._paths = {_node_id(path): path for path in chain.from_iterable(map(_expanded, words))}
        self._rotated = rotated
        names = _short(list(self._paths.values()))
        self.nodes = [
            Node(id=node_id, kind="file", name=name, source=self.name, parent=None, offers=("logs",))
            for node_id, name in zip(self._paths, names, strict=True)
        ]

    def live(self) -> LiveEstate:
        """An estate of this source alone, for `Follower`."""
        live = LiveEstate(Estate("files"))
        live.gatherer.sources[self.name] = self
        return live

    async def watch(self) -> AsyncGenerator[Update, None]:
        """Files are named, not found: nothing changes."""
        await asyncio.Event().wait()
        yield  # type: ignore[misc]  # it has nothing to report, and must be a generator all the same

    async def close(self) -> None:
        """Nothing is held."""

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """The lines of a file; see `providers.base.Logs`."""
        path = self._paths[node.id]
        try:
            if path == Path(STDIN):
                async for chunk in _piped(self._piped):
                    yield chunk
            elif request.follow and path.suffix not in PACKED:
                async for chunk in _followed(path, request, self._older(path)):
                    yield chunk
            else:
                async for chunk in _whole(path, request, self._older(path)):
                    yield chunk
        except (OSError, EOFError) as error:
            raise SourceError(_reason(error), where=str(path)) from error

    def _older(self, path: Path) -> list[Path]:
        """The rotated siblings of a file, the oldest first."""
        if not self._rotated:
            return []
        found = chain.from_iterable(path.parent.glob(f"{glob.escape(path.name)}{end}") for end in (".*", "-*"))
        return sorted(found, key=lambda sibling: sibling.stat().st_mtime)


def _expanded(word: str) -> list[Path]:
    """The files that a word names."""
    if word == STDIN:
        return [Path(STDIN)]
    path = Path(word).expanduser()
    if path.is_file() or not glob.has_magic(word):
        if path.is_dir():
            raise UsageError("it is a folder", where=word, next_step=f"name its files: {path / '*.log'}")
        return [path]
    named = glob.glob(str(path), recursive=True)  # noqa: PTH207 -- Path.glob takes no absolute pattern
    found = [Path(name) for name in sorted(named) if Path(name).is_file()]
    if not found:
        raise UsageError("no file matches", where=word)
    return found


def _node_id(path: Path) -> str:
    return "local:-" if path == Path(STDIN) else f"local:{path.absolute()}"


def _short(paths: list[Path]) -> list[str]:
    """A name for each: as many of the last parts of its path as tell all apart."""
    for count in range(1, max((len(path.parts) for path in paths), default=0) + 1):
        names = [str(Path(*path.parts[-count:])) for path in paths]
        if len(set(names)) == len(names):
            return ["stdin" if name == STDIN else name for name in names]
    return [str(path) for path in paths]


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _chunk(lines: list[bytes]) -> LogChunk:
    return LogChunk("", Untimed(lines))


async def _piped(descriptor: int) -> AsyncGenerator[LogChunk, None]:
    """What is piped in as it comes, to its end."""
    splitter = Splitter()
    while True:
        await _readable(descriptor)
        piece = await asyncio.to_thread(os.read, descriptor, PIECE)
        if not piece:
            break
        yield _chunk(splitter.feed(piece))
    yield _chunk(splitter.end())


async def _readable(descriptor: int) -> None:
    """Wait for something to read: a thread that waits for a pipe could not be ended. A file always has something."""
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # what epoll says of files
        return
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


async def _whole(path: Path, request: LogRequest, older: Iterable[Path]) -> AsyncGenerator[LogChunk, None]:
    """What is asked for of a file as it is now, and of older ones."""
    batches = await asyncio.to_thread(_batches, path, request, list(older))
    while (lines := await asyncio.to_thread(next, batches, None)) is not None:
        yield _chunk(lines)


def _batches(path: Path, request: LogRequest, older: list[Path]) -> Iterator[list[bytes]]:
    if older or path.suffix in PACKED:
        everything = chain.from_iterable(lines_of(unpacked(one)) for one in [*older, path])
        return last_lines(everything, request.tail)
    file = path.open("rb")
    file.seek(_begin(file, request))
    return lines_of(file)


def _begin(file: BinaryIO, request: LogRequest) -> int:
    """Where what is asked for begins."""
    begin = 0 if request.since is None else begin_of_time(file, request.since)
    return begin if request.tail is None else max(begin, begin_of_tail(file, request.tail))


async def _followed(path: Path, request: LogRequest, older: Iterable[Path]) -> AsyncGenerator[LogChunk, None]:
    """The same, then what is added, for ever."""
    if request.tail is None:
        for lines in chain.from_iterable(lines_of(unpacked(one)) for one in older):
            yield _chunk(lines)
    file = Growing(path)
    try:
        file.file.seek(await asyncio.to_thread(_begin, file.file, request))
        while True:
            lines, note, gap = await asyncio.to_thread(file.added)
            if lines or note:
                yield LogChunk("", Untimed(lines), note, gap=gap, position=file.position, behind=file.behind)
            else:
                await asyncio.sleep(TICK)
    finally:
        file.file.close()
