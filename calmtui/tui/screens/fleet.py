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

from calmtui.errors import UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.grouping import BY_SOURCE, GROUPINGS, ORDERS, grouping
from calmtui.fleet.marks import Marks
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.outline import Outline
from calmtui.fleet.source import Health
from calmtui.fleet.update import Change
from calmtui.tui import glyphs, keys
from calmtui.tui.widgets.detail import Detail, Subject, Tab
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.status_line import Situation, StatusLine
from calmtui.tui.widgets.tree import FleetTree

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

FRAME = 1 / 20
"""Seconds between two repaints while things change; none while nothing does."""
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

    def __init__(self, live: LiveEstate, marked: Iterable[NodeId] = (), *, read_only: bool = False) -> None:
        super().__init__()
        self.live = live
        self.fleet = live.fleet
        self.read_only = read_only
        self.outline = Outline(self.fleet)
        self.marks = Marks(marked)
        signs = glyphs.of_locale()
        self.status = StatusLine(self._situation(), signs)
        self.bar = FilterBar()
        self.tree_view = FleetTree(self.outline, self.marks, signs)
        self.detail = Detail(live, signs)
        self._changed: set[NodeId] = set()
        self._frame: Timer | None = None

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
        self.set_interval(60, self._tick)  # ages and the clock; nothing is sent in between while nothing changes
        self.tree_view.focus()
        self._show()

    def on_unmount(self) -> None:
        self._end()

    def on_screen_resume(self) -> None:
        self._follow()

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
        self._show()

    def _tick(self) -> None:
        self.tree_view.repaint()
        self._show()

    def _show(self) -> None:
        self.status.show(self._situation())
        self.bar.show(self.outline.grouping.title, self.outline.matching, len(self.fleet))
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
            self.live.estate.name, self.outline.census, len(self.marks), sources, time.time(), self.read_only
        )

    def on_resize(self) -> None:
        self.set_class(self.size.width < WIDE, "-narrow")

    def on_fleet_tree_moved(self) -> None:
        self._show()

    # -- the filter -----------------------------------------------------------------

    def action_filter(self, query: str) -> None:
        if query:
            self.bar.put(query)
        else:
            self.bar.type()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        from calmtui.estate.around import around  # not needed for the first paint
        from calmtui.fleet.query import QueryError, compile_query

        try:
            matches = compile_query(event.text, around(self.live, self.marks)) if event.text else None
        except QueryError as error:
            self.bar.complain(error)  # the last filter that could be read stays on
            return
        self.bar.complain(None)
        node = self.tree_view.node
        self.outline.filter(matches)
        if matches is None and node is not None:  # the node is still the question, so it stays in sight
            self.outline.reveal(node.id)
        self.tree_view.follow()
        if self.bar.has_class("-typing") and matches is not None and (first := self.outline.next(-1, 1)) is not None:
            self.tree_view.move(first)
        self._show()

    def on_filter_bar_left(self) -> None:
        self.tree_view.focus()
        self._show()

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

    def action_fold(self) -> None:
        row = self.tree_view.row
        if row is None:
            return
        if row.children and self.outline.is_open(row):
            self.outline.fold(row, opened=False)
            self.tree_view.follow()
        elif row.container is not None and (above := self.outline.index(row.container.id)) is not None:
            self.tree_view.move(above)

    def action_unfold(self) -> None:
        row = self.tree_view.row
        if row is None or not row.children:
            return
        if self.outline.is_open(row):
            self.tree_view.move(self.tree_view.cursor + 1)
        else:
            self.outline.fold(row, opened=True)
            self.tree_view.follow()

    def action_fold_all(self) -> None:
        self.outline.fold_all(opened=False)
        self.tree_view.follow()

    def action_unfold_all(self) -> None:
        self.outline.fold_all(opened=True)
        self.tree_view.follow()

    # -- looking ------------------------------------------------------------------------

    def action_open(self) -> None:
        row = self.tree_view.row
        if row is not None and row.node is None:
            self.outline.fold(row, opened=not self.outline.is_open(row))
            self.tree_view.follow()
        elif row is not None:
            self._look()

    def _look(self, tab: Tab | None = None) -> None:
        self.add_class("-closer")
        self.detail.show(self._subject(), tab)
        self.detail.take_focus()

    def action_back(self) -> None:
        if self.has_class("-closer"):
            self.remove_class("-closer")
            self.tree_view.focus()
        elif self.bar.text:
            self.bar.put("")

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

    def action_group(self, by: str) -> None:
        """Group by that; without a name, by the next one."""
        known = [known.name for known in GROUPINGS]
        now = self.outline.grouping.name
        name = by or known[(known.index(now) + 1) % len(known) if now in known else 0]
        self.outline.regroup(grouping(name))
        self._found_again()

    def action_order(self, order: str) -> None:
        """Sort by that; without a name, by the other one."""
        name = order or next(name for name, key in ORDERS.items() if key is not self.outline.order)
        if name not in ORDERS:
            raise UsageError(f"there is no order {name!r}", next_step=f"there are {', '.join(ORDERS)}")
        self.outline.reorder(ORDERS[name])
        self._found_again()
        self.console.say("trouble first" if name == "trouble" else "by name")

    def _found_again(self) -> None:
        """After everything changed its place: bring the node that the cursor was on into sight."""
        node = self.tree_view.node
        self.tree_view.follow()
        if node is not None and (at := self.outline.index(node.id)) is not None:
            self.tree_view.move(at)
        self._show()

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
        self.tree_view.repaint()
        self._show()
        self.post_message(self.Marked())

    def chosen(self) -> list[Node]:
        """What an action is for: the marked nodes that are there; with none marked, what is under the cursor."""
        marked = [node for node_id in self.marks if (node := self.fleet.get(node_id)) is not None]
        row = self.tree_view.row
        found = marked or (list(self.outline.within(row)) if row is not None else [])
        return sorted(found, key=lambda node: node.id)

    # -- acting --------------------------------------------------------------------------

    def action_logs(self) -> None:
        from calmtui.tui.screens.logs import LogsScreen  # not needed for the first paint

        if nodes := self._chosen_or_say():
            self.app.push_screen(LogsScreen(self.live, nodes))

    def action_actions(self) -> None:
        from calmtui.tui.screens.actions import ActionsScreen  # not needed for the first paint

        if nodes := self._chosen_or_say():
            hidden = sum(1 for node in nodes if (row := self.outline.row(node.id)) is None or not row.match)
            self.app.push_screen(ActionsScreen(self.live, nodes, hidden, self.read_only))

    def _chosen_or_say(self) -> list[Node]:
        nodes = self.chosen()
        if not nodes:
            self.console.say("nothing is marked, and there is no node under the cursor")
        return nodes

    def action_shell(self) -> None:
        from calmtui.tui.shell import open_shell  # not needed for the first paint

        if self.tree_view.node is None:
            self.console.say("a shell opens on one node: put the cursor on it")
        else:
            self.app.run_worker(open_shell(self.console, self.live, self.tree_view.node), name="shell")

    def action_retry(self, source: str) -> None:
        """Try that source again; without a name, every failing one."""
        if source and source not in self.fleet.sources:
            raise UsageError(f"there is no source {source!r}", next_step=f"there are {', '.join(self.fleet.sources)}")
        failing = (Health.STALE, Health.PARTIAL)
        again = [source] if source else [name for name, told in self.fleet.sources.items() if told.health in failing]
        for name in again:
            self.live.gatherer.retry(name)
        self.console.say(f"trying {', '.join(again)} again" if again else "no source is failing")

    def action_copy(self) -> None:
        nodes = self._chosen_or_say()
        if nodes:
            self.app.copy_to_clipboard("\n".join(node.id for node in nodes))
            self.console.say(f"copied {nodes[0].id}" if len(nodes) == 1 else f"copied {len(nodes)} ids")
