"""A command on many nodes: the same execution and outcomes as any action, with each node's answer."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from shlex import join

import msgspec

from calmtui import masks
from calmtui.actions import limits
from calmtui.actions.deed import Deed
from calmtui.actions.execute import Execution, unopened
from calmtui.actions.gate import Gate
from calmtui.actions.gathered import Answer
from calmtui.actions.outcome import Status, tally
from calmtui.actions.said import Said, kept
from calmtui.errors import AuthFailed, CalmError, NodeGone, OutcomeUnknown, Unreachable
from calmtui.estate import folders
from calmtui.estate.live import LiveEstate
from calmtui.fleet.link_index import MACHINES
from calmtui.fleet.node import Node, NodeId
from calmtui.governance.record import Event
from calmtui.providers.base import Ask, Command, Danger, Ended, Exec, Output

EXEC_PARALLEL = 64
"""How many nodes run a command at once unless told otherwise, as ClusterShell's fanout."""


@dataclass(frozen=True)
class Limits(limits.Limits):
    """How a command is spread over its nodes, and how long it may take."""

    parallel: int = EXEC_PARALLEL
    connect_seconds: float | None = None
    """For each node until the command begins; None: as long as its source tries."""
    seconds: float | None = None
    """For each node from then on; None: no limit."""
    retries: int = 0
    """How often to run it again on the nodes where it failed."""


AS_ROOT = " (as root)"
"""What is said of a command as root that has nothing else besides its words."""

Heard = Callable[[NodeId, Output], None]


