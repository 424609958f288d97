"""The plan of a run: batch by batch what will happen, and a question as strong as the danger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from calmtui import sanitise
from calmtui.actions.gate import Gate, Judgement
from calmtui.errors import CalmError
from calmtui.fleet.node import State
from calmtui.fleet.production import is_production
from calmtui.governance.decide import Answer
from calmtui.runbooks.journal import Journal, Run
from calmtui.runbooks.plan import RunPlan, to_be_typed
from calmtui.runbooks.worker import start
from calmtui.tui import keys, run_words
from calmtui.tui.glyphs import of_locale
from calmtui.tui.run_plan_rows import PlanRows
from calmtui.tui.screens.plan import verdict
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.why import Why

Make = Callable[[str, bool], Awaitable[RunPlan]]
"""Makes the plan anew for what is there now, with the reason and whether the glass is broken. Raises CalmError."""


class RunPlanScreen(ModalScreen[None]):
    """A run to be confirmed. Confirmed, it leads to the run; otherwise nothing is done."""

    where = "plan"
    BINDINGS = keys.bindings("plan")
    DEFAULT_CSS = """
    RunPlanScreen {
        align: center middle;
        & > #box {
            width: 110; max-width: 100%; height: auto; max-height: 100%;
            border: round $accent; border-title-color: $text; padding: 0 1; background: $surface;
        }
        & Rows { margin: 1 0; }
        & Static { height: auto; }
        & #reasons { color: $text-warning; display: none; }
        & #verdict { color: $text-muted; }
        & #verdict.-refused { color: $text-error; }
        & #wrong { color: $text-error; display: none; }
        & #glass { background: $error; color: $text; text-style: bold; padding: 0 1; display: none; }
        &.-broken > #box { border: heavy $error; }
        &.-broken #glass { display: block; }
        & Horizontal { height: 1; }
        & Horizontal > Static { width: auto; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
        & Button { margin-right: 2; }
        & #confirm { display: none; }
        &.-allowed #confirm { display: block; }
        &.-allowed #instead { display: none; }
    }
    """

    def __init__(self, gate: Gate, journal: Journal, plan: RunPlan, make: Make, note: str = "") -> None:
        """`note` says what else is to be known of it."""
        super().__init__()
        self.gate = gate
        self.journal = journal
        self.judgement: Judgement | None = None
        """What policy says of it; None until it has said it."""
        self._make = make
        self._note = note
        self._reason = ""
        """For which the glass is to be broken; empty: it is not."""
        self._answered: Callable[[str], Coroutine[Any, Any, None]] | None = None
        self._look_at(plan)

    def _look_at(self, plan: RunPlan) -> None:
        self.plan = plan
        fleet = self.gate.live.fleet
        nodes = [node for one in plan.nodes if (node := fleet.get(one.id)) is not None]
        production = sorted({node.env for node in nodes if is_production(node)})
        stale = sum(map(fleet.is_stale, nodes))
        self._reasons = [f"this is {' and '.join(production)}"] if production else []
        self._reasons += [f"{stale} of them {'is' if stale == 1 else 'are'} stale"] if stale else []
        self.typed = to_be_typed(plan, nodes)
        """What has to be typed to confirm; empty: yes is enough."""
        self._lines = PlanRows(plan)

    def compose(self) -> ComposeResult:
        plan = self.plan
        with Vertical(id="box") as box:
            count = "1 node" if len(plan.nodes) == 1 else f"{len(plan.nodes)} nodes"
            box.border_title = Content(f"{plan.runbook} · {count}")
            yield Static(self._what(), id="what", markup=False)
            yield Rows(self._row, len(self._lines))
            yield Static(id="reasons", markup=False)
            yield Static("policy: being asked", id="verdict", markup=False)
            yield Static(id="glass", markup=False)
            yield Why()
            yield Static(id="wrong", markup=False)
            yield Static("esc does nothing", id="instead", markup=False)
            with Horizontal(id="confirm"):
                if self.typed:
                    yield Static(f"Type {self.typed} to go on, esc does nothing:", markup=False)
                    yield Input(id="typed", compact=True)
                else:
                    yield Button("Cancel (esc)", id="cancel", compact=True)
                    yield Button(Content(f"{plan.runbook} (y)"), id="go", compact=True)

    def on_mount(self) -> None:
        if self._reasons:
            reasons = self.query_one("#reasons", Static)
            reasons.update(f"{of_locale().states[State.DEGRADED]} " + " · ".join(self._reasons))
            reasons.display = True
        rows = self.query_one(Rows)
        rows.styles.height = min(len(self._lines), max(self.app.size.height // 2 - 2, 5))
        rows.focus()
        self._begin(self._judge())

    # -- what is typed ------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go":
            self.action_confirm()
        else:
            self.action_back()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "typed":
            self.action_confirm()

    def action_confirm(self) -> None:
        """Have the run carried out, if what was asked for is there."""
        if not self.has_class("-allowed"):
            self._wrong("policy does not allow it")
        elif self.typed and self.query_one("#typed", Input).value.strip() != self.typed:
            self._wrong(f"that is not {self.typed}: nothing was done")
        else:
            self._begin(self._submit())

    def action_ask(self) -> None:
        """Ask others to approve it; the reason comes first."""
        if self.judgement is None or self.judgement.answer is not Answer.APPROVAL:
            self._wrong("there is nothing to be approved")
        else:
            self._ask_why("Why, for those who approve:", self._ask_approval)

    def action_break_glass(self) -> None:
        """Go on in an emergency where policy lets it; the reason comes first."""
        if self.judgement is None or (self.judgement.answer is Answer.ALLOWED and not self.judgement.denied):
            self._wrong("nothing stands in the way")
        else:
            self._ask_why("What is the emergency? It is recorded and reviewed:", self._break)

    def _ask_why(self, question: str, then: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._answered = then
        self.query_one(Why).ask(question)

    def on_why_given(self, event: Why.Given) -> None:
        if not event.text:
            self._wrong("say why, for those who will read it")
        elif self._answered is not None:
            self._begin(self._answered(event.text))

    def action_back(self) -> None:
        self.dismiss(None)

    # -- what the gate says --------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(self._told(work), group="gate", exclusive=True)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and show what went wrong where it was asked for."""
        try:
            await work
        except (CalmError, OSError) as error:
            self._wrong(str(error))

    async def _judge(self) -> None:
        await asyncio.to_thread(getattr, self.plan, "sentences")  # worked out once: it may be of many nodes
        deed = self.plan.deed(self.gate.live.fleet.nodes)
        self.judgement = await self.gate.judge(deed, break_glass=bool(self._reason))
        self._offer(*verdict(self.judgement))

    def _offer(self, text: str, refused: bool) -> None:
        """Offer what can be done next: to confirm what is allowed, or what there is instead."""
        assert self.judgement is not None
        shown = self.query_one("#verdict", Static)
        shown.set_class(refused, "-refused")
        shown.update(text)
        allowed = self.judgement.answer is Answer.ALLOWED
        self.set_class(allowed, "-allowed")
        instead = "B goes on in an emergency · esc does nothing"
        if self.judgement.answer is Answer.APPROVAL and self.judgement.request is None:
            instead = f"R asks others to approve it · {instead}"
        self.query_one("#instead", Static).update("esc does nothing" if self.judgement.read_only else instead)
        if allowed:
            self.query("#typed, #cancel").first().focus()

    async def _ask_approval(self, reason: str) -> None:
        assert self.judgement is not None
        request = await self.gate.ask(self.judgement, reason)
        self.judgement = replace(self.judgement, request=request)
        self._offer(f"approval {request.id} is asked for; come back when it is granted", refused=False)
        await self.gate.tell(request)

    async def _break(self, reason: str) -> None:
        """Have it judged as one of an emergency; it is confirmed like any other then."""
        self._reason = reason
        self.plan = await self._make(reason, True)
        await self._judge()
        assert self.judgement is not None
        opened = self.judgement.answer is Answer.ALLOWED
        self.set_class(opened, "-broken")
        self.query_one("#glass", Static).update(
            f"BREAK-GLASS · {sanitise.word(reason)} · it is recorded, and somebody else reviews it"
        )
        if not opened:
            self._reason = ""
            self._wrong("no emergency opens this")

    async def _submit(self) -> None:
        """Make the plan again; have it carried out, unless it is another than was shown."""
        from calmtui.tui.screens.run import RunScreen  # not needed before

        now = await self._make(self._reason, bool(self._reason))
        if now.hash != self.plan.hash:
            self._look_at(now)
            await self.recompose()
            self.on_mount()
            self._wrong("the nodes have changed since this was shown: look again, and confirm again")
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

    def _wrong(self, text: str) -> None:
        wrong = self.query_one("#wrong", Static)
        wrong.display = True
        wrong.update(text)

    def _what(self) -> str:
        """What it is for, with which values, in which order, and how many may fail."""
        plan = self.plan
        budget = "any number may fail" if plan.max_failed is None else f"{plan.max_failed} may fail"
        parts = [run_words.course(plan), f"{budget}, then: {plan.on_failure}"]
        lines = [sanitise.word(plan.summary), run_words.parameters(plan), " · ".join(parts), self._note]
        return "\n".join(filter(None, lines))

    def _row(self, index: int) -> list[Span]:
        return self._lines[index]
