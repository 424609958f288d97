"""The fleet: the tree of everything, and a closer look at one node."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer

from calmtui.estate.live import LiveEstate
from calmtui.fleet.folds import Folds
from calmtui.fleet.grouping import BY_SOURCE
from calmtui.fleet.marks import Marks
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.outline import Outline
from calmtui.fleet.update import Change
from calmtui.fleet.view import View
from calmtui.tui import glyphs, keys
from calmtui.tui.acting import Acting
from calmtui.tui.noticing import Noticing
from calmtui.tui.travelling import Travelling
from calmtui.tui.viewing import AGAIN, Viewing
from calmtui.tui.widgets.detail import Detail, Subject, Tab
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.status_line import Notice, Situation, StatusLine
from calmtui.tui.widgets.tree import FleetTree

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

FRAME = 1 / 20
"""Seconds between two repaints while things change; none while nothing does."""
SETTLED = 3.0
"""Seconds after which there is time for what only the first query needs."""
FAR = 10_000_000
"""More rows than there are."""
WIDE = 100
"""Columns from which tree and detail stand side by side; below it they take turns."""


class FleetScreen(Screen[None]):
    """All nodes of the estate, and what can be done with them."""

    where = "fleet"
    BINDINGS = keys.bindings("fleet")
    DEFAULT_CSS = """
    FleetScreen {
        & #panes { height: 1fr; }
        & FleetTree { width: 3fr; }
        & Detail { width: 2fr; }
        &.-narrow Detail { display: none; border-left: none; }
        &.-narrow.-closer Detail { display: block; width: 1fr; }
        &.-narrow.-closer FleetTree { display: none; }
    }
    """

    class Marked(Message):
        """Posted when other nodes are marked than before."""

    def __init__(
        self, live: LiveEstate, marked: Iterable[NodeId] = (), view: View | None = None, *, read_only: bool = False
    ) -> None:
        super().__init__()
        self.live = live
        self.fleet = live.fleet
        self.read_only = read_only
        self.notices: list[Notice] = []
        """What everybody is to know before they act, as of the last look."""
        self.noticing = Noticing(self)
        view = view or View()
        self.outline = Outline(self.fleet, view.grouping, view.order, Folds(view.folds, view.unfolded))
        self.marks = Marks(marked)
        signs = glyphs.of_locale()
        self.status = StatusLine(self._situation(), signs)
        self.bar = FilterBar(self._complete)
        self.tree_view = FleetTree(self.outline, self.marks, signs, self.clock)
        self.detail = Detail(live, signs, self.clock)
        self.viewing = Viewing(self, view)
        self.travelling = Travelling(self)
        self.parts = (self.tree_view, self.viewing, self.travelling, Acting(self))
        """What carries out commands of this screen for it."""
        self._changed: set[NodeId] = set()
        self._frame: Timer | None = None
        self._back_to: tuple[NodeId, Screen[None]] | None = None
        """Where esc leads back to while the cursor is on that node."""

    def clock(self) -> float:
        """The time that is shown, and that ages are counted from: seconds since the epoch."""
        return time.time()

    @property
    def console(self) -> CalmApp:
        """The app that it is a screen of."""
        return cast("CalmApp", self.app)

    def compose(self) -> ComposeResult:
        yield self.status
        yield self.bar
        yield Horizontal(self.tree_view, self.detail, id="panes")
        yield Footer()

    # -- following the fleet ------------------------------------------------------

    def on_mount(self) -> None:
        self._end = self.fleet.subscribe(self._note)
        self.set_timer(SETTLED, self.viewing.make_ready)
        self.noticing.begin()
        self.set_interval(AGAIN, self.viewing.look_again)
        self.set_interval(60, self._tick)  # ages and the clock; nothing is sent in between while nothing changes
        self.tree_view.focus()
        self.show()

    def on_unmount(self) -> None:
        self._end()

    def on_screen_resume(self) -> None:
        self._follow()
        self.call_later(self.noticing.look)

    def _note(self, changes: list[Change]) -> None:
        self._changed.update(change.node.id for change in changes)
        if self._frame is None and self.is_current:
            self._frame = self.set_timer(FRAME, self._follow)

    def _follow(self) -> None:
        self._frame = None
        changed, self._changed = self._changed, set()
        self.outline.refresh(changed)
        self.outline.refresh_sources()
        self.tree_view.follow()
        self.show()

    def _tick(self) -> None:
        self.tree_view.repaint()
        self.show()

    def show(self) -> None:
        """Have the lines around the tree, and the pane beside it, say what is the case now."""
        self.status.show(self._situation())
        path = f" {self.tree_view.glyphs.folded} ".join(self.tree_view.path)
        faults = f" {self.tree_view.glyphs.dot} faults only" if self.viewing.faults else ""
        self.bar.show(self.outline.grouping.title + faults, self.outline.matching, len(self.fleet), path)
        self.detail.show(self._subject())

    def _subject(self) -> Subject | None:
        """What the cursor is on."""
        row = self.tree_view.row
        if row is None or row.node is not None:
            return row.node if row else None
        by_source = self.outline.grouping is BY_SOURCE
        return self.fleet.sources.get(row.name, row) if by_source else row

    def _situation(self) -> Situation:
        sources = tuple(self.fleet.sources.values())
        return Situation(
            self.live.estate.name, self.outline.census, len(self.marks), sources, self.clock(), self.read_only,
            tuple(self.notices),
        )  # fmt: skip

    def on_resize(self) -> None:
        self.set_class(self.size.width < WIDE, "-narrow")

    def on_fleet_tree_moved(self) -> None:
        if self._back_to is not None and (node := self.tree_view.node) and node.id != self._back_to[0]:
            self._let_go()
        self.call_after_refresh(self.show)  # the cursor is seen first, then what it is on

    # -- the filter -----------------------------------------------------------------

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self.viewing.filter_by(event.text)

    async def _complete(self, text: str) -> str | None:
        return await self.viewing.complete(text)

    def on_filter_bar_left(self) -> None:
        self.tree_view.focus()
        self.show()

    # -- moving -----------------------------------------------------------------------

    def _by(self, rows: int) -> None:
        if self.detail.has_focus_within:
            self.detail.scroll_by(rows)
        else:
            self.tree_view.move(self.tree_view.cursor + rows)

    @property
    def _page(self) -> int:
        return self.query_one("#panes").size.height

    def action_down(self) -> None:
        self._by(1)

    def action_up(self) -> None:
        self._by(-1)

    def action_page_down(self) -> None:
        self._by(self._page - 2)

    def action_page_up(self) -> None:
        self._by(2 - self._page)

    def action_first(self) -> None:
        self._by(-FAR)

    def action_last(self) -> None:
        self._by(FAR)

    def action_next(self) -> None:
        self._to(1)

    def action_previous(self) -> None:
        self._to(-1)

    def _to(self, step: int) -> None:
        found = self.outline.next(self.tree_view.cursor, step)
        if found is not None:
            self.tree_view.move(found)
        else:
            way, what = ("below" if step > 0 else "above"), ("match" if self.outline.filtered else "trouble")
            self.console.say(f"no further {what} {way}")

    # -- looking ------------------------------------------------------------------------

    def action_open(self) -> None:
        row = self.tree_view.row
        if row is not None and row.node is None:
            self.outline.fold(row, opened=not self.outline.is_open(row))
            self.tree_view.follow()
        elif row is not None:
            self.travelling.looked_at()
            self._look()

    def _look(self, tab: Tab | None = None) -> None:
        self.add_class("-closer")
        self.detail.show(self._subject(), tab)
        self.detail.take_focus()

    def action_back(self) -> None:
        if self.has_class("-closer"):
            self.remove_class("-closer")
            self.tree_view.focus()
        elif self._back_to is not None:
            _, screen = self._back_to
            self._back_to = None
            self.app.uninstall_screen(screen)
            self.app.push_screen(screen)
        elif self.bar.text:
            self.bar.put("")

    def visit(self, node_id: NodeId, back_to: Screen[None], called: str) -> None:
        """Leave a screen for a node, whatever hides it; esc leads back until the cursor goes elsewhere."""
        self._let_go()
        self.app.install_screen(back_to, f"left-{id(back_to)}")  # or it would not survive being left
        self._back_to = (node_id, back_to)
        while self.app.screen is not self:
            self.app.pop_screen()
        self.travelling.jump(node_id)
        self.console.say(f"esc goes back to {called}")

    def go_to(self, node_id: NodeId) -> None:
        """Put the cursor on a node, whatever hides it; a filter that does is cleared."""
        self._follow()
        if self.outline.reveal(node_id) is None:
            self.viewing.show_all()
        at = self.outline.reveal(node_id)
        self.tree_view.follow()
        self.tree_view.move(at if at is not None else self.tree_view.cursor)
        self.show()

    def _let_go(self) -> None:
        if self._back_to is not None:
            _, screen = self._back_to
            self._back_to = None
            self.app.uninstall_screen(screen)
            screen.remove()

    def action_pane(self) -> None:
        if self.detail.has_focus_within:
            self.action_back()
        else:
            self._look()

    def action_overview(self) -> None:
        self._look(Tab.OVERVIEW)

    def action_describe(self) -> None:
        self._look(Tab.DESCRIBE)

    def action_recent_logs(self) -> None:
        self._look(Tab.LOGS)

    def action_events(self) -> None:
        self._look(Tab.EVENTS)

    def action_recent_changes(self) -> None:
        self._look(Tab.CHANGES)

    def action_changes(self) -> None:
        from calmtui.tui.screens.changes import ChangesScreen  # not needed for the first paint

        self._let_go()
        self.app.push_screen(ChangesScreen(self))

    # -- marks --------------------------------------------------------------------------

    def action_mark(self) -> None:
        row = self.tree_view.row
        if row is not None:
            self.marks.toggle([node.id for node in self.outline.within(row)])
            self._marked()
            if row.node is not None:
                self.tree_view.move(self.tree_view.cursor + 1)

    def action_mark_span(self) -> None:
        if self.outline.rows:
            self.marks.span(self.outline.rows, self.tree_view.cursor)
            self._marked()

    def action_mark_shown(self) -> None:
        self.marks.put(node.id for node in self.outline.matches())
        self._marked()

    def action_mark_invert(self) -> None:
        self.marks.invert(node.id for node in self.outline.matches())
        self._marked()

    def action_mark_clear(self) -> None:
        self.mark_only(())

    def mark_only(self, ids: Iterable[NodeId]) -> None:
        """Mark these nodes in place of what is marked."""
        self.marks.replace(ids)
        self._marked()

    def _marked(self) -> None:
        self.viewing.look_again()
        self.tree_view.repaint()
        self.show()
        self.post_message(self.Marked())

    def chosen(self) -> list[Node]:
        """What an action is for: the marked nodes that are there; with none marked, what is under the cursor."""
        marked = [node for node_id in self.marks if (node := self.fleet.get(node_id)) is not None]
        row = self.tree_view.row
        found = marked or (list(self.outline.within(row)) if row is not None else [])
        return sorted(found, key=lambda node: node.id)
