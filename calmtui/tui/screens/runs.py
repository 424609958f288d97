"""Runs: what is under way, what waits for somebody, and what has ended lately; whoever started it, from wherever."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.screen import Screen

from calmtui import sanitise
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError
from calmtui.runbooks import earlier
from calmtui.runbooks.board import TROUBLE
from calmtui.runbooks.journal import Journal, Run
from calmtui.runbooks.progress import counted
from calmtui.tui import keys, run_words
from calmtui.tui.glyphs import of_locale
from calmtui.tui.watching import Watching
from calmtui.tui.widgets.filter_bar import FilterBar
from calmtui.tui.widgets.footer import Footer
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

POLL = 0.5
"""Seconds between two looks at the journal, while the screen is in front."""
LISTED = 300
"""Runs that are listed, the newest."""
FOLLOWED = 12
"""Of the runs under way, those whose nodes are counted as they go on."""
WIDE = 100
"""Columns from which it is said by whom, too."""


class RunsScreen(Screen[None]):
    """What needs somebody first, then what is under way, then what has ended, the newest first."""

    where = "runs"
    BINDINGS = keys.bindings("runs")
    DEFAULT_CSS = """
    RunsScreen {
        & > #head { height: 1; background: $panel; text-style: bold; }
        & > FilterBar { display: none; }
        &.-filter > FilterBar { display: block; }
        & > Rows { height: 1fr; }
        & > #detail { height: auto; max-height: 5; color: $text-muted; padding: 0 1; border-top: solid $panel; }
    }
    """

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.journal = journal
        self.runs: list[Run] = []
        """What is listed, in that order."""
        self._all: list[Run] = []
        self._followed: dict[str, Watching] = {}
        self._words: list[str] = []
        """What is filtered by."""
        self._longest = 0
        """Characters of the longest name of a runbook."""
        self._read = False
        self._signs = of_locale()

    def compose(self) -> ComposeResult:
        yield Still(id="head")
        yield FilterBar()
        yield Rows(self._row)
        yield Still(id="detail")
        yield Footer()

    def on_mount(self) -> None:
        self.rows.focus()
        self.query_one("#head", Still).tell(" runs")
        self.set_interval(POLL, self._poll)
        self.call_later(self._poll)

    @property
    def rows(self) -> Rows:
        """A row for each run."""
        return self.query_one(Rows)

    @property
    def run_here(self) -> Run | None:
        """The run under the cursor."""
        return self.runs[self.rows.cursor] if self.runs else None

    def clock(self) -> float:
        """The time that is shown, and that lengths are counted to: seconds since the epoch."""
        return time.time()

    # -- following the journal --------------------------------------------------------

    async def _poll(self) -> None:
        if not self.is_current:
            return
        cast("CalmApp", self.app).notice.seen()
        try:
            self._all = await asyncio.to_thread(self.journal.runs, LISTED)
            await self._count()
        except CalmError as error:
            self.query_one(Footer).say(str(error), trouble=True)
            return
        self._read = True
        self._arrange()

    async def _count(self) -> None:
        """Look at the nodes of what is under way; what has ended says itself how many stand where."""
        under_way = [run for run in self._all if not run.standing.ended][:FOLLOWED]
        self._followed = {run.id: self._followed.get(run.id) or Watching(self.journal, run) for run in under_way}
        for watching in self._followed.values():
            await watching.look()

    def _arrange(self) -> None:
        """List what the filter leaves; the cursor stays on its run."""
        before = self.run_here
        self.runs = sorted((run for run in self._all if self._fits(run)), key=_urgency)
        self._longest = max((len(run.runbook) for run in self.runs), default=0)
        self.rows.show(len(self.runs))
        if before is not None:
            self.rows.move(next((at for at, run in enumerate(self.runs) if run.id == before.id), self.rows.cursor))
        self._show()

    def _fits(self, run: Run) -> bool:
        said = f"{run.id} {run.runbook} {run.who} {run.standing} {run.detail}".lower()
        return all(word in said for word in self._words)

    # -- what it shows ----------------------------------------------------------------

    def _show(self) -> None:
        waiting = sum(map(run_words.needs_someone, self._all))
        under_way = sum(not run.standing.ended for run in self._all) - waiting
        told = [f"{waiting} {'waits' if waiting == 1 else 'wait'} for somebody"] if waiting else []
        told += [f"{under_way} under way"] if under_way else []
        told += [] if told else ["none is under way" if self._read else "reading"]
        self.query_one("#head", Still).tell(f" {self._signs.dot} ".join([" runs", *told]))
        self.query_one(FilterBar).show("time", len(self.runs), len(self._all))
        self.query_one("#detail", Still).tell(self._detail(self.clock()))

    def _detail(self, now: float) -> str:
        run = self.run_here
        if run is None:
            return "" if not self._read else "no run fits the filter" if self._all else (
                "nothing was run yet: r in the fleet starts a runbook")  # fmt: skip
        dot = f" {self._signs.dot} "
        told = [f"run {run.id}", f"by {run.who}", f"submitted {run_words.ago(now - run.submitted_at)}"]
        told += [f"attempt {run.attempt}"] if run.attempt > 1 else []
        told += [f"{run.runbook} was run {earlier.of(run.runbook, self._all, but=run.id).told}"]
        return sanitise.word(dot.join(told)) + (f"\n{sanitise.word(run.detail)}" if run.detail else "")

    def _counts(self, run: Run) -> Counter[Status]:
        """How many of its nodes stand where; nothing when that is not known."""
        watching = self._followed.get(run.id)
        return watching.board.counts if watching is not None and watching.board is not None else counted(run.detail)

    def _row(self, index: int) -> Sequence[Span]:
        run, now = self.runs[index], self.clock()
        counts, meaning = self._counts(run), run_words.STANDINGS.get(run.standing, "")
        ended = sum(counts.values()) - counts[Status.QUEUED] - counts[Status.RUNNING]
        failed = sum(counts[status] for status in TROUBLE)
        wide = self.size.width >= WIDE
        name = min(self._longest, 30 if wide else 18)
        of = f"{ended:,} of {run.nodes:,}" if counts else f"{run.nodes:,} nodes"
        sign = run_words.sign_of_run(run.standing, self._signs)
        length = run_words.took(run, now) if not run.standing.ended else run_words.day(run.submitted_at, now)
        bad = run_words.sign_of(Status.FAILED, self._signs)
        said = run.detail.partition("; ")[2] if run.standing.ended and counted(run.detail) else run.detail
        return [
            (f"{sign} {run.standing.value.ljust(11)} ", meaning),
            (sanitise.word(run.runbook)[:name].ljust(name), "strong"),
            (of.rjust(16 if wide else 13), ""), (f" {bad} {failed:,}".ljust(7) if failed else " " * 7, "error"),
            (length.rjust(11), "quiet"), (f"  {sanitise.word(run.who)[:12].ljust(12)}" if wide else "", ""),
            (f"  {sanitise.word(said)}", "warn" if run_words.needs_someone(run) else "quiet"),
        ]  # fmt: skip

    def on_rows_moved(self) -> None:
        self._show()

    def on_resize(self) -> None:
        self._show()

    # -- commands ---------------------------------------------------------------------

    def action_open(self) -> None:
        """Watch the run under the cursor."""
        from calmtui.tui.screens.run import RunScreen  # not needed before

        if (run := self.run_here) is not None:
            self.app.push_screen(RunScreen(self.journal, run))

    def on_rows_chosen(self) -> None:
        self.action_open()

    def action_runbooks(self, name: str) -> None:
        """Start a runbook of that name; without one, choose it."""
        from calmtui.tui import starting  # not needed before

        starting.begin(cast("CalmApp", self.app), name)

    def action_filter(self, words: str) -> None:
        self.add_class("-filter")
        bar = self.query_one(FilterBar)
        if words:
            bar.put(words)
        else:
            bar.type()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self._words = event.text.lower().split()
        self._arrange()

    def on_filter_bar_left(self) -> None:
        self.set_class(bool(self.query_one(FilterBar).text), "-filter")
        self.rows.focus()

    def action_copy(self) -> None:
        """The id of the run under the cursor, to the clipboard."""
        if (run := self.run_here) is not None:
            self.app.copy_to_clipboard(run.id)
            self.query_one(Footer).say(f"copied {run.id}")

    def action_back(self) -> None:
        if self.query_one(FilterBar).text:
            self.query_one(FilterBar).put("")
        else:
            self.app.pop_screen()


def _urgency(run: Run) -> tuple[int, float]:
    rank = 0 if run_words.needs_someone(run) else 1 if not run.standing.ended else 2
    return rank, -run.submitted_at
