"""What decides which lines of a log are shown: each rule switched on and off, or dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from textual.app import ComposeResult
from textual.screen import ModalScreen

from calmtui.logs.filters import Filter, Heard
from calmtui.logs.level import Level
from calmtui.tui import keys
from calmtui.tui.log_filtering import told
from calmtui.tui.widgets.box import Box
from calmtui.tui.widgets.rows import Rows, Span
from calmtui.tui.widgets.still import Still


class Part(NamedTuple):
    """One thing that hides lines."""

    kind: str
    told: str
    on: bool
    without: Filter
    """The filter when it is dropped."""
    other: Filter
    """The filter when it is switched on or off; what has no switch is dropped."""


def parts(wanted: Filter) -> list[Part]:
    """Everything in a filter that hides lines, in the order in which `esc` takes it away, last first."""
    found = []
    for heard in _sorted(wanted.muted):
        without = replace(wanted, muted=wanted.muted - {heard})
        found.append(Part("muted", told(heard), True, without, without))
    for heard in _sorted(wanted.solo):
        without = replace(wanted, solo=wanted.solo - {heard})
        found.append(Part("solo", told(heard), True, without, without))
    if wanted.level is not Level.NONE:
        without = replace(wanted, level=Level.NONE)
        found.append(Part("level", f"{wanted.level.name.lower()} and above", True, without, without))
    for at, rule in enumerate(wanted.rules):
        before, behind = wanted.rules[:at], wanted.rules[at + 1 :]
        other = replace(wanted, rules=(*before, replace(rule, on=not rule.on), *behind))
        without = replace(wanted, rules=before + behind)
        found.append(Part("out" if rule.out else "in", rule.typed, rule.on, without, other))
    return found


def _sorted(streams: Iterable[Heard]) -> list[Heard]:
    return sorted(streams, key=lambda stream: (stream[0], stream[1] or ""))


class LogFiltersScreen(ModalScreen[None]):
    """One row for each thing that hides lines; the log behind it shows at once what a change does."""

    where = "filters"
    BINDINGS = keys.bindings("filters")
    DEFAULT_CSS = """
    LogFiltersScreen {
        align: center bottom; background: transparent;
        & > Box { width: 100%; max-height: 60%; }
        & Rows { height: auto; max-height: 12; }
        & #hint { height: 1; color: $text-muted; }
    }
    """

    def __init__(self, wanted: Filter, apply: Callable[[Filter], None]) -> None:
        super().__init__()
        self._apply = apply
        self._parts = parts(wanted)

    def compose(self) -> ComposeResult:
        with Box("what hides lines"):
            yield Rows(self._row, len(self._parts))
            yield Still(id="hint")

    def on_mount(self) -> None:
        self.query_one(Rows).focus()
        self._hint()

    def _hint(self) -> None:
        some, none = "space switches it   d drops it   esc back", "nothing hides lines; / and \\ do   esc back"
        self.query_one("#hint", Still).tell(some if self._parts else none)

    def _row(self, index: int) -> Sequence[Span]:
        part = self._parts[index]
        quiet = "" if part.on else "quiet"
        return [(f"{'on ' if part.on else 'off'}  ", quiet), (f"{part.kind:<7}", "quiet"), (part.told, quiet)]

    def _change(self, wanted: Filter) -> None:
        self._apply(wanted)
        self._parts = parts(wanted)
        self.query_one(Rows).show(len(self._parts))
        self._hint()

    def on_rows_chosen(self) -> None:
        self.action_switch()

    def action_switch(self) -> None:
        if self._parts:
            self._change(self._parts[self.query_one(Rows).cursor].other)

    def action_drop(self) -> None:
        if self._parts:
            self._change(self._parts[self.query_one(Rows).cursor].without)

    def action_back(self) -> None:
        self.dismiss()
