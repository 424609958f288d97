"""The right pane: one node looked at closer. What must be fetched is fetched when its tab is opened."""

from __future__ import annotations

import asyncio
import time
from enum import StrEnum
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from calmtui import sanitise
from calmtui.errors import CalmError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.providers.base import Describe, Events
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets import overview
from calmtui.tui.widgets.tree_row import Styles

SETTLE = 0.25
"""Seconds that the cursor rests on a node before its source is asked: moving through a list asks nothing."""


class Tab(StrEnum):
    """What can be seen of a node."""

    OVERVIEW = "overview"
    LOGS = "logs"
    EVENTS = "events"
    DESCRIBE = "describe"


class Detail(Vertical):
    """One node: its state on top, below it what the open tab shows."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"detail--{name}" for name in Styles._fields}
    DEFAULT_CSS = """
    Detail {
        width: 1fr; height: 1fr; padding: 0 0 0 1; border-left: solid $panel;
        & > .detail--plain { color: $foreground; }
        & > .detail--quiet { color: $text-muted; }
        & > .detail--trouble { color: $error; text-style: bold; }
        & > .detail--warning { color: $warning; }
        & > .detail--progress { color: $accent; }
        & > .detail--marked { color: $secondary; }
        & > .detail--group { text-style: bold; }
        & > #head { height: 2; }
        & > #tabs { height: 1; color: $text-muted; margin: 1 0 0 0; }
        & > #body { height: 1fr; scrollbar-size-vertical: 1; }
        & > #body:focus { background-tint: $foreground 3%; }
    }
    """

    def __init__(self, live: LiveEstate, glyphs: Glyphs) -> None:
        super().__init__()
        self.live = live
        self.glyphs = glyphs
        self.tab = Tab.OVERVIEW
        self._node: Node | None = None
        self._head = Static(id="head", markup=False)
        self._tabs = Static(id="tabs", markup=False)
        self._text = Static(markup=False)
        self._body = VerticalScroll(self._text, id="body")

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._tabs
        yield self._body

    def show(self, node: Node | None, tab: Tab | None = None) -> None:
        """Look at a node; the same tab as before unless another is named."""
        other = (node.id if node else "") != (self._node.id if self._node else "") or (tab or self.tab) != self.tab
        self._node, self.tab = node, tab or self.tab
        self._draw_head()
        if other:
            self._body.scroll_home(animate=False)
            self.run_worker(self._fill(), exclusive=True, group="detail", exit_on_error=False)
        elif self.tab is Tab.OVERVIEW:
            self._draw_overview()

    def scroll_by(self, rows: int) -> None:
        """Move what the open tab shows."""
        self._body.scroll_relative(y=rows, animate=False)

    def take_focus(self) -> None:
        """Let keys move what the open tab shows."""
        self._body.focus()

    def on_resize(self) -> None:
        self._draw_head()

    def _styles(self) -> Styles:
        found: list[Style] = [self.get_component_rich_style(f"detail--{name}", partial=True) for name in Styles._fields]
        return Styles(*found)

    def _draw_head(self) -> None:
        node = self._node
        if node is None:
            self._head.update(Text("nothing is selected", self._styles().quiet))
            self._tabs.update("")
            return
        stale = self.live.fleet.is_stale(node)
        self._head.update(overview.head(node, time.time(), self.glyphs, self._styles(), stale=stale))
        rule = self.glyphs.rule
        line = Text(f"{rule} ", no_wrap=True)
        for tab in Tab:
            line.append(tab, "bold" if tab is self.tab else "").append(f" {rule} ")
        line.append(rule * max(self.size.width - line.cell_len, 0))
        self._tabs.update(line)

    def _draw_overview(self) -> None:
        if self._node is not None:
            self._text.update(overview.overview(self._node, time.time(), self._styles()))

    async def _fill(self) -> None:
        node = self._node
        await self._body.query("LogPane").remove()
        self._text.display = True
        if node is None:
            self._text.update("")
        elif self.tab is Tab.OVERVIEW:
            self._draw_overview()
        elif self.tab not in node.offers:
            self._text.update(f"{node.source} offers no {self.tab} of a {node.kind}")
        else:
            self._text.update(f"asking {node.source}…")
            await asyncio.sleep(SETTLE)
            try:
                await self._ask(node)
            except CalmError as error:
                self._text.update(Text(sanitise.word(str(error)), self._styles().warning))

    async def _ask(self, node: Node) -> None:
        if self.tab is Tab.LOGS:
            from calmtui.tui.widgets.log_pane import LogPane  # not needed for the first paint

            self._text.display = False
            await self._body.mount(LogPane(self.live, node))
        elif self.tab is Tab.DESCRIBE and (describer := self.live.able(node, Describe)):
            raw = await describer.describe(node)
            self._text.update(await asyncio.to_thread(_as_yaml, raw))
        elif self.tab is Tab.EVENTS and (teller := self.live.able(node, Events)):
            self._text.update(overview.events(await teller.events(node), time.time(), self._styles()))
        else:
            self._text.update(f"{node.source} is not connected")


def _as_yaml(raw: dict[str, Any]) -> str:
    import yaml  # not needed for the first paint

    return yaml.safe_dump(sanitise.deep(raw), sort_keys=False, allow_unicode=True, width=10_000)
