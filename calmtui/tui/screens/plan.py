"""The plan of an action: exactly which nodes it will touch, and a question as strong as the danger."""

from __future__ import annotations

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from calmtui.actions.deed import Deed
from calmtui.actions.execute import act
from calmtui.actions.gate import Gate
from calmtui.actions.limits import ACT_PARALLEL
from calmtui.actions.plan import Plan, difference, filled, make, needed
from calmtui.fleet.production import is_production
from calmtui.providers.base import Parameter
from calmtui.tui.screens.confirm import ConfirmScreen
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.limit_fields import LimitFields
from calmtui.tui.widgets.rows import Rows, Span


class PlanScreen(ConfirmScreen):
    """A plan to be confirmed. Confirmed, it leads to the outcomes."""

    DEFAULT_CSS = """
    PlanScreen {
        & Rows { height: auto; max-height: 40vh; }
        & #about { color: $text-muted; }
    }
    """

    def __init__(self, gate: Gate, plan: Plan) -> None:
        super().__init__(gate)
        self._given = dict(plan.parameters)
        """The values that were typed so far."""
        self._limits = {"parallel": str(ACT_PARALLEL)}
        """What stands in the fields of the limits."""
        self._look_at(plan)

    def _look_at(self, plan: Plan) -> None:
        self.plan = plan
        self.parameters = needed(plan)
        columns = [(node.name, node.raw_state or node.state.value, node.env)
                   for node in (target.node for target in plan.targets)]  # fmt: skip
        self._widths = [max(map(len, column)) for column in zip(*columns, strict=True)]

    def compose(self) -> ComposeResult:
        plan = self.plan
        with Box(self._title()):
            yield Static(self._what(), id="what", markup=False)
            yield Rows(self._row, len(plan.targets) + len(plan.left_out))
            yield Static(self._about(), id="about", markup=False)
            yield from self.reasons(plan.reasons)
            yield LimitFields(self._limits)
            for parameter in self.parameters:
                yield from self._asked(parameter)
            yield from self.question(f"{plan.name} {self._count()}")

    def _asked(self, parameter: Parameter) -> ComposeResult:
        with Horizontal():
            yield Static(f"{parameter.prompt}:", markup=False)
            value = self._given.get(parameter.name, parameter.default or "")
            yield Input(value, name=parameter.name, compact=True, classes="value")

    def on_mount(self) -> None:
        self.focus_first()
        self.judge()

    @property
    def typed(self) -> str:
        return self.plan.typed

    async def deed(self) -> Deed:
        return self.plan.deed

    async def ask_approval(self, reason: str) -> None:
        """Ask for exactly what would be carried out, its values filled in."""
        self.judgement = await self.gate.judge(filled(self.plan, self._values()).deed)
        await super().ask_approval(reason)

    async def carry_out(self) -> None:
        """Resolve the targets again; begin, unless something is otherwise than was shown."""
        from calmtui.tui.screens.outcomes import OutcomesScreen  # not needed before

        now = self._again()
        changed = difference(self.plan, now)
        if changed:
            some = "; ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
            await self._take(now)
            left = "Confirm again to go on with what is left" if now.targets else "Nothing is left to do"
            self.say_wrong(f"since this was shown: {some}. {left}")
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
        self.on_mount()

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
