"""What the steps of a run have come to on one node, and what they have printed, as rows."""

from __future__ import annotations

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.fleet.node import NodeId
from calmtui.runbooks.board import Board
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.run_words import MEANINGS, sign_of
from calmtui.tui.widgets.rows import Span


def output(board: Board, node: NodeId, signs: Glyphs) -> list[list[Span]]:
    """A row for each step that was begun, below it the end of what it has printed so far."""
    found: list[list[Span]] = []
    for title, event in board.told(node):
        took = board.took(node, event.step)
        length = f" {signs.dot} {took:.1f} s" if took is not None else ""
        said = f" {signs.dot} {sanitise.word(event.detail)}" if event.detail and event.status.final else ""
        found.append([(f"{signs.rule}{signs.rule} ", "quiet"), (sanitise.word(title), "strong"),
                      (f"  {sign_of(event.status, signs)} {event.status}", MEANINGS[event.status]),
                      (f"{length}{said}", "")])  # fmt: skip
        found += [[("  ", ""), (sanitise.line(line).expandtabs(), "")] for line in event.output.splitlines()]
        if event.status is Status.RUNNING and not event.output:
            found.append([("  nothing was printed yet", "quiet")])
    return found or [[("nothing was begun on it", "quiet")]]
