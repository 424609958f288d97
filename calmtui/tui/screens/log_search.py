"""What a search of logs finds where they are: how much on each node and when, then the lines, while the log goes on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker

from calmtui import sanitise
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.logs.asking import Asked
from calmtui.logs.block import Origins, block_of
from calmtui.logs.filters import Filter
from calmtui.logs.follow import Follower
from calmtui.logs.line import LogLine
from calmtui.logs.results import NodeResult, Piece, Results
from calmtui.logs.search import Ended, search
from calmtui.providers.base import Finding, Remark
from calmtui.tui import keys, log_found
from calmtui.tui.screens.lines import LinesScreen
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.log_prompt import LogPrompt
from calmtui.tui.widgets.log_rail import LogRail
from calmtui.tui.widgets.log_view import LogView
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

if TYPE_CHECKING:
    from calmtui.tui.log_searching import Searching

LOOK = 0.2
"""Seconds between two looks at the figures."""


class LogSearchScreen(LinesScreen):
    """The nodes with their counts over the lines that were found. The search ends with it, or when it is left."""

    where = "search"
    BINDINGS = keys.bindings("search")
    DEFAULT_CSS = """
    LogSearchScreen {
        & #head { height: 1; color: $text-muted; }
        & #bars { height: auto; color: $text-muted; }
        & Rows { height: auto; max-height: 20%; border-bottom: solid $panel; }
        & #said { height: auto; max-height: 6; padding: 0 1; color: $text-muted; display: none; }
        & #lines { height: 1fr; }
    }
    """

    class Mark(Message):
        """Posted when the nodes that hold what was searched for are to be marked in the fleet, and no others."""

        def __init__(self, nodes: list[NodeId]) -> None:
            super().__init__()
            self.nodes = nodes

    def __init__(self, live: LiveEstate, follower: Follower, asked: Asked, searching: Searching) -> None:
        """Search the nodes that are followed. Raises UsageError for an expression that cannot be compiled."""
        self._request = asked.request()
        self._mark = asked.pattern()
        self._streams = follower.streams
        self._corrected = follower.corrected
        self._asked = asked
        self._searching = searching
        names = Counter(stream.node.name for stream in follower.streams.values())
        self._twice = {name for name, count in names.items() if count > 1}
        self._name_width = min(max(map(len, names), default=0), log_found.NAME)
        self.results = Results()
        self.results.nodes = {node_id: NodeResult(stream.node) for node_id, stream in follower.streams.items()}
        self._remarks: dict[NodeId, list[str]] = {node_id: [] for node_id in follower.streams}
        self._ordered = log_found.ordered(self.results)
        self._pieces = 0
        """Pieces whose lines are shown."""
        self._number = 0
        self._origins = Origins()
        self._began = time.monotonic()
        self._took = 0.0
        self._state = "searching"
        self._told = False
        """The figures are shown as they will stay."""
        self._worker: Worker[None] | None = None
        super().__init__(live, LogView(self._called), self._called)
        self._signs = self.view.look.signs

    def _called(self, line: LogLine) -> str:
        origin = line.origin
        return origin.node_id if origin.node in self._twice else origin.node

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Still(id="bars")
        yield Rows(self._row)
        yield Still(id="said")
        yield Horizontal(self.view, LogRail(self.view), id="lines")
        yield self.detail
        yield LogPrompt()
        yield Footer()

    def on_mount(self) -> None:
        self.set_focus(self.view)
        self.view.search(self._mark)
        self._worker = self.run_worker(self._search(), name="search", exit_on_error=False)
        self.set_interval(LOOK, self._look)

    async def _search(self) -> None:
        nodes = [stream.node for stream in self._streams.values()]
        try:
            async with aclosing(search(self.live, nodes, self._request)) as findings:
                async for node, finding in findings:
                    self._take(node, finding)
            self._state = "done"
        finally:
            if self._state == "searching":
                self._state = "stopped"
            self._took = time.monotonic() - self._began

    def _take(self, node: Node, finding: Finding | Ended) -> None:
        self.results.take(node, finding)
        if isinstance(finding, Remark):
            told = ": ".join(filter(None, (sanitise.word(finding.stream), sanitise.word(finding.text))))
            self._remarks[node.id].append(told)
        came = self.results.arrived(self._pieces)
        self._pieces += len(came)
        if came and self.view.feed(block_of(self._placed(came), self._origins).ordered()):
            self.view.repaint()

    def _placed(self, pieces: Sequence[Piece]) -> list[LogLine]:
        """The lines of pieces where they would stand in the log that is followed: by clocks put right, if those are."""
        placed = []
        for piece in pieces:
            for row in piece:
                self._number += 1
                skew = self._streams[row.line.origin.node_id].skew if self._corrected and row.line.at else 0
                placed.append(msgspec.structs.replace(row.line, at=row.line.at - skew, seq=self._number))
        return placed

    # -- how far it is -----------------------------------------------------------------

    @property
    def searching(self) -> bool:
        """Whether nodes are still being searched."""
        return self._state == "searching"

    def _look(self) -> None:
        """Filter some more of the lines; show what has come to be known."""
        if self.view.feed(None):
            self.view.repaint()
        self.query_one(LogRail).show()
        if self.searching or not self._told:
            self._told = not self.searching
            self._tell()

    def _tell(self) -> None:
        state, took = self._state, self._took
        if self.searching:
            left = sum(not result.ended for result in self.results.nodes.values())
            state, took = f"searching {left:,}, esc stops", time.monotonic() - self._began
        head = log_found.first_line(self._asked, self.results, took, state, self._signs, self.size.width)
        self.query_one("#head", Still).tell(head)
        bars = log_found.bar_line(self.results, self._request.bucket, self._signs, self.size.width)
        self.query_one("#bars", Still).tell(bars)
        rows, here = self.query_one(Rows), self.node
        self._ordered = log_found.ordered(self.results)
        rows.show(len(self._ordered))
        if rows.has_focus and self.node is not here:
            rows.move(self._ordered.index(here))
        self._explain()

    def on_resize(self) -> None:
        self._tell()

    @property
    def node(self) -> NodeResult:
        """The node under the cursor of the counts."""
        return self._ordered[self.query_one(Rows).cursor]

    def _row(self, index: int) -> Sequence[Span]:
        result = self._ordered[index]
        return log_found.row(result, self._remarks[result.node.id], self._name_width, self._signs)

    def on_rows_moved(self) -> None:
        self._explain()

    def on_descendant_focus(self) -> None:
        self._explain()

    def _explain(self) -> None:
        """In full what is to be known of the node under the cursor, while the counts have the keys."""
        said = self.query_one("#said", Still)
        told = log_found.said_of(self.node, self._remarks[self.node.node.id])
        said.display = self.query_one(Rows).has_focus and bool(told)
        said.tell("\n".join(told))

    # -- commands ------------------------------------------------------------------------

    @property
    def _others(self) -> list[Widget]:
        return [self.query_one(Rows)]

    def _rows_to(self, rows: int) -> bool:
        """Move in the counts, if the keys are for them."""
        counts = self.query_one(Rows)
        if counts.has_focus:
            counts.move(counts.cursor + rows)
        return counts.has_focus

    def action_down(self) -> None:
        if not self._rows_to(1):
            super().action_down()

    def action_up(self) -> None:
        if not self._rows_to(-1):
            super().action_up()

    def action_open(self) -> None:
        """A line: look closer at it, or no more. A node: only its lines, or those of all again."""
        if self.query_one(Rows).has_focus:
            self._solo()
        else:
            super().action_open()

    def on_rows_chosen(self) -> None:
        self._solo()

    def _solo(self) -> None:
        wanted = frozenset({(self.node.node.id, None)})
        self.view.show(Filter() if self.view.shown.filter.solo == wanted else Filter(solo=wanted))

    def action_jump(self) -> None:
        line = self.view.current
        if line is None:
            self.say("there is no line to go to")
        else:
            self._searching.show(line)

    def action_mark(self) -> None:
        """Mark the nodes that hold what was searched for."""
        nodes = [result.node.id for result in self._ordered if result.matches]
        if nodes:
            self.post_message(self.Mark(nodes))
        self.say(
            f"{len(nodes):,} node{'s' * (len(nodes) != 1)} marked in the fleet, and no others"
            if nodes
            else "no node holds it, the marks stay as they are"
        )

    def action_grep(self, typed: str) -> None:
        """Search for something else."""
        if typed:
            self._searching.begin(typed)
        else:
            self._searching.ask(self)

    def action_back(self) -> None:
        """One thing less: the closer look, the search while it goes on, one node's lines, then the screen."""
        if self.detail.display:
            super().action_open()
        elif self.searching and self._worker is not None:
            self._worker.cancel()
        elif self.view.shown.filter != Filter():
            self.view.show(Filter())
        else:
            self.app.pop_screen()
