"""The batches of a run as rows with bars: those around the one that is under way, however many there are."""

from __future__ import annotations

from collections import Counter

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.runbooks.board import Board, Stage
from calmtui.runbooks.journal import Event
from calmtui.tui import run_words
from calmtui.tui.glyphs import Glyphs
from calmtui.tui.widgets.rows import Span

SHOWN = 4
"""Batches that are shown."""


class Batches:
    """Draws the batches of a board."""

    def __init__(self, board: Board, signs: Glyphs) -> None:
        self._board = board
        self._signs = signs

    def rows(self, width: int) -> list[list[Span]]:
        """The batch that is under way, after the one before it, and those that come then."""
        total = len(self._board.stages)
        begin = max(min(self._board.current - 1, total - SHOWN), 0)
        shown = self._board.stages[begin : begin + SHOWN]
        found = [self._row(stage, width) for stage in shown]
        if begin:
            found[0].append((f"{begin:,} before", "quiet"))
        if after := total - begin - len(shown):
            found[-1].append((f"{after:,} after", "quiet"))
        if others := self._others():
            found.append([("   ", ""), *others])
        return found

    def _row(self, stage: Stage, width: int) -> list[Span]:
        here = stage.number - 1 == self._board.current
        sign, meaning = self._sign(stage, here=here)
        size = f"{stage.size:,} node{'s' * (stage.size != 1)}"
        number = f"batch {stage.number} of {len(self._board.stages)}"
        cells = run_words.BAR if width >= 100 else run_words.BAR // 2
        return [(f" {sign} ", meaning), (f"{number}  ", "strong" if here else ""), (f"{size.rjust(12)}  ", "quiet"),
                *run_words.bar(stage.counts, stage.size, self._signs, cells), ("  ", ""),
                *run_words.counts_told(stage.counts, self._signs), *self._once(stage)]  # fmt: skip

    def _sign(self, stage: Stage, *, here: bool) -> Span:
        counts: Counter[Status] = stage.counts
        if stage.ended == stage.size:
            bad = counts[Status.FAILED] or counts[Status.UNKNOWN] or counts[Status.DENIED]
            status = Status.FAILED if bad else Status.SKIPPED if counts[Status.SKIPPED] == stage.size else Status.OK
        else:
            status = Status.RUNNING if here and counts[Status.QUEUED] < stage.size else Status.QUEUED
        return run_words.sign_of(status, self._signs), run_words.MEANINGS[status]

    def _once(self, stage: Stage) -> list[Span]:
        """What is done once for the batch: approvals, messages, gates."""
        begin = f"batch {stage.number}"
        return [self._said(key.removeprefix(begin).removeprefix(": "), event)
                for key, event in self._board.once.items() if key == begin or key.startswith(f"{begin}:")]  # fmt: skip

    def _others(self) -> list[Span]:
        """What was done once for other phases than batches, such as a switch."""
        found = []
        for key, event in self._board.once.items():
            phase, colon, step = key.partition(": ")
            if colon and not phase.startswith("batch "):
                found += [(f"{sanitise.word(phase)}: ", "quiet"), self._said(step, event)]
        return found

    def _said(self, step: str, event: Event) -> Span:
        title = self._board.titles.get(step, step)
        said = sanitise.word(f"{title}{': ' if title and event.detail else ''}{event.detail}")
        return f"{run_words.sign_of(event.status, self._signs)} {said}  ", run_words.MEANINGS[event.status]
