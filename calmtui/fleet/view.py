"""View: how the tree of an estate is looked at, as it is kept from one start to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from calmtui.errors import UsageError
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.grouping import BY_SOURCE, ORDERS, Grouping, Order, grouping
from calmtui.fleet.row import RowId


class View(msgspec.Struct, frozen=True):
    """What the tree is grouped and sorted by, and what is folded in it."""

    group: str = "source"
    sort: str = "name"
    faults: bool = False
    """Whether only what is not well is shown."""
    folds: dict[RowId, bool] = {}
    """Rows that were unfolded (True) or folded by hand."""
    unfolded: bool | None = None
    """Whether every other row was unfolded or folded; None: neither."""

    @property
    def grouping(self) -> Grouping:
        """By what the tree is grouped; by source, when the name says nothing any more."""
        try:
            return grouping(self.group)
        except UsageError:
            return BY_SOURCE

    @property
    def order(self) -> Order:
        """By what siblings are sorted."""
        return ORDERS.get(self.sort, ORDERS["name"])

    def values(self, fleet: Fleet) -> dict[str, Any]:
        """What to keep, without the folds of nodes that are gone."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        known = {row_id: opened for row_id, opened in self.folds.items() if row_id[:1] == "\0" or row_id in fleet.nodes}
        return {**values, "folds": known}


def of_values(values: Mapping[str, Any]) -> View:
    """The view that was kept; what cannot be used of it is as at the first start."""
    kept = {}
    for field in msgspec.structs.fields(View):
        try:
            kept[field.name] = msgspec.convert(values[field.name], field.type)
        except (KeyError, msgspec.ValidationError):
            continue
    return View(**kept)
