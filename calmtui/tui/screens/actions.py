"""What can be done with some nodes: the actions that all of them allow, and why the others are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

from calmtui.actions import plan
from calmtui.actions.catalogue import Choice, choices, danger_word
from calmtui.actions.execute import act
from calmtui.actions.gate import Gate, Judgement
from calmtui.errors import CalmError
from calmtui.fleet.node import Node
from calmtui.governance.decide import Answer
from calmtui.providers.base import Danger
from calmtui.tui import keys
from calmtui.tui.screens.plan import PlanScreen
from calmtui.tui.verdict import verdict
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span

HINT = "enter or a digit goes on · esc goes back"

NAMED = 3
"""How many nodes the title names before it only counts."""


class ActionsScreen(ModalScreen[None]):
    """A choice of one action. It leads to its plan, or straight to the outcomes when nothing need be asked."""

    where = "actions"
    BINDINGS = keys.bindings("actions")
    DEFAULT_CSS = """
    ActionsScreen {
        align: center middle;
        & > Box { width: 96; }
        & Rows { height: auto; max-height: 16; }
        & #why { height: auto; max-height: 6; margin: 1 0; }
        & #hint { height: 1; color: $text-muted; }
    }
    """

    def __init__(self, gate: Gate, nodes: Sequence[Node], hidden: int) -> None:
        """`hidden` is how many of the nodes the filter does not show."""
        super().__init__()
        self.gate = gate
        self.nodes = nodes
        self.hidden = hidden
        live = gate.live
        self.catalogue = live.actions()
        self.choices = choices(nodes, self.catalogue, live.fleet, read_only=bool(gate.read_only))
        self._width = max((len(choice.name) for choice in self.choices), default=0)
        self.judgements: dict[str, Judgement] = {}
        """What policy says of each action, as far as it was asked by now."""

    def compose(self) -> ComposeResult:
        with Box(title(self.nodes, self.hidden)):
            yield Rows(self._row, len(self.choices))
            yield Static(id="why", markup=False)
            yield Static(HINT, id="hint", markup=False)

    def on_mount(self) -> None:
        self._explain()
        self.run_worker(self._judge(), group="judge", exclusive=True)

    async def _judge(self) -> None:
        """Ask what policy says of one action after the other; it ends with the screen."""
        for choice in self.choices:
            if not choice.why_not:
                try:
                    made = await asyncio.to_thread(self._made, choice)
                    self.judgements[choice.name] = await self.gate.judge(made.deed)
                except CalmError as error:  # the plan says so as well
                    self.query_one("#why", Static).update(str(error))
                    return
                self.query_one(Rows).refresh()
                self._explain()

    def _made(self, choice: Choice) -> plan.Plan:
        is_stale = self.gate.live.fleet.is_stale
        return plan.make(choice.name, self.nodes, self.catalogue, hidden=self.hidden, is_stale=is_stale)

    def on_rows_moved(self) -> None:
        self._explain()

    def on_rows_chosen(self) -> None:
        self.action_choose()

    def on_key(self, event: events.Key) -> None:
        """A digit chooses; a letter goes to the next action that begins with it."""
        if event.character and event.character in "123456789":
            event.stop()
            if int(event.character) <= len(self.choices):
                self.query_one(Rows).move(int(event.character) - 1)
                self.action_choose()
        elif event.character and event.character.isalpha():
            event.stop()
            self._go_to(event.character)

    def action_back(self) -> None:
        self.dismiss(None)

    def action_choose(self) -> None:
        """Go on with the action under the cursor, unless something speaks against it."""
        choice = self._choice()
        if choice is None or choice.why_not:
            return
        made = self._made(choice)
        if made.danger is Danger.NONE and not plan.needed(made):
            self.run_worker(self._at_once(made), group="gate", exclusive=True)
        else:
            self._plan(made)

    async def _at_once(self, made: plan.Plan) -> None:
        """What harms nothing is begun without a question; where the gate refuses, the plan says why."""
        from calmtui.tui.screens.outcomes import OutcomesScreen  # not needed before

        try:
            execution = await act(self.gate, made)
        except CalmError:
            self._plan(made)
        else:
            self.app.switch_screen(OutcomesScreen(self.gate, made, execution))

    def _plan(self, made: plan.Plan) -> None:
        self.app.switch_screen(PlanScreen(self.gate, made))

    def _choice(self) -> Choice | None:
        return self.choices[self.query_one(Rows).cursor] if self.choices else None

    def _go_to(self, letter: str) -> None:
        rows = self.query_one(Rows)
        found = [index for index, choice in enumerate(self.choices) if choice.name.startswith(letter.lower())]
        if found:
            rows.move(next((index for index in found if index > rows.cursor), found[0]))

    def _explain(self) -> None:
        choice = self._choice()
        text = "Nothing can be done with these nodes." if choice is None else choice.why_not or choice.action.summary
        if choice is not None and choice.name in self.judgements:
            text = f"{text}\n{verdict(self.judgements[choice.name])[0]}"
        self.query_one("#why", Static).update(text)

    def _row(self, index: int) -> list[Span]:
        choice = self.choices[index]
        number = f"{index + 1} " if index < 9 and not choice.why_not else "  "
        name = choice.name.ljust(self._width + 2)
        if choice.why_not:
            return [(number, "quiet"), (name, "quiet"), (choice.why_not, "quiet")]
        danger = choice.action.danger
        meaning = {Danger.NONE: "quiet", Danger.CONFIRM: "", Danger.TYPE_NAME: "warn"}[danger]
        return [(number, "quiet"), (name, "strong"), (danger_word(danger).ljust(13), meaning),
                self._said(choice), (choice.action.summary, "quiet")]  # fmt: skip

    def _said(self, choice: Choice) -> Span:
        """What policy says of it, in a word; nothing while it is being asked, or where all is well."""
        judgement = self.judgements.get(choice.name)
        if judgement is None or (judgement.answer is Answer.ALLOWED and not judgement.denied):
            return ("", "")
        if judgement.answer is Answer.ALLOWED:
            return (f"{len(judgement.denied)} denied  ", "warn")
        return ("needs approval  ", "warn") if judgement.answer is Answer.APPROVAL else ("denied  ", "error")


def title(nodes: Sequence[Node], hidden: int) -> str:
    """What is about to be acted on, in a line: `4 nodes: web-1, web-2, web-3 and 1 more · 2 hidden by the filter`."""
    names = ", ".join(node.name for node in nodes[:NAMED])
    more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
    count = f"{nodes[0].kind} {names}" if len(nodes) == 1 else f"{len(nodes)} nodes: {names}{more}"
    return f"{count} · {hidden} hidden by the filter" if hidden else count
