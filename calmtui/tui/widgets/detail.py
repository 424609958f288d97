"""The right pane: a node, source or group looked at closer. What must be fetched is fetched when its tab is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from calmtui import sanitise
from calmtui.errors import CalmError
from calmtui.estate import find
from calmtui.estate.live import LiveEstate
from calmtui.fleet.history import Record, latest
from calmtui.fleet.node import Node
from calmtui.fleet.row import Row
from calmtui.fleet.source import SourceStatus
from calmtui.providers.base import Describe, Events
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets import overview
from calmtui.tui.widgets.still import Still
from calmtui.tui.widgets.tree_row import Styles

log = logging.getLogger(__name__)

RECALLED = 200
"""Changes of a node that are told, the newest."""
RECORDED = 1.5
"""Seconds after which a change that was seen has been recorded, by whichever console does."""
SETTLE = 0.25
"""Seconds that the cursor rests on a node before its source is asked: moving through a list asks nothing."""


Subject = Node | SourceStatus | Row
"""A node, a source, or a group."""


class Tab(StrEnum):
    """What can be seen of a node."""

    OVERVIEW = "overview"
    LOGS = "logs"
    EVENTS = "events"
    CHANGES = "changes"
    DESCRIBE = "describe"


class Detail(Vertical):
    """One subject: its state on top, below it what the open tab shows."""

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
        & > #body > Still { min-height: 100%; }  /* or it would be laid out anew with every cursor move */
        & > #body:focus { background-tint: $foreground 3%; }
    }
    """

    def __init__(self, live: LiveEstate, glyphs: Glyphs, clock: Callable[[], float]) -> None:
        super().__init__()
        self.clock = clock
        """The time that is shown, seconds since the epoch: what came after it is not told."""
        self.live = live
        self.glyphs = glyphs
        self.tab = Tab.OVERVIEW
        self._subject: Subject | None = None
        self._altered: dict[str, Record] = {}
        """The last change of each of the node's fields, as far as it is known by now."""
        self._changed_at: float | None = None
        """When the node had last changed, as of what is told."""
        self._known_styles: Styles | None = None
        self._head = Still(id="head")
        self._tabs = Still(id="tabs")
        self._text = Still()
        self._body = VerticalScroll(self._text, id="body")

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._tabs
        yield self._body

    def show(self, subject: Subject | None, tab: Tab | None = None) -> None:
        """Look at that; the same tab as before unless another is named."""
        other = _name(subject) != _name(self._subject) or (tab or self.tab) != self.tab
        self._subject, self.tab = subject, tab or self.tab
        self._draw_head()
        if other:
            self._body.scroll_home(animate=False)
            self._altered = {}
            self._fill()
            return
        self._draw_known()
        if isinstance(subject, Node) and self.live.changed_at(subject.id) != self._changed_at:
            self._recall_later(subject)

    def scroll_by(self, rows: int) -> None:
        """Move what the open tab shows."""
        self._body.scroll_relative(y=rows, animate=False)

    def take_focus(self) -> None:
        """Let keys move what the open tab shows."""
        self._body.focus()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._known_styles = None
        if self.is_mounted:
            self._draw_head()
            self._draw_known()

    def on_resize(self) -> None:
        self._draw_head()

    def _styles(self) -> Styles:
        if self._known_styles is None:
            found: list[Style] = [
                self.get_component_rich_style(f"detail--{name}", partial=True) for name in Styles._fields
            ]
            self._known_styles = Styles(*found)
        return self._known_styles

    def _draw_head(self) -> None:
        styles = self._styles()
        match self._subject:
            case Node() as node:
                stale = self.live.fleet.is_stale(node)
                self._head.tell(overview.head(node, self.clock(), self.glyphs, styles, stale=stale))
            case SourceStatus() as status:
                self._head.tell(overview.source_head(status, self.glyphs, styles))
            case Row() as row:
                self._head.tell(overview.group_head(row, styles))
            case None:
                self._head.tell(Text("nothing here yet", styles.quiet))
        self._tabs.tell(self._tab_line() if isinstance(self._subject, Node) else "")

    def _tab_line(self) -> Text:
        rule = self.glyphs.rule
        line = Text(f"{rule} ", no_wrap=True)
        for tab in Tab:
            line.append(tab, "bold" if tab is self.tab else "").append(f" {rule} ")
        return line.append(rule * max(self.size.width - line.cell_len, 0))

    def _draw_known(self) -> bool:
        """Draw what needs no asking; False when the open tab does."""
        match self._subject:
            case Node() as node if self.tab is Tab.OVERVIEW:
                places = self.live.links.places(node)
                self._text.tell(
                    overview.overview(node, places, self._altered, self.clock(), self.glyphs, self._styles())
                )
            case SourceStatus() as status:
                self._text.tell(overview.source(status, self.clock(), self._styles()))
            case Row() as row:
                self._text.tell(overview.group(row, self.glyphs, self._styles()))
            case None:
                self._text.tell("")
            case _:
                return False
        return True

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _fill(self) -> None:
        await self._body.query("LogPane").remove()
        self._text.display = True
        node = self._subject
        if isinstance(node, Node):
            await self.live.index_links()  # the overview tells of them
            node = self._subject
        known = self._draw_known()
        if not isinstance(node, Node):
            return
        if known or self.tab is Tab.CHANGES:
            await self._recall(node, SETTLE)
            return
        if self.tab not in node.offers:
            self._text.tell(f"{node.source} offers no {self.tab} of a {node.kind}")
            return
        self._text.tell(f"asking {node.source}…")
        await asyncio.sleep(SETTLE)
        try:
            await self._ask(node)
        except CalmError as error:
            self._text.tell(Text(sanitise.word(str(error)), self._styles().warning))
        except Exception as error:  # a fault of a provider's in one question is no reason to end the console
            log.exception("%s of %s", self.tab, node.id)
            told = f"internal error: {type(error).__name__}: {error}; calmtui's log file has the details"
            self._text.tell(Text(sanitise.word(told), self._styles().warning))

    @work(exclusive=True, group="recall", exit_on_error=False)
    async def _recall_later(self, node: Node) -> None:
        await self._recall(node, RECORDED)

    async def _recall(self, node: Node, wait: float) -> None:
        """Tell what is recorded of a node, after so many seconds."""
        from calmtui.store.database import StoreError

        self._changed_at = self.live.changed_at(node.id)
        await asyncio.sleep(wait)
        try:
            records = await asyncio.to_thread(self._records, node)
        except StoreError as error:
            self._text.tell(Text(str(error), self._styles().warning))
            return
        if _name(self._subject) != node.id:  # the cursor has gone on
            return
        if self.tab is Tab.OVERVIEW:
            self._altered = latest(records)
            self._draw_known()
        elif self.tab is Tab.CHANGES:
            self._text.tell(overview.changes(records, self.clock(), self.glyphs, self._styles()))

    def _records(self, node: Node) -> list[Record]:
        from calmtui.store import changes  # not needed for the first paint

        return changes.load(find.key(self.live.estate), node=node.id, until=self.clock(), limit=RECALLED)

    async def _ask(self, node: Node) -> None:
        if self.tab is Tab.LOGS:
            from calmtui.tui.widgets.log_pane import LogPane  # not needed for the first paint

            self._text.display = False
            await self._body.mount(LogPane(self.live, [node]))
        elif self.tab is Tab.DESCRIBE and (describer := self.live.able(node, Describe)):
            raw = await describer.describe(node)
            self._text.tell(await asyncio.to_thread(_as_yaml, raw))
        elif self.tab is Tab.EVENTS and (teller := self.live.able(node, Events)):
            self._text.tell(overview.events(await teller.events(node), self.clock(), self._styles()))
        else:
            self._text.tell(f"{node.source} is not connected")


def _name(subject: Subject | None) -> str:
    """What tells one subject from another, whatever their state."""
    match subject:
        case None:
            return ""
        case SourceStatus():
            return f"source {subject.name}"
        case _:
            return subject.id


def _as_yaml(raw: dict[str, Any]) -> str:
    import yaml  # not needed for the first paint

    return yaml.safe_dump(sanitise.deep(raw), sort_keys=False, allow_unicode=True, width=10_000)
