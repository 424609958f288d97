"""Files and folders to and from many nodes: whole or not at all, with their modes, checked by SHA-256.

They go through the same channel as a command, so that hosts, containers and pods need a shell and `tar` (for
folders, and to get anything), and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from calmtui.actions.commands import EXEC_PARALLEL, refusal, runs_at
from calmtui.actions.deed import Deed
from calmtui.actions.execute import Do, Execution, unopened
from calmtui.actions.limits import Limits
from calmtui.actions.outcome import Status, names
from calmtui.actions.said import lines
from calmtui.errors import CalmError, SourceError, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.governance.record import Event
from calmtui.providers.base import Command, Danger, Ended, Exec, Output

_KEPT = 64 * 1024
"""Bytes of standard error that are kept."""

Moved = Callable[[NodeId, int], None]
"""Told how many more bytes have gone to or come from a node."""


@dataclass(frozen=True)
class Packed:
    """What is to be put, ready to be sent."""

    data: Path
    kind: str
    """`file`, or `tar` for a folder."""
    name: str
    mode: str
    """Octal."""
    size: int
    sha256: str


def pack(source: Path, folder: Path) -> Packed:
    """Make a file or folder ready; a folder is packed into a file in `folder`. Blocks. Raises UsageError."""
    if not source.exists():
        raise UsageError(f"there is no {source}", next_step="name a file or folder on this machine")
    name = source.resolve().name
    data, kind = source, "file"
    if source.is_dir():
        data, kind = folder / "packed.tar", "tar"
        with tarfile.open(data, "w") as archive:
            archive.add(source.resolve(), name)
    with data.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Packed(data, kind, name, f"{stat.S_IMODE(source.stat().st_mode):o}", data.stat().st_size, sha256)


def put_deed(nodes: Sequence[Node], packed: Packed, target: str) -> Deed:
    """To put it there, as the gate judges it."""
    return _deed("copy", nodes, f"put {packed.name} (sha256 {packed.sha256}) at {target}")


def get_deed(nodes: Sequence[Node], path: str) -> Deed:
    """To get it, as the gate judges it."""
    return _deed("fetch", nodes, f"get {path}")


def put(
    live: LiveEstate, nodes: Sequence[Node], packed: Packed, target: str, *, moved: Moved, parallel: int = EXEC_PARALLEL
) -> Execution:
    """The execution that puts it in the place `target` on every node; the gate has yet to let it through."""

    async def do(node: Node) -> tuple[Status, str]:
        await send(live, node, packed, target, lambda count: moved(node.id, count))
        return Status.OK, f"{packed.size:,} bytes, sha256 {packed.sha256[:12]}"

    return _execution(live, f"put {packed.name}", nodes, do, parallel)


async def send(
    live: LiveEstate, node: Node, packed: Packed, target: str, sent: Callable[[int], None] | None = None
) -> None:
    """Put it in its place on one node, whole or not at all. `sent`: told how many more bytes. Raises a SourceError."""
    words = (packed.kind, target, str(packed.size), packed.sha256, packed.mode, packed.name)
    command = Command(_script("put.sh", *words), packed.data, reads_all=True, sent=sent)
    await _run(live, node, command, lambda data: None)


def get(
    live: LiveEstate, nodes: Sequence[Node], path: str, folder: Path, *, moved: Moved, parallel: int = EXEC_PARALLEL
) -> Execution:
    """The execution that gets `path` of every node into a folder of the node's name within `folder`; as `put`."""
    called = {node_id: name.replace("/", "_") for node_id, name in names(nodes).items()}

    async def do(node: Node) -> tuple[Status, str]:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".calmtui-") as work:
            archive = Path(work) / "archive"
            digest = hashlib.sha256()
            with archive.open("wb") as file:

                def take(data: bytes) -> None:
                    file.write(data)
                    digest.update(data)
                    moved(node.id, len(data))

                said = await _run(live, node, Command(_script("get.sh", path)), take)
            told = said[-1].partition(" ")[0] if said else ""
            if told != digest.hexdigest() or "tar failed" in said:
                raise SourceError("what arrived is not what was sent: nothing was kept", where=node.name)
            size = archive.stat().st_size
            await asyncio.to_thread(_unpack, archive, Path(work) / "new", folder / called[node.id])
        return Status.OK, f"{size:,} bytes in {folder / called[node.id]}"

    return _execution(live, f"get {path}", nodes, do, parallel)


def _deed(action: str, nodes: Sequence[Node], sentence: str) -> Deed:
    changes = action != "fetch"
    danger = Danger.CONFIRM if changes else Danger.NONE
    return Deed(action, nodes, [sentence] * len(nodes), danger, event=Event.COPY, exclusive=changes, changes=changes)


def _execution(live: LiveEstate, title: str, nodes: Sequence[Node], do: Do, parallel: int) -> Execution:
    return Execution(
        live,
        title,
        nodes,
        do,
        refuses=lambda node: refusal(live, node),
        limits=Limits(parallel),
        interrupted="cancelled: what was there stays, unless it was just being replaced",
    )


async def _run(live: LiveEstate, node: Node, command: Command, take: Callable[[bytes], None]) -> list[str]:
    """Run one of the scripts for a node; the lines of its standard error. Raises a SourceError when it fails."""
    place = runs_at(live, node) or node
    source = live.able(place, Exec)
    if source is None:
        raise unopened(live, place)
    said = b""
    async with aclosing(source.start(place, command)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Output) and piece.is_error:
                said = (said + piece.data)[-_KEPT:]
            elif isinstance(piece, Output):
                take(piece.data)
            elif isinstance(piece, Ended) and piece.exit_status:
                words = lines(said)
                raise SourceError(words[0] if words else f"exit {piece.exit_status}", where=place.name)
    return lines(said)


def _unpack(archive: Path, new: Path, target: Path) -> None:
    """Unpack what a node sent, which must stay within its folder, and put each part in its place at once."""
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(new, filter="data")
        target.mkdir(parents=True, exist_ok=True)
        for part in new.iterdir():
            there = target / part.name
            if there.is_dir() and not there.is_symlink():
                there.rename(new.parent / "old")
            part.rename(there)
            shutil.rmtree(new.parent / "old", ignore_errors=True)
    except (tarfile.TarError, OSError) as error:
        raise CalmError(f"cannot be unpacked: {error}", where=str(target)) from error


@cache
def _text(name: str) -> str:
    text = resources.files(__package__).joinpath(name).read_text()
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", _text(name), "calmtui", *arguments)
