"""The first two lines of a run: what it is, how it stands, how far it has come and how long that may still take."""

from __future__ import annotations

from calmtui import sanitise
from calmtui.fleet.node import State
from calmtui.runbooks.board import Board
from calmtui.runbooks.earlier import Earlier
from calmtui.runbooks.journal import Run
from calmtui.tui import run_words
from calmtui.tui.glyphs import ASCII, Glyphs


def first(run: Run, board: Board, earlier: Earlier | None, now: float, signs: Glyphs, width: int) -> str:
    """What everybody has to know: ` deploy · ▶ running · 14 of 64 nodes · ✖ 1 failed · 6:12 of about 18:00`."""
    parts = [sanitise.word(run.runbook), f"{run_words.sign_of_run(run.standing, signs)} {run.standing}",
             f"{board.ended:,} of {run.nodes:,} nodes"]  # fmt: skip
    if board.failed:
        parts.append(f"{signs.states[State.FAILED]} {board.failed:,} failed")
    if run.began_at:
        left = earlier.left(run_words.passed(run, now)) if earlier is not None and not run.standing.ended else ""
        parts.append(f"{run_words.took(run, now)} {left}".rstrip())
    by = f"by {sanitise.word(run.who)}"
    return _joined([*parts, by], signs, width)


def second(run: Run, board: Board, earlier: Earlier | None, signs: Glyphs, width: int) -> str:
    """What it was started with: its id, parameters, strategy, and what earlier runs tell."""
    plan = board.plan
    parts = [f"run {run.id}", run_words.parameters(plan)]
    if earlier is not None:
        told = earlier.told if signs is not ASCII else earlier.told.replace("±", "+/-")
        parts.append(f"earlier: {told}" if earlier.times else "never run before")
    parts.append(run_words.course(plan))
    if plan.max_failed:
        parts.append(f"budget {board.progress.failures()} of {plan.max_failed}")
    if run.attempt > 1:
        parts.append(f"attempt {run.attempt}")
    return _joined([part for part in parts if part], signs, width)


def _joined(parts: list[str], signs: Glyphs, width: int) -> str:
    """The parts in a line; the last ones go where there is no room."""
    told = " " + parts[0]
    for part in parts[1:]:
        longer = f"{told} {signs.dot} {part}"
        if len(longer) <= width:
            told = longer
    return told[:width]
