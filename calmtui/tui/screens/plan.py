"""The plan of an action: exactly which nodes it will touch, and a question as strong as the danger."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from calmtui import sanitise
from calmtui.actions.execute import act
from calmtui.actions.gate import Gate, Judgement
from calmtui.actions.limits import ACT_PARALLEL
from calmtui.actions.plan import Plan, difference, filled, make, needed
from calmtui.errors import CalmError
from calmtui.fleet.node import State
from calmtui.fleet.production import is_production
from calmtui.governance.approvals import LIVE
from calmtui.governance.decide import Answer
from calmtui.providers.base import Parameter
from calmtui.tui import keys
from calmtui.tui.glyphs import of_locale
from calmtui.tui.widgets.limit_fields import LimitFields
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.why import Why


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
        & #glass { background: $error; color: $text; text-style: bold; padding: 0 1; }
        &.-broken > #box { border: heavy $error; }
        & Horizontal { height: 1; }
        & Horizontal > Static { width: auto; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(self, gate: Gate, plan: Plan) -> None:
        super().__init__()
        self.gate = gate
        self.judgement: Judgement | None = None
        """What policy says of it; None until it has said it."""
        self.broken = ""
        """The reason for which the glass is to be broken; empty: it is not."""
        self._given = dict(plan.parameters)
        """The values that were typed so far."""
        self._limits = {"parallel": str(ACT_PARALLEL)}
        """What stands in the fields of the limits."""
        self._answered: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """What is done with the reason that is asked for."""
        self._look_at(plan)

    def _look_at(self, plan: Plan) -> None:
        self.plan = plan
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
            yield LimitFields(self._limits)
            for parameter in self.parameters:
                yield from self._asked(parameter)
            yield Static("policy: being asked", id="verdict", markup=False)
            yield Static(id="glass", markup=False)
            yield Why()
            yield Static(id="wrong", markup=False)
            yield Static(id="instead", markup=False)
            with Horizontal(id="confirm"):
                if plan.typed:
                    yield Static(f"Type {plan.typed} to go on, esc does nothing:", markup=False)
                    yield Input(id="typed", compact=True)
                else:
                    yield Button("Cancel (esc)", id="cancel", compact=True)
                    yield Button(Content(f"{plan.name} {self._count()} (y)"), id="go", compact=True)

    def _asked(self, parameter: Parameter) -> ComposeResult:
        with Horizontal():
            yield Static(f"{parameter.prompt}:", markup=False)
            value = self._given.get(parameter.name, parameter.default or "")
            yield Input(value, name=parameter.name, compact=True, classes="value")

    def on_mount(self) -> None:
        self._open()

    def _open(self) -> None:
        """Begin with what is composed: ask what policy says of it."""
        for part in ("#wrong", "#glass", "#instead"):
            self.query_one(part).display = False
        self._focus_first()
        self.run_worker(self._judge(), group="judge", exclusive=True)

    def _focus_first(self) -> None:
        self.query(".value, #typed, #cancel").first().focus()

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
        else:
            self._begin(self._carry_out())

    def action_ask(self) -> None:
        """Ask others to approve the plan; the reason comes first."""
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
        self._offer()
        if not event.text:
            self._wrong("say why, for those who will read it")
        elif self._answered is not None:
            self._begin(self._answered(event.text))

    def on_why_left(self) -> None:
        self._offer()

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
            self.judgement = await self.gate.judge(self.plan.deed, break_glass=bool(self.broken))
        except CalmError as error:  # nothing is let through then
            self._verdict(str(error), refused=True)
            return
        text, refused = verdict(self.judgement)
        self._verdict(text, refused=refused)
        self._offer()

    def _offer(self) -> None:
        """Offer what can be done next: to confirm what is allowed, or what there is instead."""
        if self.judgement is None:
            return
        allowed = self.judgement.answer is Answer.ALLOWED
        instead = "B goes on in an emergency · esc does nothing"
        if self.judgement.answer is Answer.APPROVAL and not _waits(self.judgement):
            instead = f"R asks others to approve it · {instead}"
        if self.parameters:
            instead = f"enter, then {instead}"
        self.query_one("#confirm").display = allowed
        self.query_one("#instead", Static).display = not allowed
        self.query_one("#instead", Static).update("esc does nothing" if self.judgement.read_only else instead)
        if self.query_one(Why).asking:
            return
        typing = isinstance(self.focused, Input) and self.focused.has_class("value")
        if allowed and not typing:
            self._focus_first()
        elif not typing:
            self.query_one(Rows).focus()  # or keys would be typed into what is not there any more

    async def _ask_approval(self, reason: str) -> None:
        """Ask for exactly what would be carried out, its values filled in."""
        self.judgement = await self.gate.judge(filled(self.plan, self._values()).deed)
        request = await self.gate.ask(self.judgement, reason)
        self.judgement = replace(self.judgement, request=request)
        self._verdict(
            f"approval {request.id} is asked for; the plan can be carried out once it is granted", refused=False
        )
        self._offer()
        await self.gate.tell(request)

    async def _break(self, reason: str) -> None:
        """Have the plan judged as one of an emergency; it is confirmed like any other then."""
        self.broken = reason
        await self._judge()
        opened = self.judgement is not None and self.judgement.answer is Answer.ALLOWED
        self.broken = reason if opened else ""
        self.set_class(opened, "-broken")
        glass = self.query_one("#glass", Static)
        glass.display = opened
        glass.update(f"BREAK-GLASS · {sanitise.word(reason)} · it is recorded, and somebody else reviews it")
        if not opened:
            self._wrong("no emergency opens this")

    async def _carry_out(self) -> None:
        """Resolve the targets again; begin, unless something is otherwise than was shown."""
        from calmtui.tui.screens.outcomes import OutcomesScreen  # not needed before

        now = self._again()
        changed = difference(self.plan, now)
        if changed:
            some = "; ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
            await self._take(now)
            left = "Confirm again to go on with what is left" if now.targets else "Nothing is left to do"
            self._wrong(f"since this was shown: {some}. {left}")
            return
        plan = filled(now, self._values())
        limits = self.query_one(LimitFields).limits
        execution = await act(self.gate, plan, limits, break_glass=bool(self.broken), reason=self.broken)
        self.app.switch_screen(OutcomesScreen(self.gate, plan, execution))

    def _values(self) -> dict[str, str]:
        """What was typed for the parameters."""
        return {field.name: field.value for field in self.query(".value").results(Input) if field.name}

    def _again(self) -> Plan:
        """The plan for the same nodes as they are now."""
        live = self.gate.live
        asked = [target.node.id for target in self.plan.targets] + [item.node.id for item in self.plan.left_out]
        nodes = [node for node_id in asked if (node := live.fleet.get(node_id)) is not None]
        made = make(self.plan.name, nodes, live.actions(), hidden=self.plan.hidden, is_stale=live.fleet.is_stale)
        return replace(made, undoing=self.plan.undoing)

    async def _take(self, plan: Plan) -> None:
        """Show another plan in place of the one that was shown; what was typed for it stays."""
        self._given, self._limits = self._values(), self.query_one(LimitFields).given
        self._look_at(plan)
        await self.recompose()
        self._open()

    def action_back(self) -> None:
        self.dismiss(None)

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
        return f"{self.plan.hidden} hidden by the filter · undo: {self.plan.undo or 'none'}"

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
    if judgement.answer is Answer.APPROVAL and judgement.request is not None:
        standing = judgement.request.standing(time.time())
        return f"policy: {judgement.why_not} · approval {judgement.request.id} is {standing}", True
    return f"policy: {judgement.why_not}", True


def _waits(judgement: Judgement) -> bool:
    """Whether an approval is asked for that something can still become of."""
    return judgement.request is not None and judgement.request.standing(time.time()) in LIVE
