"""What a command or a shell needs that is refused as it is: the approval of others, or an emergency."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult
from textual.widgets import Static

from calmtui import sanitise
from calmtui.actions.deed import Deed
from calmtui.actions.gate import Gate
from calmtui.actions.outcome import names
from calmtui.errors import Refused, UsageError
from calmtui.fleet import hostset
from calmtui.governance.decide import Answer
from calmtui.tui.screens.confirm import ConfirmScreen
from calmtui.tui.widgets.box import Box

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
        reason = await app.push_screen_wait(RefusedScreen(gate, deed))
        return await admit(reason) if reason else None


class RefusedScreen(ConfirmScreen):
    """Dismissed with the reason for which the glass is to be broken; None: nothing is to be done now."""

    DEFAULT_CSS = """
    RefusedScreen {
        & > Box { width: 90; border: round $error; }
        & #what { margin-bottom: 1; }
    }
    """

    def __init__(self, gate: Gate, deed: Deed) -> None:
        super().__init__(gate)
        self._deed = deed

    def compose(self) -> ComposeResult:
        with Box(f"{self._deed.action} is not allowed as it is"):
            yield Static(self._what(), id="what", markup=False)
            yield from self.question(f"{self._deed.action} in an emergency")

    def on_mount(self) -> None:
        self.set_focus(None)  # keys are for the screen until it asks
        self.judge()

    @property
    def typed(self) -> str:
        return ""

    async def deed(self) -> Deed:
        return self._deed

    async def carry_out(self) -> None:
        if not self.has_class("-broken"):
            raise UsageError("it is not allowed as it is")
        self.dismiss(self.broken)

    def _what(self) -> str:
        """What was to be done, and where."""
        where = sanitise.word(hostset.fold(names(self._deed.nodes).values()))
        return "\n".join([*(sanitise.word(line) for line in sorted(set(self._deed.sentences))), f"on {where}"])