class Fanout:
    """A command on many nodes: its execution, and what each of them has answered so far."""

    def __init__(self, gate: Gate, nodes: Iterable[Node], command: Command, limits: Limits) -> None:
        live = self.live = gate.live
        self.command = command
        self.limits = limits
        self.answers: dict[NodeId, Answer] = {}
        """Of the nodes that have begun."""
        self.gate = gate
        self._listeners: list[Heard] = []
        self._task: asyncio.Task[object] | None = None
        self._folders = _folders()
        self.execution = Execution(
            live,
            " ".join(command.words),
            nodes,
            self._do,
            refuses=lambda node: refusal(live, node),
            limits=limits,
            interrupted="cancelled: the command was told to end there",
        )
        self._kept = kept(len(self.execution.outcomes))

    def subscribe(self, listener: Heard) -> Callable[[], None]:
        """Call `listener` with each piece of output as it comes; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def admit(self, *, hidden: int = 0, break_glass: bool = False, reason: str = "") -> None:
        """Ask the gate for the nodes that wait, before each `run`; a command may change anything.

        Where a command for a node runs on another (an instance's host), both must be allowed. Raises Refused,
        EstateError, StoreError, UsageError.
        """
        deed = await asyncio.to_thread(self.deed, hidden=hidden)
        admission = await self.gate.admit(deed, break_glass=break_glass, reason=reason)
        for node_id, place in self._places().items():
            if place.id in admission.denied:
                admission.deny(node_id, admission.denied[place.id])
        self.execution.admit(admission)

    def deed(self, *, hidden: int = 0) -> Deed:
        """It on the nodes that wait, as the gate judges it: where it runs counts as well. Reads the input's file."""
        nodes = self.execution.waiting
        every = list({node.id: node for node in [*nodes, *self._places().values()]}.values())
        return command_deed(every, self.command.words, besides(self.command), hidden=hidden)

    def _places(self) -> dict[NodeId, Node]:
        """Where it runs for each node that waits."""
        return {node.id: runs_at(self.live, node) or node for node in self.execution.waiting}

    async def run(self) -> None:
        """Run it on every node. Cancelled, it ends the command where it runs, and keeps what has come."""
        self._task = asyncio.ensure_future(self._run())
        try:
            await asyncio.shield(self._task)
        except asyncio.CancelledError:
            if not self._task.cancelled():  # not `stop`: whoever runs us was cancelled
                self._task.cancel()
                await asyncio.wait([self._task])
                raise

    def stop(self) -> None:
        """End the command wherever it runs, and begin it nowhere else; `run` returns once it has ended."""
        if self._task is not None:
            self._task.cancel()

    def counts(self) -> dict[str, int]:
        """How many nodes stand where, by the word of their status."""
        return {status.value: count for status, count in tally(list(self.execution.outcomes.values())).items()}

    async def _run(self) -> None:
        await self.execution.run(self.limits.retries)

    async def _do(self, node: Node) -> tuple[Status, str]:
        place = runs_at(self.live, node) or node
        answer = self.answers[node.id] = Answer(Said(self._kept, lambda: next(self._folders)))
        try:
            status, detail = await self._answered(node, place, answer)
        except asyncio.CancelledError:
            answer.ending = "cancelled"
            raise
        except CalmError as error:
            answer.ending = _ending(error)
            raise
        finally:
            answer.said.close()
        through = "" if place is node else f"through host {place.name}"
        return status, ": ".join(filter(None, (through, detail)))

    async def _answered(self, node: Node, place: Node, answer: Answer) -> tuple[Status, str]:
        """Run it there, take in what it says; ok or failed, and what came of it in a few words."""
        source = self.live.able(place, Exec)
        if source is None:
            raise unopened(self.live, place)
        reached, ended = False, None
        command = msgspec.structs.replace(self.command, unended=answer.left_running)
        try:
            async with (
                asyncio.timeout(self.limits.connect_seconds) as limit,
                aclosing(source.start(place, command)) as pieces,
            ):
                async for piece in pieces:
                    if isinstance(piece, Output):
                        self._hear(node.id, answer, piece)
                    elif isinstance(piece, Ended):
                        ended = piece
                    else:
                        reached = True
                        limit.reschedule(_at(self.limits.seconds))
        except TimeoutError as error:
            if not reached and not answer.unended:
                raise Unreachable(f"not reached within {self.limits.connect_seconds:g} s", where=place.name) from error
            seconds = self.limits.seconds if reached else self.limits.connect_seconds
            answer.ending = "timed out"
            if answer.unended:
                said = f"timed out after {seconds:g} s: it does not answer, and may run the command when it comes back"
                return Status.UNKNOWN, said
            return Status.FAILED, _join(f"timed out: ended after {seconds:g} s", answer.said, failed=True)
        except Unreachable as error:
            if not answer.unended:
                raise
            raise OutcomeUnknown(f"{error.what}, as the command was begun", where=place.name) from error
        assert ended is not None, "a command that ends says how"
        answer.exit_status, answer.ending = ended.exit_status, f"exit {ended.exit_status}"
        failed = ended.exit_status != 0
        detail = _join(answer.ending if failed else "", answer.said, failed=failed)
        return (Status.FAILED if failed else Status.OK), "; ".join(filter(None, (detail, ended.note)))

    def _hear(self, node_id: NodeId, answer: Answer, piece: Output) -> None:
        answer.said.add(piece)
        for listener in list(self._listeners):
            listener(node_id, piece)


def command_deed(nodes: Sequence[Node], words: Sequence[str], more: str = "", *, hidden: int = 0) -> Deed:
    """A command, as the gate judges and records it: secrets masked, side by side with others."""
    line = masks.text(words[0] if len(words) == 1 else join(words)) + more
    sentences = [line] * len(nodes)
    return Deed(
        "exec", nodes, sentences, Danger.CONFIRM, hidden=hidden, event=Event.COMMAND, exclusive=False, binds=more
    )  # fmt: skip


def besides(command: Command) -> str:
    """What makes it another command besides its words: an approval binds that too. Empty when there is nothing."""
    found = ["as root"] if command.sudo is not None else []
    found += [masks.text(f"{name}={value}") for name, value in sorted(command.environment.items())]
    if isinstance(command.stdin, bytes):
        size, digest = len(command.stdin), hashlib.sha256(command.stdin)
    else:
        with command.stdin.open("rb") as file:
            size, digest = command.stdin.stat().st_size, hashlib.file_digest(file, "sha256")
    if size:
        found.append(f"{size:,} bytes of input, sha256 {digest.hexdigest()}")
    return f" ({', '.join(found)})" if found else ""


def _at(seconds: float | None) -> float | None:
    return None if seconds is None else asyncio.get_running_loop().time() + seconds


def _ending(error: CalmError) -> str:
    kinds = {
        OutcomeUnknown: "connection lost",
        Unreachable: "unreachable",
        AuthFailed: "login refused",
        NodeGone: "gone",
    }
    return next((word for kind, word in kinds.items() if isinstance(error, kind)), "not run")


def _join(ending: str, said: Said, *, failed: bool) -> str:
    """`exit 1: port 8080 in use`."""
    return ": ".join(filter(None, (ending, said.last_line(failed=failed))))


def _folders() -> Iterator[Path]:
    """A new folder for each node of a command whose output is too much to keep, made when it is asked for."""
    whole = folders.state() / "outputs" / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{next(_COUNT)}"
    for number in itertools.count(1):
        yield folders.made(whole / str(number))


_COUNT = itertools.count(1)


def runs_at(live: LiveEstate, node: Node) -> Node | None:
    """Where a command for a node runs: there, or on the SSH host that a machine surely is; None: nowhere."""
    if "exec" in node.offers:
        return node
    link = live.links.host_of(node)
    return link.node if link is not None and not link.guess and "exec" in link.node.offers else None


def places(live: LiveEstate, nodes: Iterable[Node]) -> tuple[list[Node], list[str]]:
    """The nodes for which a command can run, one for each place where it runs, and what to say of the others.

    What runs no commands (units, namespaces) is passed over.
    """
    at: dict[NodeId, Node] = {}
    """By the id of where it runs."""
    notes = []
    for node in sorted(nodes, key=lambda node: "exec" not in node.offers):  # a host before the instance that it is
        place = runs_at(live, node)
        if place is not None and place.id in at:
            notes.append(f"{node.id} is the host {place.name}, where the command runs once")
        elif place is not None:
            at[place.id] = node
            if place is not node:
                notes.append(f"on {node.id} it runs through the host {place.name}")
    return sorted(at.values(), key=lambda node: node.id), notes


def refusal(live: LiveEstate, node: Node) -> str:
    """Why a command cannot be run for a node; empty when it can."""
    if runs_at(live, node) is not None:
        return ""
    link = live.links.host_of(node)
    if link is not None and link.guess:
        return f"host {link.node.name} may be it, which is a guess ({link.why}): name {link.node.id} if you know it is"
    missing = "; no SSH host of the estate is known to be it" if node.kind in MACHINES else ""
    return f"no command can be run on it ({node.kind}, {node.state}){missing}"


def asked_once(ask: Ask) -> Ask:
    """Asks a question once, however many nodes want the answer at the same time."""
    answered: list[str | None] = []
    asking = asyncio.Lock()

    async def once(prompt: str) -> str | None:
        async with asking:
            if not answered:
                answered.append(await ask(prompt))
            return answered[0]

    return once
