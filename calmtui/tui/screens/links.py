"""What a node is linked to in other sources; enter goes there."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.timer import Timer

from calmtui.estate.live import LiveEstate
from calmtui.fleet.link import Link
from calmtui.fleet.node import TROUBLE, Node, NodeId
from calmtui.fleet.update import Change
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

FRAME = 1 / 4
"""Seconds between two looks while the fleet changes; none while it does not."""
WIDEST_NAME = 32


class LinksScreen(ModalScreen[NodeId | None]):
    """One row for each link: relation, node, its state and source, and how it is known. The answer: where to go."""

    where = "links"
    BINDINGS = keys.bindings("links")
    DEFAULT_CSS = """
    LinksScreen {
        align: center middle;
        & > Box { max-height: 90%; }
        & Rows { height: auto; max-height: 24; }
        & #why { height: auto; max-height: 4; color: $text-muted; margin-top: 1; }
    }
    """

    def __init__(self, live: LiveEstate, node: Node) -> None:
        super().__init__()
        self.live = live
        self.node_id = node.id
        self._title = f"links of {node.kind} {node.name}"
        self._signs = of_locale()
        self._links: list[Link] = live.links.of(node)
        self._rows = Rows(self._row)
        self._frame: Timer | None = None

    def compose(self) -> ComposeResult:
        with Box(self._title):
            yield self._rows
            yield Still(id="why")

    def on_mount(self) -> None:
        self._end = self.live.fleet.subscribe(self._note)
        self._rows.focus()
        self._show()

    def on_unmount(self) -> None:
        self._end()

    def _note(self, changes: list[Change]) -> None:
        if changes and self._frame is None:
            self._frame = self.set_timer(FRAME, self._look)

    def _look(self) -> None:
        """Take in what has changed; the cursor stays with its node. A node that is gone keeps its last links."""
        self._frame = None
        node = self.live.fleet.get(self.node_id)
        if node is not None:
            at = self._chosen
            self._links = self.live.links.of(node)
            self._rows.cursor = next((i for i, link in enumerate(self._links) if link.node.id == at), 0)
        self._show()

    def _show(self) -> None:
        names = (cell_len(link.node.name) for link in self._links)
        self._width = min(max(names, default=0), WIDEST_NAME)
        self._rows.show(len(self._links))
        self.on_rows_moved()

    @property
    def _chosen(self) -> NodeId | None:
        return self._links[self._rows.cursor].node.id if self._links else None

    def _row(self, index: int) -> Sequence[Span]:
        link = self._links[index]
        node = link.node
        meaning = "error" if node.state in TROUBLE else ""
        return [
            (link.relation.ljust(11), "quiet"),
            (f"{self._signs.states[node.state]} ", meaning),
            (set_cell_size(node.name, self._width) + "  ", "strong"),
            (f"{node.kind:<11}{node.source:<12} ", "quiet"),
            (f"{node.state:<9} ", meaning),
            (f"a guess: {link.why}" if link.guess else link.why, "warn" if link.guess else "quiet"),
        ]

    def on_rows_moved(self) -> None:
        link = self._links[self._rows.cursor] if self._links else None
        self.query_one("#why", Still).tell(
            f"{link.node.id}: {link.told}" if link else "nothing is linked to it any more"
        )

    def on_rows_chosen(self) -> None:
        self.action_choose()

    def action_choose(self) -> None:
        if self._chosen is not None:
            self.dismiss(self._chosen)

    def action_back(self) -> None:
        self.dismiss(None)
