"""Folds: which rows of the outline are unfolded, by hand or unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from calmtui.fleet.row import Row, RowId

FEW = 1_000
"""Matches that a filter unfolds by itself. Nobody pages through more than that; the counts of the groups say more."""


class Folds:
    """What was folded and unfolded. A filter that leaves few matches unfolds everything but what is folded under it."""

    def __init__(self, by_hand: Mapping[RowId, bool] = MappingProxyType({}), all_: bool | None = None) -> None:
        self.filtered = False
        self.by_hand = dict(by_hand)
        """Rows that were unfolded (True) or folded one by one, while no filter was on."""
        self.all = all_
        """Whether every other row was unfolded or folded; None: neither."""
        self._filter_by_hand: dict[RowId, bool] = {}
        self._filter_all: bool | None = None

    def is_open(self, row: Row, unfolded: int) -> bool:
        """Whether a row is unfolded, in a grouping whose first `unfolded` levels are so by themselves."""
        if self.filtered:
            by_filter = self._filter_by_hand.get(row.id, self._filter_all)
            if by_filter is not None:
                return by_filter
        by_hand = self.by_hand.get(row.id, self.all)
        return by_hand if by_hand is not None else row.node is None and row.level < unfolded

    def set(self, row_id: RowId, *, opened: bool) -> None:
        """Fold or unfold one row."""
        (self._filter_by_hand if self.filtered else self.by_hand)[row_id] = opened

    def set_all(self, *, opened: bool) -> None:
        """Fold or unfold every row, whatever was done by hand."""
        if self.filtered:
            self._filter_by_hand.clear()
            self._filter_all = opened
        else:
            self.by_hand.clear()
            self.all = opened

    def set_filtered(self, filtered: bool, matching: int) -> None:
        """A filter was put on, altered or taken off; it leaves so many matches."""
        if filtered and not self.filtered:
            self._filter_by_hand.clear()
        if not (self.filtered and self._filter_all is False):  # folded by hand, which typing on does not undo
            self._filter_all = True if matching <= FEW else None
        self.filtered = filtered
