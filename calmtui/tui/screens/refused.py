"""What a command or a shell needs that is refused as it is: the approval of others, or an emergency."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from calmtui import sanitise
from calmtui.actions.deed import Deed
from calmtui.actions.gate import Gate, Judgement
from calmtui.actions.outcome import names
from calmtui.errors import CalmError, Refused
from calmtui.fleet import hostset
from calmtui.governance.decide import Answer
from calmtui.tui import keys
from calmtui.tui.verdict import verdict, waits
from calmtui.tui.widgets.why import Why

if TYPE_CHECKING:
    from calmtui.tui.app import CalmApp

Admitted = TypeVar("Admitted")


async def admitted(
    app: CalmApp, gate: Gate, deed: Deed, admit: Callable[[str], Coroutine[Any, Any, Admitted]]
) -> Admitted | None:
    """Have the gate let a deed through; where it refuses, show what there is instead. None: nothing is to be done.

    `admit` asks the gate, given the reason for which the glass is broken, empty: it is not. For a worker. Raises
    Refused where there is nothing instead, and what else `admit` raises.
    """
    try:
        return await admit("")
    except Refused:
        judgement = await gate.judge(deed)
        opens = (await gate.judge(deed, break_glass=True)).answer is Answer.ALLOWED
        if not opens and judgement.answer is not Answer.APPROVAL:
            raise
        reason = await app.push_screen_wait(RefusedScreen(gate, judgement, opens=opens))
        return await admit(reason) if reason else None


class RefusedScreen(ModalScreen[str]):
    """Dismissed with the reason for which the glass is to be broken; empty: nothing is to be done now."""

    where = "refused"
    BINDINGS = keys.bindings("refused")
    AUTO_FOCUS = ""  # keys are for the screen until it asks
    DEFAULT_CSS = """
    RefusedScreen {
        align: center middle;
        & > #box {
            width: 90; max-width: 100%; height: auto; max-height: 100%;
            border: round $error; border-title-color: $text; padding: 0 1; background: $surface;
        }
        &.-broken > #box { border: heavy $error; }
        & Static { height: auto; }
        & #what { margin-bottom: 1; }
        & #verdict { color: $text-error; }
        & #glass { display: none; background: $error; color: $text; text-style: bold; padding: 0 1; }
        &.-broken #glass { display: block; }
        & #wrong { color: $text-error; }
    }
    """

    def __init__(self, gate: Gate, judgement: Judgement, *, opens: bool) -> None:
        """`opens`: policy lets it through in an emergency."""
        super().__init__()
        self.gate = gate
        self.judgement = judgement
        self._opens = opens
        self._reason = ""
        """For which the glass is to be broken; empty: it is not."""
        self._answered: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """What is done with the reason that is asked for."""

    def compose(self) -> ComposeResult:
        deed = self.judgement.deed
        with Vertical(id="box") as box:
            box.border_title = Content(f"{deed.action} is not allowed as it is")
            yield Static(self._what(), id="what", markup=False)
            yield Static(verdict(self.judgement)[0], id="verdict", markup=False)
            yield Static(id="glass", markup=False)
            yield Why()
            yield Static(id="wrong", markup=False)
            yield Static(id="instead", markup=False)

    def on_mount(self) -> None:
        self._offer()

    # -- commands ---------------------------------------------------------------

    def action_ask(self) -> None:
        """Ask others to approve it; the reason comes first."""
        if not self._askable:
            self._wrong("there is nothing to be approved")
        else:
            self._ask_why("Why, for those who approve:", self._ask_approval)

    def action_break_glass(self) -> None:
        """Do it in an emergency where policy lets it; the reason comes first."""
        if not self._opens:
            self._wrong("no emergency opens this")
        else:
            self._ask_why("What is the emergency? It is recorded and reviewed:", self._break)

    def action_confirm(self) -> None:
        """Do it now that the glass is to be broken."""
        if self._reason:
            self.dismiss(self._reason)
        else:
            self._wrong("it is not allowed as it is")

    def action_back(self) -> None:
        self.dismiss("")

    # -- why ----------------------------------------------------------------------

    def _ask_why(self, question: str, then: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        self._answered = then
        self.query_one(Why).ask(question)
        self.query_one("#instead").display = False

    def on_why_given(self, event: Why.Given) -> None:
        self._offer()
        if not event.text:
            self._wrong("say why, for those who will read it")
        elif self._answered is not None:
            self.run_worker(self._told(self._answered(event.text)), group="gate", exclusive=True)

    def on_why_left(self) -> None:
        self._offer()

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and show what went wrong where it was asked for."""
        try:
            await work
        except CalmError as error:
            self._wrong(str(error))

    async def _ask_approval(self, reason: str) -> None:
        request = await self.gate.ask(self.judgement, reason)
        self.judgement = replace(self.judgement, request=request)
        self.query_one("#verdict", Static).update(
            f"approval {request.id} is asked for; once it is granted, enter in the approvals (A) does exactly this"
        )
        self._offer()
        await self.gate.tell(request)

    async def _break(self, reason: str) -> None:
        self._reason = reason
        self.add_class("-broken")
        said = f"BREAK-GLASS · {sanitise.word(reason)} · it is recorded, and somebody else reviews it"
        self.query_one("#glass", Static).update(said)
        self._offer()

    # -- what it shows ------------------------------------------------------------

    @property
    def _askable(self) -> bool:
        return self.judgement.answer is Answer.APPROVAL and not waits(self.judgement)

    def _offer(self) -> None:
        """Say what can be done next."""
        self._wrong("")
        self.set_focus(None)  # or keys would be typed into what was asked
        offers = ["R asks others to approve it"] if self._askable else []
        if self._reason:
            offers.append("y does it now")
        elif self._opens:
            offers.append("B does it in an emergency")
        instead = self.query_one("#instead", Static)
        instead.display = True
        instead.update(" · ".join([*offers, "esc does nothing"]))

    def _wrong(self, text: str) -> None:
        wrong = self.query_one("#wrong", Static)
        wrong.display = bool(text)
        wrong.update(text)

    def _what(self) -> str:
        """What was to be done, and where."""
        deed = self.judgement.deed
        where = sanitise.word(hostset.fold(names(deed.nodes).values()))
        return "\n".join([*(sanitise.word(line) for line in sorted(set(deed.sentences))), f"on {where}"])
