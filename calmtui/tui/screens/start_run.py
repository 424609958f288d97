"""Starting a runbook: its parameters, checked as they are typed, and which of its targets are meant."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from calmtui import sanitise
from calmtui.actions.gate import Gate
from calmtui.errors import CalmError, UsageError
from calmtui.estate.around import around
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.query import compile_query
from calmtui.runbooks import planning, values
from calmtui.runbooks.journal import Journal
from calmtui.runbooks.load import Runbook
from calmtui.runbooks.plan import RunPlan
from calmtui.runbooks.values import Parameter
from calmtui.tui import keys
from calmtui.tui.screens.run_plan import RunPlanScreen
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.choice import Choice
from calmtui.tui.widgets.still import Still

SETTLED = 0.3
"""Seconds without a key after which the targets are counted."""
_WORDS = {"true": "yes", "false": "no"}
"""Values of the parameters that are one of the two, as people say them."""
_KINDS = {"integer": "a whole number", "number": "a number", "duration": "a length of time: 30s, 5m"}
ALL, MARKED = "all that its query selects", "of these the marked ones only"


class StartScreen(ModalScreen[None]):
    """A form; what it leads to is the plan, which is confirmed or not. Coming back, everything stands as it was."""

    where = "start"
    BINDINGS = keys.bindings("start")
    DEFAULT_CSS = """
    StartScreen {
        align: center middle;
        & #fields { height: auto; max-height: 60vh; margin: 1 0; }
        & Static { height: auto; }
        & Horizontal { height: 1; }
        & Horizontal > .label { width: 20; margin-right: 1; }
        & Horizontal > Input { width: 1fr; }
        & .hint { color: $text-muted; padding-left: 21; }
        & .hint.-wrong { color: $text-error; }
        & #targets { height: auto; }
        & #wrong { height: auto; color: $text-error; }
        & Button { margin-right: 2; }
    }
    """

    def __init__(
        self,
        gate: Gate,
        journal: Journal,
        runbook: Runbook,
        marked: Iterable[NodeId] = (),
        given: Mapping[str, str] | None = None,
        *,
        only: bool = False,
    ) -> None:
        """`given` are values that stand there at first; `only`: the marked nodes are chosen at first."""
        super().__init__()
        self.gate = gate
        self.journal = journal
        self.runbook = runbook
        self._marked = frozenset(marked)
        self._given = dict(given or {})
        self._only = only
        self._timer: Timer | None = None
        self._asked = False
        """Whether the plan was asked for: what is missing is told from then on."""
        self._parameters: dict[str, Parameter] = {
            name: one for name, one in runbook.declared.parameters.items() if one.type != "secret"
        }

    def compose(self) -> ComposeResult:
        declared = self.runbook.declared
        with Box(f"start {self.runbook.name}"):
            yield Static(sanitise.word(declared.summary), markup=False)
            with VerticalScroll(id="fields", can_focus=False):
                for name, parameter in declared.parameters.items():
                    yield from self._field(name, parameter)
                if self._marked:
                    with Horizontal():
                        yield Static("on", classes="label", markup=False)
                        yield Choice([ALL, MARKED], MARKED if self._only else ALL, name="on")
            yield Still(id="targets")
            yield Still(id="wrong")
            with Horizontal():
                yield Button("Show the plan", id="plan", compact=True)
                yield Button("Cancel (esc)", id="cancel", compact=True)

    def _field(self, name: str, parameter: Parameter) -> ComposeResult:
        value = self._given.get(name, parameter.default or "")
        with Horizontal():
            yield Static(f"{name}{' *' if parameter.required else ''}", classes="label", markup=False)
            if parameter.type == "secret":
                at = values.references({name: parameter}, self.gate.live.estate.folder)[name]
                yield Static(f"a secret, fetched from {sanitise.word(at)} when it is used", markup=False)
            elif choices := _choices(parameter):
                yield Choice(choices, _WORDS.get(value, value) if "yes" in choices else value, name=name)
            else:
                yield Input(value, name=name, compact=True, classes="value")
        hint = Still(id=f"hint-{name}", classes="hint")
        hint.tell(_hint(parameter))
        yield hint

    def on_mount(self) -> None:
        self.query("Input, Choice, #plan").first().focus()
        self._check()
        self._count_later()

    # -- what is typed ------------------------------------------------------------------

    def on_input_changed(self) -> None:
        self._check()
        self._count_later()

    def on_choice_changed(self) -> None:
        self._check()
        self._count_later()

    def on_input_submitted(self) -> None:
        """Enter goes on to the next field, and from the last one to the plan."""
        self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "plan":
            self.action_plan()
        else:
            self.action_back()

    @property
    def given(self) -> dict[str, str]:
        """What was typed; a field that is empty was not filled in."""
        fields = (*self.query(Input), *self.query(Choice))
        return {field.name: field.value for field in fields if field.name in self._parameters and field.value.strip()}

    @property
    def _only_marked(self) -> bool:
        return any(choice.name == "on" and choice.value == MARKED for choice in self.query(Choice))

    def _check(self) -> bool:
        """Say below each field what is wrong with it; whether nothing is."""
        fine, given = True, self.given
        for name, parameter in self._parameters.items():
            wrong = ""
            try:
                if name in given:
                    values.checked(name, parameter, given[name])
                elif parameter.required and self._asked:
                    wrong = f"{name} is needed"
            except UsageError as error:
                wrong = str(error)
            hint = self.query_one(f"#hint-{name}", Still)
            hint.set_class(bool(wrong), "-wrong")
            hint.tell(sanitise.word(wrong) if wrong else _hint(parameter))
            fine = fine and not wrong
        return fine

    # -- the targets --------------------------------------------------------------------

    def _count_later(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLED, self._count)

    def _count(self) -> None:
        """Say how many nodes it would be, when that can be said."""
        self.query_one("#wrong", Still).tell("")
        try:
            query = planning.targets(self.runbook, self.given)
            selected = self._selected(query)
        except CalmError:
            self.query_one("#targets", Still).tell(f"targets: {sanitise.word(self.runbook.declared.targets)}")
            return
        self.query_one("#targets", Still).tell(self._told(query, selected))

    def _selected(self, query: str) -> list[Node]:
        """What the query selects now, in the order of ids. Raises QueryError."""
        live = self.gate.live
        found = compile_query(query, around(live, self._marked)).among(live.fleet)
        return sorted(found, key=lambda node: node.id)

    def _told(self, query: str, selected: list[Node]) -> str:
        text = f"targets: {sanitise.word(query)}: {len(selected):,} node{'s' * (len(selected) != 1)}"
        if self._only_marked:
            meant = sum(node.id in self._marked for node in selected)
            text += f", NARROWED to the {meant:,} of them that are marked"
            if other := len(self._marked) - meant:
                text += f" ({other:,} marked {'is' if other == 1 else 'are'} not among them)"
        return text

    # -- on to the plan -------------------------------------------------------------------

    def action_plan(self) -> None:
        """Show the plan, if the values are right and there is anything to do."""
        self._asked = True
        if not self._check():
            wrong = next(name for name in self._parameters if self.query_one(f"#hint-{name}").has_class("-wrong"))
            next(field for field in self.query(".value") if field.name == wrong).focus()
            return
        self.run_worker(self._show_plan(), group="plan", exclusive=True)

    async def _show_plan(self) -> None:
        try:
            made = await self._make("", False)
            note = self._told(*self._now()) if self._only_marked else ""
        except CalmError as error:
            self.query_one("#wrong", Still).tell(str(error))
        else:
            self.app.push_screen(RunPlanScreen(self.gate, self.journal, made, self._make, note))

    def _now(self) -> tuple[str, list[Node]]:
        query = planning.targets(self.runbook, self.given)
        return query, self._selected(query)

    async def _make(self, reason: str, broken: bool) -> RunPlan:
        """The plan for what is there now. Raises CalmError."""
        live, subject, given = self.gate.live, self.gate.rulebook.subject, self.given
        query, nodes = self._now()
        if self._only_marked:
            nodes = [node for node in nodes if node.id in self._marked]
        if not nodes:
            raise UsageError(f"no node matches {query!r}" + (" and is marked" if self._only_marked else ""))
        return await asyncio.to_thread(
            planning.make, live.estate, self.runbook, nodes, given, live.actions(), who=subject.who,
            groups=subject.groups, reason=reason, break_glass=broken,
        )  # fmt: skip

    def action_back(self) -> None:
        self.dismiss(None)


def _choices(parameter: Parameter) -> list[str]:
    """What there is to choose from; nothing at first, where nothing is chosen beforehand."""
    found = list(parameter.one_of) or (["yes", "no"] if parameter.type == "boolean" else [])
    return ["", *found] if found and parameter.default is None else found


def _hint(parameter: Parameter) -> str:
    """What it is for, and what it may be."""
    parts = [parameter.summary, _KINDS.get(parameter.type, "")]
    if parameter.minimum is not None or parameter.maximum is not None:
        least = f"{parameter.minimum:g}" if parameter.minimum is not None else ""
        most = f"{parameter.maximum:g}" if parameter.maximum is not None else ""
        parts.append(f"{least} to {most}" if least and most else f"at least {least}" if least else f"at most {most}")
    if parameter.pattern:
        parts.append(f"matches {parameter.pattern}")
    return sanitise.word("; ".join(filter(None, parts)))
