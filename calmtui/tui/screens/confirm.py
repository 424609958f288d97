"""What waits to be confirmed: what the gate says of it, and a question as strong as the danger."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from calmtui import sanitise
from calmtui.actions.deed import Deed
from calmtui.actions.gate import Gate, Judgement
from calmtui.errors import CalmError
from calmtui.fleet.node import State
from calmtui.governance.decide import Answer
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.verdict import verdict, waits
from calmtui.tui.widgets.rows import Rows
from calmtui.tui.widgets.why import Why


class ConfirmScreen(ModalScreen[str | None]):
    """What the plan of an action, that of a run, and what was refused have in common. Not confirmed, nothing is done.

    Where yes is enough, the focus is on Cancel, so that enter alone never acts; where a name is
    wanted, enter acts when it has been typed.
    """

    where = "plan"
    BINDINGS = keys.bindings("plan")
    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        & Rows { margin: 1 0; }
        & Static { height: auto; }
        & #reasons { color: $text-warning; }
        & #verdict { color: $text-muted; }
        & #verdict.-refused { color: $text-error; }
        & #wrong { color: $text-error; display: none; }
        & #glass { background: $error; color: $text; text-style: bold; padding: 0 1; display: none; }
        &.-broken > Box { border: heavy $error; }
        &.-broken #glass { display: block; }
        & #instead { display: none; }
        &.-refused #instead { display: block; }
        &.-refused #confirm { display: none; }
        & Horizontal { height: 1; }
        & Horizontal > Static { width: auto; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate
        self.judgement: Judgement | None = None
        """What policy says of it; None until it has said it."""
        self.broken = ""
        """The reason for which the glass is to be broken; empty: it is not."""
        self._answered: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """What is done with the reason that is asked for."""

    # -- what differs -------------------------------------------------------------------

    @property
    @abstractmethod
    def typed(self) -> str:
        """What has to be typed to confirm; empty: yes is enough."""

    @abstractmethod
    async def deed(self) -> Deed:
        """What the gate is asked about."""

    async def make_again(self) -> None:
        """Make the plan anew once the glass is to be broken, or no more, where that is part of it."""

    @abstractmethod
    async def carry_out(self) -> None:
        """Do what was confirmed. Raises CalmError."""

    # -- its lower half -------------------------------------------------------------------

    def reasons(self, reasons: Sequence[str]) -> ComposeResult:
        """Why one should look twice."""
        if reasons:
            sign = of_locale().states[State.DEGRADED]
            yield Static(f"{sign} {' · '.join(reasons)}", id="reasons", markup=False)

    def question(self, go: str) -> ComposeResult:
        """What the gate says, and what is asked; `go` is what is done, in a word or two."""
        yield Static("policy: being asked", id="verdict", markup=False)
        yield Static(self._glass(), id="glass", markup=False)
        yield Why()
        yield Static(id="wrong", markup=False)
        yield Static(id="instead", markup=False)
        with Horizontal(id="confirm"):
            if self.typed:
                yield Static(f"Type {self.typed} to go on, esc does nothing:", markup=False)
                yield Input(id="typed", compact=True)
            else:
                yield Button("Cancel (esc)", id="cancel", compact=True)
                yield Button(Content(f"{go} (y)"), id="go", compact=True)

    def _glass(self) -> str:
        return f"BREAK-GLASS · {sanitise.word(self.broken)} · it is recorded, and somebody else reviews it"

    def judge(self) -> None:
        """Ask what policy says of it, and offer what can be done then."""
        self.run_worker(self._judge(), group="judge", exclusive=True)

    def focus_first(self) -> None:
        """Where one answers."""
        self.query(".value, #typed, #cancel").first().focus()

    def say_wrong(self, text: str) -> None:
        """Say what went wrong, or what is missing."""
        wrong = self.query_one("#wrong", Static)
        wrong.display = True
        wrong.update(text)

    # -- what is typed ------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go":
            self.action_confirm()
        else:
            self.action_back()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field; in the last one of a typed confirmation it confirms."""
        if event.input.id == "typed":
            self.action_confirm()
        else:
            self.focus_next()

    def action_confirm(self) -> None:
        """Carry it out, if what was asked for is there."""
        if self.typed and self.query_one("#typed", Input).value.strip() != self.typed:
            self.say_wrong(f"that is not {self.typed}: nothing was done")
        else:
            self._begin(self.carry_out())

    def action_ask(self) -> None:
        """Ask others to approve it; the reason comes first."""
        if self.judgement is None or self.judgement.answer is not Answer.APPROVAL:
            self.say_wrong("there is nothing to be approved")
        else:
            self._ask_why("Why, for those who approve:", self.ask_approval)

    def action_break_glass(self) -> None:
        """Go on in an emergency where policy lets it; the reason comes first."""
        if self.judgement is None or (self.judgement.answer is Answer.ALLOWED and not self.judgement.denied):
            self.say_wrong("nothing stands in the way")
        else:
            self._ask_why("What is the emergency? Others review it:", self._break)

    def _ask_why(self, question: str, then: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._answered = then
        self.query_one(Why).ask(question)

    def on_why_given(self, event: Why.Given) -> None:
        self._offer()
        if not event.text:
            self.say_wrong("say why, for those who will read it")
        elif self._answered is not None:
            self._begin(self._answered(event.text))

    def on_why_left(self) -> None:
        self._offer()

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
            self.say_wrong(str(error))

    async def _judge(self) -> None:
        try:
            self.judgement = await self.gate.judge(await self.deed(), break_glass=bool(self.broken))
        except CalmError as error:  # nothing is let through then
            self._say_verdict(str(error), refused=True)
            return
        text, refused = verdict(self.judgement)
        self._say_verdict(text, refused=refused)
        self._offer()

    def _offer(self) -> None:
        """Offer what can be done next: to confirm what is allowed, or what there is instead."""
        if self.judgement is None:
            return
        allowed = self.judgement.answer is Answer.ALLOWED
        values = bool(self.query(".value"))
        instead = "B goes on in an emergency · esc does nothing"
        if self.judgement.answer is Answer.APPROVAL and not waits(self.judgement):
            instead = f"R asks others to approve it · {instead}"
        if values:
            instead = f"enter, then {instead}"
        self.set_class(not allowed, "-refused")
        self.query_one("#instead", Static).update("esc does nothing" if self.judgement.read_only else instead)
        if self.query_one(Why).asking or (isinstance(self.focused, Input) and self.focused.has_class("value")):
            return
        if allowed:
            self.focus_first()
        elif rows := self.query(Rows):  # keys must not be typed into what is not there any more
            rows.first().focus()
        else:
            self.set_focus(None)

    async def ask_approval(self, reason: str) -> None:
        """Ask for exactly what was judged. Raises CalmError."""
        assert self.judgement is not None
        request = await self.gate.ask(self.judgement, reason)
        self.judgement = replace(self.judgement, request=request)
        self._say_verdict(
            f"approval {request.id} is asked for; once it is granted, enter in the approvals (A) does exactly this",
            refused=False,
        )
        self._offer()
        await self.gate.tell(request)

    async def _break(self, reason: str) -> None:
        """Have it judged as one of an emergency; it is confirmed like any other then."""
        self.broken = reason
        await self.make_again()
        await self._judge()
        opened = self.judgement is not None and self.judgement.answer is Answer.ALLOWED
        self.query_one("#glass", Static).update(self._glass())
        self.set_class(opened, "-broken")
        if not opened:
            self.broken = ""
            await self.make_again()
            self.say_wrong("no emergency opens this")

    def _say_verdict(self, text: str, *, refused: bool) -> None:
        shown = self.query_one("#verdict", Static)
        shown.set_class(refused, "-refused")
        shown.update(text)
