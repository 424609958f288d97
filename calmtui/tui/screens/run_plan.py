"""The plan of a run: batch by batch what will happen, and a question as strong as the danger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from calmtui import sanitise
from calmtui.actions.deed import Deed
from calmtui.actions.gate import Gate
from calmtui.fleet.production import is_production
from calmtui.governance.decide import Answer
from calmtui.runbooks.journal import Journal, Run
from calmtui.runbooks.plan import RunPlan, to_be_typed
from calmtui.runbooks.worker import start
from calmtui.tui import run_words
from calmtui.tui.run_plan_rows import PlanRows
from calmtui.tui.screens.confirm import ConfirmScreen
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span

Make = Callable[[str, bool], Awaitable[RunPlan]]
"""Makes the plan anew for what is there now, with the reason and whether the glass is broken. Raises CalmError."""


class RunPlanScreen(ConfirmScreen):
    """A run to be confirmed. Confirmed, it leads to the run."""

    def __init__(self, gate: Gate, journal: Journal, plan: RunPlan, make: Make, note: str = "") -> None:
        """`note` says what else is to be known of it."""
        super().__init__(gate)
        self.journal = journal
        self._make = make
        self._note = note
        self._look_at(plan)

    def _look_at(self, plan: RunPlan) -> None:
        self.plan = plan
        fleet = self.gate.live.fleet
        nodes = [node for one in plan.nodes if (node := fleet.get(one.id)) is not None]
        production = sorted({node.env for node in nodes if is_production(node)})
        stale = sum(map(fleet.is_stale, nodes))
        self._reasons = [f"this is {' and '.join(production)}"] if production else []
        self._reasons += [f"{stale} of them {'is' if stale == 1 else 'are'} stale"] if stale else []
        self._typed = to_be_typed(plan, nodes)
        self._lines = PlanRows(plan)

    def compose(self) -> ComposeResult:
        plan = self.plan
        count = "1 node" if len(plan.nodes) == 1 else f"{len(plan.nodes)} nodes"
        with Box(f"{plan.runbook} · {count}"):
            yield Static(self._what(), id="what", markup=False)
            yield Rows(self._row, len(self._lines))
            yield from self.reasons(self._reasons)
            yield from self.question(plan.runbook)

    def on_mount(self) -> None:
        rows = self.query_one(Rows)
        rows.styles.height = min(len(self._lines), max(self.app.size.height // 2 - 2, 5))
        rows.focus()
        self.judge()

    @property
    def typed(self) -> str:
        return self._typed

    async def deed(self) -> Deed:
        await asyncio.to_thread(getattr, self.plan, "sentences")  # worked out once: it may be of many nodes
        return self.plan.deed(self.gate.live.fleet.nodes)

    async def make_again(self) -> None:
        self.plan = await self._make(self.broken, bool(self.broken))

    def action_confirm(self) -> None:
        """Have the run carried out, if policy and what was typed let it."""
        if self.judgement is None:
            self.say_wrong("policy has not answered yet: once more when it has")
        elif self.judgement.answer is not Answer.ALLOWED:
            self.say_wrong("policy does not allow it")
        else:
            super().action_confirm()

    async def carry_out(self) -> None:
        """Make the plan again; have it carried out, unless it is another than was shown."""
        from calmtui.tui.screens.run import RunScreen  # not needed before

        now = await self._make(self.broken, bool(self.broken))
        if now.hash != self.plan.hash:
            self._look_at(now)
            await self.recompose()
            self.on_mount()
            self.say_wrong("the nodes have changed since this was shown: look again, and confirm again")
            return
        run = await asyncio.to_thread(self._submitted, now)
        app = self.app
        while isinstance(app.screen, ModalScreen):  # the form that led here too
            app.pop_screen()
        app.push_screen(RunScreen(self.journal, run))

    def _submitted(self, plan: RunPlan) -> Run:
        run = self.journal.submit(plan, self.gate.live.estate.sites_of(node.source for node in plan.nodes))
        start(self.journal)
        return run

    def _what(self) -> str:
        """What it is for, with which values, in which order, and how many may fail."""
        plan = self.plan
        course = f"{run_words.course(plan)} · {plan.budget}"
        lines = [sanitise.word(plan.summary), run_words.parameters(plan), course, self._note]
        return "\n".join(filter(None, lines))

    def _row(self, index: int) -> list[Span]:
        return self._lines[index]
