"""The plan of an action: exactly which nodes it will touch, and a question as strong as the danger."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from calmtui.actions.execute import ACT_PARALLEL, act
from calmtui.actions.plan import Plan, filled, is_production, needed
from calmtui.errors import CalmError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import State
from calmtui.providers.base import Parameter
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.rows import Rows, Span


class PlanScreen(ModalScreen[None]):
    """A plan to be confirmed. Confirmed, it leads to the outcomes; otherwise nothing is done.

    Where yes is enough, the focus is on Cancel, so that enter alone never acts; where a name is
    wanted, enter acts when it has been typed.
    """

    where = "plan"
    BINDINGS = keys.bindings("plan")
    DEFAULT_CSS = """
    PlanScreen {
        align: center middle;
        & > #box {
            width: 110; max-width: 100%; height: auto; max-height: 100%;
            border: round $accent; border-title-color: $text; padding: 0 1; background: $surface;
        }
        & Rows { height: auto; max-height: 40vh; margin: 1 0; }
        & Static { height: auto; }
        & #about { color: $text-muted; }
        & #reasons { color: $text-warning; }
        & #wrong { color: $text-error; }
        & Horizontal { height: 1; }
        & Horizontal > Static { width: auto; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(self, live: LiveEstate, plan: Plan, *, read_only: bool) -> None:
        super().__init__()
        self.live = live
        self.plan = plan
        self.read_only = read_only
        self.parameters = needed(plan)
        columns = [(node.name, node.raw_state or node.state.value, node.env)
                   for node in (target.node for target in plan.targets)]  # fmt: skip
        self._widths = [max(map(len, column)) for column in zip(*columns, strict=True)]

    def compose(self) -> ComposeResult:
        plan = self.plan
        with Vertical(id="box") as box:
            box.border_title = Content(self._title())
            yield Static(self._what(), id="what", markup=False)
            yield Rows(self._row, len(plan.targets) + len(plan.left_out))
            yield Static(self._about(), id="about", markup=False)
            if plan.reasons:
                yield Static(
                    f"{of_locale().states[State.DEGRADED]} " + " · ".join(plan.reasons), id="reasons", markup=False
                )
            for parameter in self.parameters:
                yield from _asked(parameter)
            yield Static(id="wrong", markup=False)
            if plan.typed:
                with Horizontal():
                    yield Static(f"Type {plan.typed} to go on, esc does nothing:", markup=False)
                    yield Input(id="typed", compact=True)
            else:
                with Horizontal():
                    yield Button("Cancel (esc)", id="cancel", compact=True)
                    yield Button(Content(f"{plan.name} {self._count()} (y)"), id="go", compact=True)

    def on_mount(self) -> None:
        self.query_one("#wrong").display = False
        first = self.query("Input, #cancel").first()
        first.focus()

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
        """Carry the plan out, if what was asked for is there."""
        if self.plan.typed and self.query_one("#typed", Input).value.strip() != self.plan.typed:
            self._wrong(f"that is not {self.plan.typed}: nothing was done")
            return
        given = {field.name: field.value for field in self.query(Input) if field.name}
        from calmtui.tui.screens.outcomes import OutcomesScreen

        try:
            execution = act(self.live, filled(self.plan, given), read_only=self.read_only)
        except CalmError as error:
            self._wrong(str(error))
        else:
            self.app.switch_screen(OutcomesScreen(execution))

    def action_back(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(Rows).move(self.query_one(Rows).cursor + 1)

    def action_up(self) -> None:
        self.query_one(Rows).move(self.query_one(Rows).cursor - 1)

    def _wrong(self, text: str) -> None:
        wrong = self.query_one("#wrong", Static)
        wrong.display = True
        wrong.update(text)

    # -- what it shows ----------------------------------------------------------

    def _count(self) -> str:
        count = len(self.plan.targets)
        return "1 node" if count == 1 else f"{count} nodes"

    def _title(self) -> str:
        environments = sorted({target.node.env for target in self.plan.targets if target.node.env})
        asked = len(self.plan.targets) + len(self.plan.left_out)
        count = f"{len(self.plan.targets)} of {asked} nodes" if self.plan.left_out else self._count()
        return " · ".join([self.plan.name, count, *environments])

    def _about(self) -> str:
        at_once = min(ACT_PARALLEL, len(self.plan.targets))
        order = f"{at_once} at once" if at_once > 1 else "one at a time"
        return f"{self.plan.hidden} hidden by the filter · {order} · undo: {self.plan.undo or 'none'}"

    def _what(self) -> str:
        """What will happen, once for all the nodes of a kind."""
        sentences = {(target.node.kind, target.sentence) for target in self.plan.targets}
        if len(sentences) == 1:
            return sentences.pop()[1]
        return "\n".join(f"{kind}: {sentence}" for kind, sentence in sorted(sentences))

    def _row(self, index: int) -> list[Span]:
        if index >= len(self.plan.targets):
            return [(f"left out: {self.plan.left_out[index - len(self.plan.targets)].reason}", "quiet")]
        node = self.plan.targets[index].node
        return [
            (node.name.ljust(self._widths[0] + 2), "strong"),
            ((node.raw_state or node.state.value).ljust(self._widths[1] + 2), ""),
            (node.env.ljust(self._widths[2] + 2), "warn" if is_production(node) else ""),
            (node.id, "quiet"),
        ]


def _asked(parameter: Parameter) -> ComposeResult:
    with Horizontal():
        yield Static(f"{parameter.prompt}:", markup=False)
        yield Input(parameter.default or "", name=parameter.name, compact=True)
