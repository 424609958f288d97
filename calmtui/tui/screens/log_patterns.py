"""What a log says, folded: one row for each template, with how often, since when and where it was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen

from calmtui.fleet.hostset import fold
from calmtui.fleet.moment import moment
from calmtui.fleet.node import NodeId, State
from calmtui.logs.level import Level
from calmtui.logs.line import SECOND
from calmtui.logs.patterns.expression import expression
from calmtui.logs.patterns.template import Template
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.log_folding import Folding
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

LOOK = 1.0
"""Seconds between two looks at the figures."""
LATELY = 600
"""Seconds: what is new is new within them, unless it is said since when."""
NODES = 24
"""Columns for the nodes, at the most."""


class LogPatternsScreen(Screen[None]):
    """The templates of a log. `filtered` is called with what is typed to filter by one, and whether to hide it."""

    where = "patterns"
    BINDINGS = keys.bindings("patterns")
    DEFAULT_CSS = """
    LogPatternsScreen {
        & #head { height: 1; color: $text-muted; }
        & #example { height: 2; color: $text-muted; }
    }
    """

    class Mark(Message):
        """Posted when the nodes of a pattern are to be marked in the fleet, and no others."""

        def __init__(self, nodes: list[NodeId]) -> None:
            super().__init__()
            self.nodes = nodes

    def __init__(
        self, folding: Folding, names: Mapping[NodeId, str], filtered: Callable[[str, bool], None], since: int | None
    ) -> None:
        super().__init__()
        self._folding = folding
        self._names = names
        self._filtered = filtered
        self._moment = since if since is not None else time.time_ns() - LATELY * SECOND
        """Since when what is new is new."""
        self._since: int | None = None
        self._only: list[NodeId] | None = None
        """The nodes on which alone patterns are to be seen."""
        self._templates: list[Template] = []
        self._node_width = self._clock_width = 0
        self._signs = of_locale()

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield Rows(self._row)
        yield Still(id="example")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self.set_interval(LOOK, self._look)
        self._look()

    @property
    def template(self) -> Template | None:
        """The one under the cursor."""
        return self._templates[self.query_one(Rows).cursor] if self._templates else None

    def _look(self) -> None:
        rows, here = self.query_one(Rows), self.template
        self._templates = self._folding.patterns.table(self._since, self._only)
        longest = max((len(self._nodes_of(template)) for template in self._templates), default=0)
        self._node_width = min(longest, NODES)
        self._clock_width = max((len(_clock(template.first)) for template in self._templates), default=0)
        rows.show(len(self._templates))
        numbers = [template.number for template in self._templates]
        if here is not None and here.number in numbers and numbers[rows.cursor] != here.number:
            rows.move(numbers.index(here.number))
        self._tell()

    def _tell(self) -> None:
        dot = f" {self._signs.dot} "
        parts = [f"patterns{dot}{len(self._templates):,} of {self._folding.patterns.lines:,} lines"]
        if self._since is not None:
            parts.append(f"new since {_clock(self._since)}")
        if self._only is not None:
            parts.append(f"only on {fold(self._called(self._only))}")
        if self._folding.waiting:
            parts.append(f"{self._folding.waiting:,} lines to go")
        if self._folding.left_out:
            parts.append(f"{self._folding.left_out:,} lines left out")
        self.query_one("#head", Still).tell(f" {dot.join(parts)}")
        template = self.template
        told = "" if template is None else f" {fold(self._called(template.nodes))}\n {template.exemplar}"
        self.query_one("#example", Still).tell(told or " nothing that fits")

    def _called(self, nodes: Sequence[NodeId] | Mapping[NodeId, int]) -> list[str]:
        return sorted(self._names.get(node, node) for node in nodes)

    def _nodes_of(self, template: Template) -> str:
        nodes = fold(self._called(template.nodes))
        return nodes if len(nodes) <= NODES else f"{len(template.nodes)} nodes"

    def _row(self, index: int) -> Sequence[Span]:
        template = self._templates[index]
        grave = template.level >= Level.ERROR
        meaning = "error" if grave else "warn" if template.level is Level.WARN else ""
        sign = self._signs.states[State.FAILED if grave else State.DEGRADED] if meaning else " "
        nodes = self._nodes_of(template)
        first = f"{_clock(template.first):>{self._clock_width}}"
        return [
            (f"{sign} ", meaning), (f"{template.count:>9,}  ", "strong"), (f"{first}  ", "quiet"),
            (f"{nodes:<{self._node_width}}  ", "quiet"), (template.text, meaning),
        ]  # fmt: skip

    def on_rows_moved(self) -> None:
        self._tell()

    def on_rows_chosen(self) -> None:
        self.action_choose()

    # -- which patterns ---------------------------------------------------------------

    def action_new(self) -> None:
        """Only what was first seen of late; again: everything."""
        self._since = self._moment if self._since is None else None
        self._look()

    def action_since(self, text: str) -> None:
        """Only what was first seen since a time; without one, everything."""
        if text:
            self._moment = round(moment(text, time.time(), where=":since") * SECOND)
        self._since = self._moment if text else None
        self._look()

    def action_only(self) -> None:
        """Only what is seen on the nodes of this pattern and nowhere else; again: everything."""
        template = self.template
        self._only = list(template.nodes) if self._only is None and template is not None else None
        self._look()

    # -- what is done with one ----------------------------------------------------------

    def action_choose(self) -> None:
        self._filter(out=False)

    def action_hide(self) -> None:
        self._filter(out=True)

    def _filter(self, *, out: bool) -> None:
        template = self.template
        wanted = None if template is None else expression(template)
        if wanted is None:
            self.query_one(Footer).say("these lines have no words in common to filter by", trouble=True)
        else:
            self._filtered(wanted, out)
            self.app.pop_screen()

    def action_mark(self) -> None:
        template = self.template
        if template is not None:
            nodes = list(self._folding.patterns.nodes(template))
            self.post_message(self.Mark(nodes))
            self.query_one(Footer).say(f"{len(nodes)} node{'s' * (len(nodes) != 1)} marked in the fleet, and no others")

    def action_copy(self) -> None:
        if self.template is not None:
            self.app.copy_to_clipboard(self.template.text)

    def action_back(self) -> None:
        """One thing less: the nodes, what is new, then the screen."""
        if self._only is not None:
            self.action_only()
        elif self._since is not None:
            self.action_new()
        else:
            self.app.pop_screen()


def _clock(at: int) -> str:
    """The local time, with the date when it is not today's."""
    then = datetime.fromtimestamp(at / SECOND)
    return f"{then:%H:%M:%S}" if then.date() == datetime.now().date() else f"{then:%m-%d %H:%M:%S}"
