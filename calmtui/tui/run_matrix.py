"""The nodes of a run and their steps as rows: trouble first, then what is under way, the rest folded to a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.fleet.node import NodeId
from calmtui.runbooks.board import TROUBLE, Board
from calmtui.runbooks.earlier import clock
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.run_words import MEANINGS, sign_of
from calmtui.tui.widgets.rows import Span

FEW = 40
"""So many nodes are not folded at first."""
LONGEST = 14
"""Cells of a step's title at the most, where titles fit."""
NARROWEST = 24
"""Cells that are left for the reason of a failure; else the steps stand close together, by their numbers."""


@dataclass(frozen=True)
class Fold:
    """The row of a group that can be folded and unfolded."""

    status: Status
    count: int
    opened: bool


_FOLDED = (Status.OK, Status.UNCHANGED, Status.SKIPPED, Status.QUEUED)
"""Groups that can be folded, in their order."""


class Matrix:
    """Which row is what, for a board; arranged anew when that has changed."""

    def __init__(self, board: Board, signs: Glyphs) -> None:
        self.board = board
        self.signs = signs
        self._called = {node.id: node.name for node in board.plan.nodes}
        self._longest = max(map(len, self._called.values()), default=0)
        self.opened = set(_FOLDED) if len(self._called) <= FEW else set[Status]()
        """The groups that are unfolded."""
        self.words: tuple[str, ...] = ()
        """Only nodes in whose names these stand are shown; empty: all."""
        self._parts: list[Sequence[NodeId | Fold]] = []
        self.count = 0
        """How many rows there are."""
        self.arrange()

    def arrange(self) -> None:
        """Take in how the nodes stand now. Only what is unfolded is listed."""
        board, parts = self.board, list[Sequence[NodeId | Fold]]()
        for status in (*TROUBLE, Status.RUNNING):
            parts.append(self._listed(status))
        for status in _FOLDED:
            if self.words:
                parts.append(self._listed(status))
            elif count := len(board.standing[status]):
                opened = status in self.opened
                parts.append([Fold(status, count, opened)])
                if opened:
                    parts.append(self._listed(status))
        self._parts = [part for part in parts if part]
        self.count = sum(map(len, self._parts))

    def _listed(self, status: Status) -> list[NodeId]:
        found = self.board.standing[status]
        if not self.words:
            return list(found)
        return [node for node in found if all(word in self._called[node].lower() for word in self.words)]

    def at(self, index: int) -> NodeId | Fold | None:
        """What stands in a row."""
        for part in self._parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        return None

    def find(self, node: NodeId) -> int | None:
        """The row of a node; None when it is folded away."""
        begin = 0
        for part in self._parts:
            if node in part:
                return begin + part.index(node)
            begin += len(part)
        return None

    def fold(self, fold: Fold) -> None:
        """Fold a group that is unfolded, or unfold it."""
        self.opened ^= {fold.status}
        self.arrange()

    def name(self, node: NodeId) -> str:
        """What a node is called."""
        return self._called[node]

    # -- what it looks like -------------------------------------------------------------

    def head(self, width: int) -> list[Span]:
        """What stands above the columns."""
        names, cells = self._widths(width)
        told = " " * (names + 4)
        for number, (step, cell) in enumerate(zip(self.board.steps, cells, strict=True), 1):
            title = sanitise.word(self.board.titles[step.key]) if cell > 2 else str(number % 100)
            told += f"{_cut(title, max(cell - 1, 1), self.signs):<{cell}}"
        return [(told, "quiet")]

    def draw(self, index: int, width: int, now: float) -> list[Span]:
        """A row."""
        row = self.at(index)
        if row is None:
            return []
        if isinstance(row, Fold):
            sign = self.signs.opened if row.opened else self.signs.folded
            more = "" if row.opened else "more "
            word = "not begun" if row.status is Status.QUEUED else row.status.value
            return [(f"{sign} ", "quiet"), (f"{row.count:,} {more}", ""),
                    (f"{sign_of(row.status, self.signs)} {word}", MEANINGS[row.status])]  # fmt: skip
        names, cells = self._widths(width)
        status = self.board.status.get(row, Status.QUEUED)
        name = f"{_cut(self._called[row], names, self.signs):<{names + 1}}"
        spans = [(f"{sign_of(status, self.signs)} ", MEANINGS[status]), (name, "strong" if status in TROUBLE else "")]
        for step, cell in zip(self.board.steps, cells, strict=True):
            event = self.board.step(row, step.key)
            known = event.status if event is not None else Status.QUEUED
            spans.append((f"{sign_of(known, self.signs):<{cell}}", MEANINGS[known]))
        return [*spans, *self._said(row, status, now)]

    def _said(self, node: NodeId, status: Status, now: float) -> list[Span]:
        """What is to be said of a node: why it failed, what is under way and for how long."""
        board = self.board
        detail = board.outcome(node)[1]
        back = [sign_of(event.status, self.signs) for step in board.plan.rollback
                if (event := board.step(node, step.key)) is not None] if board.rolling_back else []  # fmt: skip
        rolled = [(f" rollback {''.join(back)}", "warn")] if back else []
        if status is not Status.RUNNING:
            return [*rolled, (f" {sanitise.word(detail)}", MEANINGS[status] if status in TROUBLE else "quiet")]
        for step in board.steps:
            event = board.step(node, step.key)
            if event is not None and event.status is Status.RUNNING:
                began = board.began(node, step.key)
                length = f" {clock(now - began)}" if began is not None else ""
                last = event.output.rstrip().rpartition("\n")[2]
                return [
                    (f" {sanitise.word(board.titles[step.key])}{length}", ""),
                    (f"  {last}" if last else "", "quiet"),
                ]
        return rolled

    def _widths(self, width: int) -> tuple[int, list[int]]:
        """Cells of the name, and of each step."""
        names = min(self._longest, max(width // 4, 12))
        titles = [min(len(self.board.titles[step.key]) + 2, LONGEST) for step in self.board.steps]
        if names + 4 + sum(titles) + NARROWEST > width:
            titles = [2] * len(titles)
        return names + 1, titles


def _cut(text: str, width: int, signs: Glyphs) -> str:
    return text if len(text) <= width else text[: width - 1] + signs.cut
