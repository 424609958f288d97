"""A source in this process: nodes in memory, and acts and commands that do what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.node import Node, State
from calmtui.fleet.source import Health, SourceStatus
from calmtui.fleet.update import Delta, Update
from calmtui.providers.base import Action, Danger, ExecResult, Parameter

ACTIONS = {
    action.name: action
    for action in (
        Action("start", "start it", Danger.NONE, undo="stop"),
        Action("stop", "stop it", Danger.CONFIRM, undo="start"),
        Action("destroy", "destroy it for ever", Danger.TYPE_NAME),
        Action("scale", "scale it", Danger.CONFIRM, parameters=(Parameter("replicas", "how many", "int"),)),
    )
}
CATALOGUE = {"lab": ACTIONS}

Deed = Callable[[Node], Awaitable[str]]


class Workshop:
    """A source `lab`; `deed` is what every act does."""

    name = "lab"
    kind = "workshop"

    def __init__(self, deed: Deed) -> None:
        self.deed = deed
        self.acts: list[tuple[str, str, dict[str, str]]] = []
        """What was carried out: node id, action, parameters."""

    async def watch(self) -> AsyncGenerator[Update, None]:
        await asyncio.Event().wait()
        yield Delta("")

    async def close(self) -> None:
        pass

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        self.acts.append((node.id, action, dict(parameters)))
        return await self.deed(node)

    async def run(
        self, node: Node, command: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None
    ) -> ExecResult:
        said = await self.deed(node)
        return ExecResult(int(said), b"first\nlast\n", b"bad\n" if said != "0" else b"", 0.0)


def node(name: str, *, kind: str = "thing", actions: Sequence[str] = ("stop", "destroy"), **more: object) -> Node:
    """A running node of the workshop."""
    fields = {"state": State.RUNNING, "offers": ("exec",), **more}
    return Node(id=f"lab:{name}", kind=kind, name=name, source="lab", actions=tuple(actions), **fields)  # type: ignore[arg-type]


def live(source: Workshop, *nodes: Node, read_only: bool = False) -> LiveEstate:
    """A live estate of the workshop alone."""
    estate = LiveEstate(Estate("test", (SourceSpec("lab", "workshop", None),), read_only=read_only))
    estate.gatherer.sources["lab"] = source
    estate.fleet.set_source(SourceStatus("lab", "workshop", Health.LIVE))
    estate.fleet.apply("lab", [Delta("", put=list(nodes))])
    return estate
