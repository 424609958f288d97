"""What a provider can offer, each ability a small Protocol, and the errors that cross its border.

A provider is one folder and one entry point (group `calmtui.providers`) that names a `Provider`.
Its `open` gives a `Source`; what else can be asked of the source's nodes follows from the further
protocols that it implements, and of one node from the node's `offers` and `actions`.

Heavy SDKs are imported inside the methods that first need them, in a thread where they take long.
Everything here is called on the event loop and must not block it. Secrets come from `Opening.ask`
only, are never stored and never stand in an error, a node or a description.

It is one file, however long: whoever writes a provider finds all that one can offer by reading it once.

Foreign exceptions stop at the border: a provider raises only `SourceError` and its kinds, which
`calmtui.errors` defines (transports raise them too) and this module names.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload, runtime_checkable

import msgspec

from calmtui.errors import AuthFailed as AuthFailed
from calmtui.errors import Forbidden as Forbidden
from calmtui.errors import HostKeyChanged as HostKeyChanged
from calmtui.errors import HostKeyRejected as HostKeyRejected
from calmtui.errors import Misconfigured as Misconfigured
from calmtui.errors import NodeGone as NodeGone
from calmtui.errors import OutcomeUnknown as OutcomeUnknown
from calmtui.errors import SourceError as SourceError
from calmtui.errors import Throttled as Throttled
from calmtui.errors import Unreachable as Unreachable
from calmtui.fleet.node import Node, State
from calmtui.fleet.update import Update
from calmtui.masks import MASK as MASK
from calmtui.transport.exec import Command as Command
from calmtui.transport.exec import Ended as Ended
from calmtui.transport.exec import Output as Output
from calmtui.transport.exec import Piece as Piece

if TYPE_CHECKING:
    from pydantic import BaseModel


# -- actions ------------------------------------------------------------------


class Danger(IntEnum):
    """How strongly to ask before an action."""

    NONE = 0
    """Harms nothing: carried out when asked."""
    CONFIRM = 1
    """Interrupts something that comes back: the plan is shown and confirmed."""
    TYPE_NAME = 2
    """Destroys something, or takes down a host: a name is typed."""


@dataclass(frozen=True)
class Parameter:
    """A value that an action needs, such as the replicas of a scale."""

    name: str
    prompt: str
    kind: Literal["int", "str", "bool"] = "str"
    default: str | None = None
    """As it would be typed; None: it must be given."""


@dataclass(frozen=True)
class Action:
    """Something that can be done to a node. Every action changes something."""

    name: str
    """Stable, in the field's words: `restart`, `rollout-restart`, `cordon`. Nodes list it in `actions`."""
    summary: str
    """What will happen, for the plan: `delete the pod; its controller makes a new one`."""
    danger: Danger
    undo: str | None = None
    """The action that takes it back, if one does."""
    parameters: tuple[Parameter, ...] = ()
    reaches: State | None = None
    """The state that a node is in once it is done. Who is in it already is left as it is; where the answer was
    lost, it tells whether it happened. None: the state does not tell."""


@runtime_checkable
class Lifecycle(Protocol):
    """Acts on nodes."""

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        """Carry out one of the node's `actions`; returns what came of it in a few words.

        Returns once the other side has accepted and, where it says so soon, done it. Raises a
        SourceError; `OutcomeUnknown` when it may have happened all the same.
        """
        ...


# -- logs -------------------------------------------------------------------


class LogRequest(msgspec.Struct, frozen=True):
    """Which lines to begin with, and whether to stay."""

    tail: int | None = 100
    """At the most so many of the newest lines of each stream to begin with; None: no limit."""
    since: float | None = None
    """Only lines not older than this, seconds since the epoch."""
    follow: bool = True
    clock: Callable[[], ReadTime] | None = None
    """Makes what reads the times of one stream's lines, where the source does not know them; None: `since` may go by
    when a file was written to."""
    positions: Mapping[str, str] = {}
    """For a node that is read again: the last `LogChunk.position` of each of its streams. A stream named here goes on
    right after it, whatever `tail` and `since` say; what can no longer be found is a gap."""


