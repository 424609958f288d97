"""The plan of an action: exactly which nodes it will touch, and a question as strong as the danger."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from calmtui.actions.execute import ACT_PARALLEL, act
from calmtui.actions.gate import Gate, Judgement
from calmtui.actions.plan import Plan, difference, filled, make, needed
from calmtui.errors import CalmError
from calmtui.fleet.node import State
from calmtui.fleet.production import is_production
from calmtui.governance.decide import Answer
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
        & #verdict { color: $text-muted; }
        & #verdict.-refused { color: $text-error; }
        & #wrong { color: $text-error; }
        & Horizontal { height: 1; }
        & Horizontal > Static { width: auto; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(self, gate: Gate, plan: Plan) -> None:
        super().__init__()
        self.gate = gate
        self.plan = plan
        self.judgement: Judgement | None = None
        """What policy says of it; None until it has said it."""
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
            yield Static("policy: being asked", id="verdict", markup=False)
            with Horizontal(id="why"):
                yield Static("Why:", markup=False)
                yield Input(id="reason", compact=True)
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
        self.query_one("#wrong").display = self.query_one("#why").display = False
        first = self.query("Input, #cancel").exclude("#reason").first()
        first.focus()
        self.run_worker(self._judge(), group="judge", exclusive=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go":
            self.action_confirm()
        else:
            self.action_back()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field; in the last one of a typed confirmation it confirms."""
        if event.input.id == "reason":
            self._reasoned()
        elif event.input.id == "typed":
            self.action_confirm()
        else:
            self.focus_next()

    def action_confirm(self) -> None:
        """Carry the plan out, if what was asked for is there."""
        if self.plan.typed and self.query_one("#typed", Input).value.strip() != self.plan.typed:
            self._wrong(f"that is not {self.plan.typed}: nothing was done")
        else:
            self._begin(self._carry_out())

    def action_ask(self) -> None:
        """Ask others to approve the plan; the reason comes first."""
        if self.judgement is None or self.judgement.answer is not Answer.APPROVAL:
            self._wrong("there is nothing to be approved")
        else:
            self._ask_why("approval")

    def action_break_glass(self) -> None:
        """Go on in an emergency where policy lets it; the reason comes first."""
        if self.judgement is None or self.judgement.answer is Answer.ALLOWED:
            self._wrong("nothing stands in the way")
        else:
            self._ask_why("break-glass")

    def _ask_why(self, purpose: str) -> None:
        why = self.query_one("#why")
        why.display = True
        why.query_one(Static).update(f"Why ({purpose}; it is recorded):")
        self._purpose = purpose
        self.query_one("#reason", Input).focus()

    def _reasoned(self) -> None:
        reason = self.query_one("#reason", Input).value.strip()
        if not reason:
            self._wrong("say why, for those who will read it")
        elif self._purpose == "approval":
            self._begin(self._ask_approval(reason))
        else:
            self._begin(self._carry_out(break_glass=True, reason=reason))

    # -- what the gate says -----------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.run_worker(self._told(work), group="gate", exclusive=True)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it, and show what went wrong where it was asked for."""
        try:
            await work
        except CalmError as error:
            self._wrong(str(error))

    async def _judge(self) -> None:
        try:
            self.judgement = await self.gate.judge(self.plan.deed)
        except CalmError as error:  # nothing is let through then
            self._verdict(str(error), refused=True)
            return
        text, refused = verdict(self.judgement)
        self._verdict(text, refused=refused)

    async def _ask_approval(self, reason: str) -> None:
        assert self.judgement is not None
        request = await self.gate.ask(self.judgement, reason)
        self.query_one("#why").display = False
        self._verdict(
            f"approval {request.id} is asked for; the plan can be carried out once it is granted", refused=False
        )

    async def _carry_out(self, *, break_glass: bool = False, reason: str = "") -> None:
        """Resolve the targets again; begin, unless something is otherwise than was shown."""
        from calmtui.tui.screens.outcomes import OutcomesScreen  # not needed before

        now = self._again()
        changed = difference(self.plan, now)
        given = {field.name: field.value for field in self.query(Input) if field.name}
        if changed:
            some = "; ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
            self._take(now)
            self._wrong(f"since this was shown: {some}. Confirm again to go on with what is left")
            return
        plan = filled(now, given)
        execution = await act(self.gate, plan, break_glass=break_glass, reason=reason)
        self.app.switch_screen(OutcomesScreen(self.gate, plan, execution))

    def _again(self) -> Plan:
        """The plan for the same nodes as they are now."""
        live = self.gate.live
        asked = [target.node.id for target in self.plan.targets] + [item.node.id for item in self.plan.left_out]
        nodes = [node for node_id in asked if (node := live.fleet.get(node_id)) is not None]
        made = make(self.plan.name, nodes, live.actions(), hidden=self.plan.hidden, is_stale=live.fleet.is_stale)
        return replace(made, undoing=self.plan.undoing)

    def _take(self, plan: Plan) -> None:
        """Show another plan in place of the one that was shown."""
        self.plan = plan
        self.query_one("#box").border_title = Content(self._title())
        self.query_one(Rows).show(len(plan.targets) + len(plan.left_out))
        self.run_worker(self._judge(), group="judge", exclusive=True)

    def action_back(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(Rows).move(self.query_one(Rows).cursor + 1)

    def action_up(self) -> None:
        self.query_one(Rows).move(self.query_one(Rows).cursor - 1)

    def _verdict(self, text: str, *, refused: bool) -> None:
        shown = self.query_one("#verdict", Static)
        shown.set_class(refused, "-refused")
        shown.update(text)

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


def verdict(judgement: Judgement) -> tuple[str, bool]:
    """What policy says of a plan and what can be done about it; whether it refuses the plan as it is."""
    denied = judgement.denied
    if judgement.answer is Answer.ALLOWED:
        by = f"policy: allowed by {', '.join(judgement.rules)}"
        by += f" · standard change {judgement.standard}" if judgement.standard else ""
        by += f" · approval {judgement.request.id}" if judgement.request else ""
        some = f" · {len(denied)} denied: {'; '.join(sorted(set(denied.values())))}" if denied else ""
        return by + some, bool(denied)
    if judgement.answer is Answer.APPROVAL:
        waiting = f"approval {judgement.request.id} is asked for" if judgement.request else "A asks for it"
        return f"policy: {judgement.why_not} · {waiting}", True
    return f"policy: {judgement.why_not}", True


def _asked(parameter: Parameter) -> ComposeResult:
    with Horizontal():
        yield Static(f"{parameter.prompt}:", markup=False)
        yield Input(parameter.default or "", name=parameter.name, compact=True)
