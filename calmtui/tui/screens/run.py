"""A run as it goes on, whoever carries it out: its batches, its nodes and their steps, and what a step prints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen

from calmtui import sanitise
from calmtui.errors import CalmError
from calmtui.fleet.node import NodeId
from calmtui.runbooks.board import TROUBLE, Board
from calmtui.runbooks.journal import Journal, Run
from calmtui.tui import keys, run_head
from calmtui.tui.glyphs import of_locale
from calmtui.tui.run_batches import Batches
from calmtui.tui.run_matrix import Fold, Matrix
from calmtui.tui.run_output import output
from calmtui.tui.run_verbs import RunVerbs
from calmtui.tui.watching import Watching
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still
from calmtui.tui.widgets.why import Why

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

POLL = 0.25
"""Seconds between two looks at the journal, while the screen is in front."""
TICK = 1.0
"""Seconds between two repaints of clocks while nothing happens."""


class RunScreen(Screen[None]):
    """One run. Leaving the screen does not end it."""

    where = "run"
    BINDINGS = keys.bindings("run")
    DEFAULT_CSS = """
    RunScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > #about { height: 1; color: $text-muted; }
        & > #waits { height: auto; max-height: 3; color: $text-warning; display: none; }
        &.-waits > #waits { display: block; }
        & > #batches { height: auto; }
        & > FilterBar { display: none; }
        &.-filter > FilterBar { display: block; }
        & > #columns { height: 1; color: $text-muted; background: $panel; }
        & > #nodes { height: 1fr; }
        & > #title { display: none; height: 1; background: $panel; color: $text-muted; }
        & > #output { display: none; height: 45%; }
        &.-output > #title { display: block; }
        &.-output > #output { display: block; }
        & > Rows:focus { background: $surface; }
    }
    """

    class Mark(Message):
        """Posted when nodes are to be marked in the fleet in place of those that are."""

        def __init__(self, nodes: Sequence[NodeId]) -> None:
            super().__init__()
            self.nodes = nodes
            """Their ids."""

    def __init__(self, journal: Journal, run: Run) -> None:
        super().__init__()
        self.watching = Watching(journal, run)
        self.matrix: Matrix | None = None
        """None until the plan is read."""
        self.verbs = RunVerbs(self)
        self.parts = (self.verbs,)
        """What carries out commands beside the screen itself."""
        self.of_no_use: frozenset[str] = frozenset()
        """Commands that can do nothing as the run stands: the last line leaves them out, their keys say why."""
        self._batches: Batches | None = None
        self._lines: list[list[Span]] = []
        """The output that is shown."""
        self._drawn_at = 0.0
        self._node: NodeId | None = None
        """The node that the cursor was put on: it stays there when rows move."""
        self._at = 0
        """The row that the cursor was in when the nodes were last listed."""
        self.signs = of_locale()

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Still(id="about")
        yield Still(id="waits")
        yield Still(id="batches")
        yield FilterBar()
        yield Still(id="columns")
        yield Rows(self._node_row, id="nodes")
        yield Still(id="title")
        yield Rows(self._output_row, id="output")
        yield Why()
        yield Footer()

    def on_mount(self) -> None:
        self.nodes.focus()
        self.query_one("#head", Still).tell(f" {sanitise.word(self.run_now.runbook)}")
        self.query_one("#about", Still).tell(" reading")
        self.set_interval(POLL, self.look)
        self.call_later(self.look)

    @property
    def run_now(self) -> Run:
        """The run as it stood at the last look."""
        return self.watching.run

    @property
    def board(self) -> Board | None:
        """How its nodes stand; None until the first look."""
        return self.watching.board

    @property
    def nodes(self) -> Rows:
        """A row for each node that is not folded away."""
        return self.query_one("#nodes", Rows)

    @property
    def console(self) -> CalmApp:
        """The app that it is a screen of."""
        return cast("CalmApp", self.app)

    def clock(self) -> float:
        """The time that is shown, and that lengths are counted to: seconds since the epoch."""
        return time.time()

    # -- following the journal --------------------------------------------------------

    async def look(self) -> None:
        """Take in what has happened, and show it; while it is under way, the clocks too."""
        if not self.is_current:
            return
        self.console.notice.seen(self.run_now.id)
        try:
            changed = await self.watching.look()
        except CalmError as error:
            self.say(str(error), trouble=True)
            return
        board = self.board
        if board is None:
            return
        if self.matrix is None or self.matrix.board is not board:
            self._begin(board)
            changed = True
        if changed or (not self.run_now.standing.ended and time.monotonic() - self._drawn_at >= TICK):
            self.show()

    def _begin(self, board: Board) -> None:
        """Show another board than before: the first one, or that of a further attempt."""
        opened = self.matrix.opened if self.matrix is not None else None
        self.matrix, self._batches = Matrix(board, self.signs), Batches(board, self.signs)
        if opened is not None:
            self.matrix.opened = opened

    def show(self) -> None:
        """Draw how things stand."""
        if self.matrix is None or self._batches is None:
            return
        self._drawn_at = time.monotonic()
        now, watching = self.clock(), self.watching
        run, board = watching.run, self.matrix.board
        self.query_one("#head", Still).tell(
            run_head.first(run, board, watching.earlier, now, self.signs, self.size.width)
        )
        self.query_one("#about", Still).tell(run_head.second(run, board, watching.earlier, self.signs, self.size.width))
        waits = self.verbs.waits()
        self.set_class(bool(waits), "-waits")
        self.query_one("#waits", Still).tell(f" {waits}")
        batches = [self._text(row) for row in self._batches.rows(self.size.width)]
        self.query_one("#batches", Still).tell(Text("\n").join(batches))
        if (of_no_use := self.verbs.of_no_use()) != self.of_no_use:
            self.of_no_use = of_no_use
            self.query_one(Footer).refresh()
        self._arrange()
        self._show_output()

    def _arrange(self) -> None:
        """List the nodes as they stand; the cursor stays on its node while that is listed."""
        assert self.matrix is not None, "the plan was read"
        if self.nodes.cursor != self._at:  # a key has moved it a moment ago
            self._follow_cursor()
        self.matrix.arrange()
        at = self.matrix.find(self._node) if self._node is not None else None
        self.nodes.show(self.matrix.count)
        if at is not None and at != self.nodes.cursor:
            with self.prevent(Rows.Moved):
                self.nodes.move(at)
        self._at = self.nodes.cursor
        self.query_one("#columns", Still).tell(self._text(self.matrix.head(self.size.width)))
        bar = self.query_one(FilterBar)
        bar.show("standing", self.matrix.count, len(self.matrix.board.plan.nodes))

    def _text(self, spans: Sequence[Span]) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        for told, meaning in spans:
            text.append(told, self.nodes.style(meaning) or "")
        return text

    def _node_row(self, index: int) -> Sequence[Span]:
        return self.matrix.draw(index, self.size.width, self.clock()) if self.matrix is not None else []

    def on_rows_moved(self) -> None:
        if self.nodes.has_focus:
            self._follow_cursor()
            self._show_output()

    def _follow_cursor(self) -> None:
        """Note on which node the cursor was put."""
        here = self.here
        self._node = here if isinstance(here, str) else None
        self._at = self.nodes.cursor

    def on_rows_chosen(self) -> None:
        if self.nodes.has_focus:
            self.on_rows_moved()

    def on_resize(self) -> None:
        self.show()

    @property
    def here(self) -> NodeId | Fold | None:
        """What is under the cursor."""
        return self.matrix.at(self.nodes.cursor) if self.matrix is not None else None

    def say(self, text: str, *, trouble: bool = False) -> None:
        """Say something in the last line."""
        self.query_one(Footer).say(text, trouble=trouble)

    # -- output -----------------------------------------------------------------------

    def _show_output(self) -> None:
        """What the steps of the node have printed that the cursor was put on; at its end, it is followed."""
        node, board = self._node, self.board
        if not self.has_class("-output") or board is None:
            return
        lines = output(board, node, self.signs) if node is not None else []
        rows = self.query_one("#output", Rows)
        at_end = rows.cursor >= rows.count - 1 or rows.count == 0
        if lines != self._lines:
            self._lines = lines
            rows.show(len(lines))
        if at_end or not rows.has_focus:
            with self.prevent(Rows.Moved):
                rows.move(len(lines) - 1)
        name = self.matrix.name(node) if self.matrix is not None and node is not None else "no node is under the cursor"
        self.query_one("#title", Still).tell(f" {name}")

    def _output_row(self, index: int) -> Sequence[Span]:
        return self._lines[index]

    def action_open(self) -> None:
        """Fold or unfold a group; of a node, show what its steps print, or no more."""
        here = self.here
        if isinstance(here, Fold) and self.matrix is not None:
            self.matrix.fold(here)
            self.show()
        elif self.has_class("-output"):
            self._close_output()
        else:
            self.action_output()

    def action_output(self) -> None:
        """Show what the steps of the node print."""
        self.add_class("-output")
        self.query_one("#output", Rows).show(0)
        self._lines = []
        self.on_rows_moved()
        self.call_after_refresh(self._show_output)

    def _close_output(self) -> None:
        self.remove_class("-output")
        self.nodes.focus()

    def action_pane(self) -> None:
        """Into the output and back."""
        if not self.has_class("-output"):
            self.action_output()
        (self.nodes if self.query_one("#output").has_focus else self.query_one("#output")).focus()

    # -- nodes ------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the nodes that have failed, or of which it is not known, in the fleet."""
        board = self.board
        bad = [node for status in TROUBLE for node in board.standing[status]] if board is not None else []
        known = [node for node in bad if self.console.live.fleet.get(node) is not None]
        if known:
            self.post_message(self.Mark(known))
            other = f"; {len(bad) - len(known)} are not in this fleet" if len(known) < len(bad) else ""
            self.say(f"{len(known)} marked in the fleet{other}")
        else:
            self.say("none of them is in this fleet" if bad else "nothing failed")

    def action_tree(self) -> None:
        """Go to the node in the fleet; esc comes back."""
        here = self.here
        if not isinstance(here, str):
            self.say("put the cursor on a node")
        elif self.console.live.fleet.get(here) is None:
            self.say(f"{here} is not in this fleet")
        else:
            self.console.fleet_screen.visit(here, self, "the run")

    def action_next(self) -> None:
        self._to(1)

    def action_previous(self) -> None:
        self._to(-1)

    def _to(self, step: int) -> None:
        """The next node that has failed."""
        assert self.board is not None, "there are rows"
        last = sum(len(self.board.standing[status]) for status in TROUBLE) - 1
        if last < 0:
            self.say("nothing failed")
        else:
            self.nodes.move(max(min(self.nodes.cursor + step, last), 0))

    def action_filter(self, words: str) -> None:
        self.add_class("-filter")
        bar = self.query_one(FilterBar)
        if words:
            bar.put(words)
        else:
            bar.type()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        if self.matrix is not None:
            self.matrix.words = tuple(event.text.lower().split())
            self.show()

    def on_filter_bar_left(self) -> None:
        self.set_class(bool(self.query_one(FilterBar).text), "-filter")
        self.nodes.focus()

    def action_copy(self) -> None:
        """How every node stands, to the clipboard."""
        if (board := self.board) is not None:
            told = [(node.id, *board.outcome(node.id)) for node in board.plan.nodes]
            self.app.copy_to_clipboard("\n".join(f"{status}\t{node}\t{detail}" for node, status, detail in told))
            self.say(f"{len(told)} lines copied")

    def action_back(self) -> None:
        """One thing less: the output, then the filter, then the screen."""
        if self.has_class("-output"):
            self._close_output()
        elif self.query_one(FilterBar).text:
            self.query_one(FilterBar).put("")
        else:
            self.app.pop_screen()

    # -- answers to questions -------------------------------------------------------------

    def on_why_given(self, event: Why.Given) -> None:
        self.nodes.focus()
        self.verbs.answered(event.text)

    def on_why_left(self) -> None:
        self.nodes.focus()