class Untimed(Sequence[tuple[int | None, bytes]]):
    """Lines whose source gives no times: as many as dozens of hosts send are not made a tuple each."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, number: int) -> tuple[int | None, bytes]: ...

    @overload
    def __getitem__(self, number: slice) -> Untimed: ...

    def __getitem__(self, number: int | slice) -> tuple[int | None, bytes] | Untimed:
        return Untimed(self.lines[number]) if isinstance(number, slice) else (None, self.lines[number])


class LogChunk(msgspec.Struct, frozen=True, gc=False):
    """Lines of one stream, in its order, as raw bytes without their line ends.

    A chunk holds whatever came in one piece: many lines, rather than one chunk a line.
    """

    stream: str
    """What the lines come from, within the node: a path, a container's name; empty when there is one only."""
    lines: Sequence[tuple[int | None, bytes]] = ()
    """Time in nanoseconds since the epoch as the source gives it (None: the text may hold one), and text."""
    note: str = ""
    """Something the reader must know: a gap, a rotation, a reconnect, an end. Shown as a row of its own."""
    lost: int = 0
    """Lines known to be lost at this place."""
    gap: bool = False
    """Lines may be missing at this place, and nobody knows how many."""
    away: bool = False
    """The connection is lost and is being made again; until the next chunk nothing can come."""
    position: str = ""
    """Where the stream stands after these lines, in the source's own words: a file and an offset, a cursor. Empty when
    the source can go on only by time."""
    behind: int | None = None
    """Bytes that the source has beyond these lines and has not sent yet; None when it does not say."""


@runtime_checkable
class Logs(Protocol):
    """Reads the logs of nodes that offer `logs`; a group's (a deployment's, a project's) are its members'."""

    def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """Yield chunks until the request is met or, following, until closed. Raises a SourceError.

        A following stream reconnects by itself and says so in a `note`. It does not read ahead
        without bound: when the consumer is slow, the other side waits.
        """
        ...


# -- clocks ---------------------------------------------------------------------


class Skew(msgspec.Struct, frozen=True):
    """How far the clock of a node is from ours, from the middle of a round trip."""

    offset: int
    """Nanoseconds by which it is ahead; negative: behind. Taken from its times, they become ours."""
    uncertainty: int
    """Nanoseconds by which `offset` may be wrong, either way: half the round trip, and how finely the clock is read."""
    measured_at: float
    """Seconds since the epoch, by our clock."""

    @property
    def real(self) -> bool:
        """Whether it is more than the measuring can explain."""
        return abs(self.offset) > self.uncertainty


@runtime_checkable
class Clocks(Protocol):
    """Knows the clocks of its nodes."""

    def skew(self, node: Node) -> Skew | None:
        """What was measured last; None: nothing yet. Measured when connecting, and now and then after."""
        ...


# -- searching logs ------------------------------------------------------------

ReadTime = Callable[[bytes], int | None]
"""Reads the time of a line, nanoseconds since the epoch. It learns the format from the lines of one stream."""


@dataclass(frozen=True)
class SearchRequest:
    """Which lines to find in logs, and how much of them to bring here."""

    expression: str
    """In RE2's syntax; with `plain`, the text itself."""
    matches: Callable[[bytes], bool]
    """Whether a line, without its line end, holds it. This has the last word on whatever a source's own tools find."""
    clock: Callable[[], ReadTime]
    """Makes what reads the times of one stream's lines."""
    plain: bool = False
    ignore_case: bool = False
    since: float | None = None
    """Only lines from then on, seconds since the epoch."""
    until: float | None = None
    """Only lines from before then."""
    context: int = 0
    """So many lines before and after each match, whatever they hold."""
    max_lines: int = 1000
    """So many matches of each node are brought here, the oldest; 0: they are only counted."""
    max_bytes: int = 8 << 20
    """Bytes of lines of each node that are brought here at the most."""
    seconds: float = 60.0
    """How long the search of one node may take."""
    bucket: int = 60
    """Seconds that a bar of the histogram stands for."""


class FoundLine(msgspec.Struct, frozen=True, gc=False):
    """A line that matches, or one beside it."""

    at: int | None
    """Its time in nanoseconds since the epoch, or that of the line it continues; None when nothing tells it."""
    text: bytes
    match: bool = True
    """It matches; otherwise it is context."""
    position: int | None = None
    """Bytes of the stream (of a compressed file: as it is unpacked) before it; None when the source cannot say."""
    joined: bool = False
    """It stands right behind the line before it in the list."""


class Found(msgspec.Struct, frozen=True):
    """Lines of one stream, in its order. They come after the first `Counted` of the stream."""

    stream: str
    lines: list[FoundLine]


class Counted(msgspec.Struct, frozen=True):
    """What a stream holds, as far as it was searched. A later one of the same stream takes this one's place."""

    stream: str
    matches: int = 0
    histogram: dict[int, int] = {}
    """Matches by the second (since the epoch) with which their bucket begins. Those without a time are in none."""
    scanned: int = 0
    """Bytes that were read; of a compressed file, packed."""
    total: int = 0
    """Bytes that there are, whether or not the request asks for that time."""
    cut: str = ""
    """What is missing and why, when something is: lines not brought here, bytes not read."""


