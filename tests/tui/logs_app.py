"""A log screen alone in an app, and a source that says what a test wants said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from textual.app import App
from textual.pilot import Pilot

from calmtui.errors import CalmError, SourceError
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node
from calmtui.fleet.update import Update
from calmtui.providers.base import LogChunk, LogRequest, Skew
from calmtui.tui import keys, moving
from calmtui.tui.screens.command import read
from calmtui.tui.screens.log_patterns import LogPatternsScreen
from calmtui.tui.screens.log_search import LogSearchScreen
from calmtui.tui.screens.logs import LogsScreen

PATIENCE = 45.0
"""Seconds until a condition that is waited for has failed."""


class Script:
    """A source whose nodes' logs are what `say` puts there."""

    name = "lab"
    kind = "script"

    def __init__(self) -> None:
        self._said: dict[str, asyncio.Queue[LogChunk | SourceError]] = {}
        self.skews: dict[str, Skew] = {}
        self.taken = 0
        """Chunks that were read."""

    async def watch(self) -> AsyncGenerator[Update, None]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]  # it has nothing to report, and must be a generator all the same

    async def close(self) -> None:
        pass

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        queue = self._queue(node.name)
        while True:
            said = await queue.get()
            if isinstance(said, SourceError):
                raise said
            self.taken += 1
            yield said

    def skew(self, node: Node) -> Skew | None:
        """How far the node's clock is out."""
        return self.skews.get(node.name)

    def _queue(self, name: str) -> asyncio.Queue[LogChunk | SourceError]:
        return self._said.setdefault(name, asyncio.Queue())

    def say(self, name: str, *lines: str, note: str = "", lost: int = 0, away: bool = False) -> None:
        """What comes next from a node."""
        raw: list[tuple[int | None, bytes]] = [(None, line.encode()) for line in lines]
        self._queue(name).put_nowait(LogChunk("app.log", raw, note, lost, away=away))

    def fail(self, name: str, error: SourceError) -> None:
        """The node's log fails next."""
        self._queue(name).put_nowait(error)


def nodes(*names: str, offers: tuple[str, ...] = ("logs",)) -> list[Node]:
    """Hosts of the script's."""
    return [
        Node(id=f"ssh:lab/{name}", kind="host", name=name, source="lab", parent=None, offers=offers) for name in names
    ]


class LogsApp(App[None]):
    """Shows the logs of some nodes; keys lead to the screen as in the console."""

    def __init__(self, script: Script, *names: str, offers: tuple[str, ...] = ("logs",)) -> None:
        super().__init__()
        self.live = LiveEstate(Estate("lab"))
        self.live.gatherer.sources[script.name] = script
        self.logs = LogsScreen(self.live, nodes(*names, offers=offers))
        self.animation_level = "none"
        self.marked: list[str] = []
        """What a screen asked to have marked in the fleet."""

    def on_log_patterns_screen_mark(self, event: LogPatternsScreen.Mark) -> None:
        self.marked = event.nodes

    def on_log_search_screen_mark(self, event: LogSearchScreen.Mark) -> None:
        self.marked = event.nodes

    def on_mount(self) -> None:
        self.push_screen(self.logs)

    async def action_run(self, command_id: str, argument: str = "") -> None:
        command = keys.command(command_id)
        assert command is not None
        place = moving.doer(self.screen, command.method)
        try:
            done = getattr(place, command.method)(*([argument] if command.argument else []))
            if asyncio.iscoroutine(done):
                await done
        except CalmError as error:
            self.screen.say(str(error), trouble=True)  # type: ignore[attr-defined]  # every screen of log lines can

    async def type(self, line: str) -> None:
        """Carry out what is typed after `:`."""
        chosen = read(line, str(getattr(self.screen, "where", "")))
        assert not isinstance(chosen, str), chosen
        await self.action_run(*chosen)

    @property
    def picture(self) -> list[str]:
        """The screen as text, a string a row."""
        strips = self.screen._compositor.render_strips()  # Textual has no public way to the picture as text
        return [strip.text.rstrip() for strip in strips]

    @property
    def rows(self) -> list[str]:
        """The messages of the lines in sight, from the top."""
        return [row[0].text for row in self.logs.view._rows]


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Let the app run until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "\n".join(pilot.app.picture)  # type: ignore[attr-defined]
        await pilot.pause(0.02)
