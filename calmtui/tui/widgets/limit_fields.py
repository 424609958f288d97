"""Fields for the limits of a plan: how many at once, batches, how many may fail, how many have to run."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from calmtui.actions.limits import Limits, typed

_FIELDS = (
    ("parallel", "at once", "", 6),
    ("batches", "batches", "1,10%,100%", 12),
    ("max_failed", "may fail", "any", 6),
    ("min_healthy", "must run", "any", 6),
)
"""Name, label, what stands in it while it is empty, width."""


class LimitFields(Horizontal):
    """One line of fields."""

    DEFAULT_CSS = """
    LimitFields {
        height: 1;
        & > Static { width: auto; margin-right: 1; color: $text-muted; }
        & > Input { margin-right: 2; }
    }
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        """`given` is what stands in the fields, by name; `parallel` always does."""
        super().__init__(id="limits")
        self._given = given

    def compose(self) -> ComposeResult:
        for name, label, placeholder, width in _FIELDS:
            yield Static(label, markup=False)
            field = Input(self._given.get(name, ""), placeholder=placeholder, id=name, name=name, compact=True)
            field.styles.width = width
            yield field

    @property
    def given(self) -> dict[str, str]:
        """What stands in them now."""
        return {field.name: field.value.strip() for field in self.query(Input) if field.name}

    @property
    def limits(self) -> Limits:
        """What they come to. Raises UsageError."""
        given = self.given
        return typed(given["parallel"], given["batches"], given["max_failed"], given["min_healthy"])
