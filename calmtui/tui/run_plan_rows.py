"""The plan of a run as rows: phase by phase, command by command, node by node; a row is made when it is seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from calmtui import sanitise
from calmtui.runbooks.phases import Phase
from calmtui.runbooks.plan import PlannedNode, PlannedStep, RunPlan, sentence, used_in
from calmtui.tui.widgets.rows import Span


class PlanRows(Sequence[list[Span]]):
    """The rows of a plan; what differs from node to node stands below each of them."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._parts = [_Part(plan, phase) for phase in plan.phases]
        self._begins = [0]
        for part in self._parts:
            self._begins.append(self._begins[-1] + part.count)
        self._last = [*(("gate: ", step) for step in plan.gates), *(("rollback: ", step) for step in plan.rollback)]

    def __len__(self) -> int:
        return self._begins[-1] + len(self._last)

    def __getitem__(self, index: int) -> list[Span]:  # type: ignore[override]  # slices are not asked for
        if index >= self._begins[-1]:
            what, step = self._last[index - self._begins[-1]]
            return [(what, "warn"), _said(step)]
        at = bisect_right(self._begins, index) - 1
        return self._parts[at].row(index - self._begins[at])


class _Part:
    """The rows of a phase."""

    def __init__(self, plan: RunPlan, phase: Phase) -> None:
        self._steps: Sequence[PlannedStep] = plan.steps_of(phase)
        self._own = [step for step in self._steps if not step.once and _differs(step)]
        self._nodes: Sequence[PlannedNode] = plan.nodes_of(phase.stages)
        size, at_once = len(self._nodes), min(plan.parallel, len(self._nodes))
        self._title = f"{phase.title}: " + ("1 node" if size == 1 else f"{size:,} nodes, {at_once} at once")
        self._then = f", then {phase.hold:g} s hold" if phase.hold else ""
        self._then += ", then the gates" if phase.gated and plan.gates else ""
        self.count = 1 + len(self._steps) + size * (1 + len(self._own))

    def row(self, index: int) -> list[Span]:
        if index == 0:
            return [(sanitise.word(self._title), "strong"), (self._then, "quiet")]
        if index <= len(self._steps):
            step = self._steps[index - 1]
            name = f"{sanitise.word(str(step.body['name']))}: " if step.body.get("name") else ""
            once = "once, when all have come so far: " if step.once else ""
            return [(f"  {step.key}. {once}{name}", "quiet"), _said(step)]
        number, line = divmod(index - 1 - len(self._steps), 1 + len(self._own))
        node = self._nodes[number]
        if line == 0:
            return [(f"    {sanitise.word(node.name)}", ""), (f"  {node.id}", "quiet")]
        step = self._own[line - 1]
        return [(f"      {step.key}. ", "quiet"), (sanitise.word(sentence(step, node)), "")]


def _differs(step: PlannedStep) -> bool:
    return any(name.startswith("node.") for name in used_in([step]))


def _said(step: PlannedStep) -> Span:
    return sanitise.word(sentence(step, None)), ""