class Remark(msgspec.Struct, frozen=True):
    """Something to know before or while a search goes on: how it is done, what it may cost."""

    stream: str
    text: str


Finding = Counted | Found | Remark


@runtime_checkable
class Search(Protocol):
    """Searches the logs of nodes that offer `search` where they are; those of others are read and searched here."""

    def search(self, node: Node, request: SearchRequest) -> AsyncGenerator[Finding, None]:
        """Yield findings until all is searched or a limit is met. Raises a SourceError.

        Closing the iterator ends the search at the far side. It does not disturb logs that are followed meanwhile.
        """
        ...


# -- commands and shells --------------------------------------------------------


class ExecResult(msgspec.Struct, frozen=True):
    """What a command on a node came to. The output is raw bytes, untrusted."""

    exit_status: int | None
    """None when it was ended by a signal or the connection, see `note`."""
    stdout: bytes
    stderr: bytes
    took: float
    """Seconds."""
    note: str = ""
    """`killed by TERM`, `output cut at 10 MiB`…"""


@runtime_checkable
class Exec(Protocol):
    """Runs commands on nodes that offer `exec`."""

    def start(self, node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        """Run it: None as soon as the node is reached, its output as it comes, and one Ended at the end.

        Closed before, it ends the command and all that it started at the far side; so does our death. Does
        not read ahead without bound. Raises a SourceError when it could not be run; OutcomeUnknown
        when the connection was lost under it.
        """
        ...


async def collect(source: Exec, node: Node, command: Command) -> ExecResult:
    """Run a command to its end and keep all that it prints: for those that print little. Raises a SourceError."""
    began = time.monotonic()
    outputs: tuple[list[bytes], list[bytes]] = ([], [])
    ended = Ended(0)
    async with aclosing(source.start(node, command)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Output):
                outputs[piece.is_error].append(piece.data)
            elif piece is not None:
                ended = piece
    took = time.monotonic() - began
    return ExecResult(ended.exit_status, b"".join(outputs[0]), b"".join(outputs[1]), took, ended.note)


class ShellChannel(Protocol):
    """An open shell on a pty at the far side."""

    async def read(self) -> bytes:
        """The next output; empty at the end."""
        ...

    def write(self, data: bytes) -> None:
        """Send what was typed."""
        ...

    def resize(self, columns: int, rows: int) -> None:
        """Tell the far side the terminal's new size."""
        ...

    async def close(self) -> int | None:
        """End it; the exit status, if there is one."""
        ...


@runtime_checkable
class Shell(Protocol):
    """Opens shells on nodes that offer `shell`."""

    async def shell(self, node: Node, *, term: str, columns: int, rows: int) -> ShellChannel:
        """Open an interactive shell of that terminal type and size. Raises a SourceError."""
        ...


class Way(msgspec.Struct, frozen=True):
    """How OpenSSH's own client reaches a host as its source does."""

    host: str
    """The name to give to `ssh`."""
    user: str | None = None
    """None: what ssh_config says."""
    port: int | None = None
    """None: what ssh_config says."""
    options: tuple[str, ...] = ()
    """Arguments for `ssh`, `sftp` and `scp` alike. Host keys are verified with them."""


@runtime_checkable
class OpenSsh(Protocol):
    """Reaches its nodes over SSH, and can say how other programs do."""

    def openssh(self, node: Node) -> Way:
        """How to reach the host of a node. Raises a SourceError."""
        ...


# -- load balancers ---------------------------------------------------------------


class Member(msgspec.Struct, frozen=True):
    """A node as a target of a load balancer's group, at one port."""

    port: int | None
    state: str
    """As the provider names it: `healthy`, `draining`."""
    reason: str = ""


@runtime_checkable
class Balancers(Protocol):
    """Takes nodes out of the groups of load balancers, and back into them; a group by its name or its full id."""

    async def members(self, node: Node, group: str) -> list[Member]:
        """What the group has of a node, those that are being drained among them. Raises a SourceError."""
        ...

    async def join(self, node: Node, group: str, ports: Sequence[int]) -> None:
        """Put a node into the group, at these ports or at the group's own. Raises a SourceError."""
        ...

    async def leave(self, node: Node, group: str) -> None:
        """Take a node out of the group, at every port. Raises a SourceError."""
        ...


# -- workloads ----------------------------------------------------------------------


class Rollout(msgspec.Struct, frozen=True):
    """How far a workload has come with what was asked of it last."""

    done: bool
    said: str
    """`2 of 3 new replicas are available`."""
    failed: bool = False
    """It will come no further by itself; `said` is the reason."""


@runtime_checkable
class Workloads(Protocol):
    """Changes workloads. Each of these does nothing where all is so already, and says then an empty text."""

    async def apply(self, node: Node, manifest: Mapping[str, Any], *, force: bool) -> str:
        """Have an object be as a manifest says, in the node's namespace unless it names another; what was done.

        Fields that others have set are theirs: a SourceError says whose, unless `force` takes them over.
        """
        ...

    async def set_images(self, node: Node, images: Mapping[str, str]) -> str:
        """Give containers of a workload images, by the names of the containers; what was done. Raises a SourceError."""
        ...

    async def scale(self, node: Node, replicas: int) -> str:
        """Give a workload so many replicas; what was done. Raises a SourceError."""
        ...

    async def rollout(self, node: Node) -> Rollout:
        """How far it has come. Raises a SourceError."""
        ...


# -- looking closer -------------------------------------------------------------


@runtime_checkable
class Describe(Protocol):
    """Shows nodes that offer `describe` as their source has them."""

    async def describe(self, node: Node) -> dict[str, Any]:
        """The raw object, JSON-like, keys in the source's order, secrets masked with `MASK`. Raises a SourceError."""
        ...


class NodeEvent(msgspec.Struct, frozen=True):
    """Something that the source says happened to a node."""

    at: float
    """Seconds since the epoch."""
    reason: str
    text: str
    trouble: bool = False
    count: int = 1


@runtime_checkable
class Events(Protocol):
    """Tells what happened to nodes that offer `events`."""

    async def events(self, node: Node) -> list[NodeEvent]:
        """The latest events, oldest first, a hundred at the most. Raises a SourceError."""
        ...


# -- sources and providers -----------------------------------------------------


@runtime_checkable
class Source(Protocol):
    """One connection of the estate. It may implement Lifecycle, Logs, Exec, Shell, Describe, Events too."""

    @property
    def name(self) -> str:
        """Its name in the estate."""
        ...

    @property
    def kind(self) -> str:
        """Its provider."""
        ...

    def watch(self) -> AsyncGenerator[Update, None]:
        """Connect, yield the first snapshot of every scope, `Ready`, then what changes, without end.

        Trouble in one scope is yielded and retried inside; what ends the whole is raised as a
        SourceError, and the caller begins again with back-off. Closing the iterator ends it.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection. Nothing may be asked of it after."""
        ...


Ask = Callable[[str], Awaitable[str | None]]
"""Asks the operator for a secret, not echoed; None when it is refused or there is nobody to ask."""


async def ask_nobody(prompt: str) -> str | None:
    """The `Ask` of a program without a terminal."""
    return None


@dataclass(frozen=True)
class Opening:
    """What a source is opened with."""

    name: str
    options: Any
    """The provider's options model, validated."""
    folder: Path
    """What relative paths in the options are relative to; `resolve` does it."""
    ask: Ask = ask_nobody

    def resolve(self, path: str | Path) -> Path:
        """A path of the options, with `~` and relative paths resolved."""
        return self.folder / Path(path).expanduser()


@dataclass(frozen=True)
class Discovered:
    """A source that this machine seems to be set up for; nothing was connected to."""

    name: str
    """A name to use in the estate; made unique by the caller."""
    options: dict[str, Any] = field(default_factory=dict)
    """As they would stand in an estate file, without `provider`."""
    found_in: str = ""
    """Where: `~/.kube/config`, `DOCKER_HOST`."""
    note: str = ""
    """A word on it: `12 hosts`, `current context`."""
    suggested: bool = True
    """Whether to switch it on unless told otherwise."""


class Provider(Protocol):
    """The code that speaks to one kind of source. Importing it is cheap: no SDK, no pydantic."""

    @property
    def kind(self) -> str:
        """Its name in estate files: `aws`, `docker`, `kubernetes`, `ssh`."""
        ...

    @property
    def actions(self) -> tuple[Action, ...]:
        """Every action that its nodes may list."""
        ...

    def options(self) -> type[BaseModel]:
        """The model of its settings in an estate file; every field has a docstring."""
        ...

    def open(self, opening: Opening) -> Source:
        """A source, not yet connected. Raises Misconfigured for what can be seen without connecting."""
        ...

    def discover(self) -> list[Discovered]:
        """What this machine is set up for, by reading files and environment alone. Never raises."""
        ...
