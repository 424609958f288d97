"""A source in this process: nodes in memory, and acts and commands that do what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any

from pydantic import BaseModel

from calmtui import providers
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta, Ready, Snapshot, Update
from calmtui.providers.base import Action, Command, Danger, Discovered, Ended, Opening, Output, Parameter, Piece

ACTIONS = {
    action.name: action
    for action in (
        Action("start", "start it", Danger.NONE, undo="stop"),
        Action("stop", "stop it", Danger.CONFIRM, undo="start", reaches=State.STOPPED),
        Action("destroy", "destroy it for ever", Danger.TYPE_NAME),
        Action("scale", "scale it", Danger.CONFIRM, parameters=(Parameter("replicas", "how many", "int"),)),
    )
}
CATALOGUE = {"lab": ACTIONS}

ENTRY = EntryPoint("workshop", f"{__name__}:PROVIDER", providers.GROUP)

Deed = Callable[[Node], Awaitable[str]]


class Workshop:
    """A source `lab`; `deed` is what every act does."""

    name = "lab"
    kind = "workshop"

    def __init__(self, deed: Deed) -> None:
        self.deed = deed
        self.nodes: list[Node] = []
        self.acts: list[tuple[str, str, dict[str, str]]] = []
        """What was carried out: node id, action, parameters."""

    async def watch(self) -> AsyncGenerator[Update, None]:
        yield Snapshot("", self.nodes)
        yield Ready()
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        self.acts.append((node.id, action, dict(parameters)))
        return await self.deed(node)

    async def start(self, node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        """The deed says the exit status, and after a space what is printed."""
        yield None
        status, _, printed = (await self.deed(node)).partition(" ")
        yield Output(printed.encode() or b"first\nlast\n")
        if status != "0":
            yield Output(b"bad\n", is_error=True)
        yield Ended(int(status))


class _Provider:
    """Opens the workshop that stands in the place of its options."""

    kind = "workshop"
    actions = tuple(ACTIONS.values())

    def open(self, opening: Opening) -> Workshop:
        workshop: Workshop = opening.options
        return workshop

    def options(self) -> type[BaseModel]:
        return BaseModel

    def discover(self) -> list[Discovered]:
        return []


PROVIDER = _Provider()


def node(name: str, *, kind: str = "thing", actions: Sequence[str] = ("stop", "destroy"), **more: object) -> Node:
    """A running node of the workshop."""
    fields = {"state": State.RUNNING, "offers": ("exec",), **more}
    return Node(id=f"lab:{name}", kind=kind, name=name, source="lab", actions=tuple(actions), **fields)  # type: ignore[arg-type]


def closed(source: Workshop, *nodes: Node, **declared: Any) -> LiveEstate:
    """An estate of the workshop alone, yet to be entered; `declared` are fields of `Estate`."""
    source.nodes = list(nodes)
    return LiveEstate(Estate("test", (SourceSpec("lab", "workshop", source),), **declared))


def live(source: Workshop, *nodes: Node, **declared: Any) -> LiveEstate:
    """The same with its source open and its nodes known, without a task that gathers them."""
    estate = closed(source, *nodes, **declared)
    estate.gatherer.sources["lab"] = source
    estate.fleet.set_source(SourceStatus("lab", "workshop", Health.LIVE))
    estate.fleet.apply("lab", [Delta("", put=list(nodes))])
    return estate
