"""Folds: which rows of the outline are unfolded, by hand or unless told otherwise."""

from __future__ import annotations

from calmtui.fleet.row import Row, RowId


class Folds:
    """What was folded and unfolded. A filter unfolds everything but what is folded while it is on."""

    def __init__(self) -> None:
        self.filtered = False
        self._by_hand: dict[RowId, bool] = {}
        self._all: bool | None = None
        self._filter_by_hand: dict[RowId, bool] = {}
        self._filter_all = True

    def is_open(self, row: Row, unfolded: int) -> bool:
        """Whether a row is unfolded, in a grouping whose first `unfolded` levels are so by themselves."""
        if self.filtered:
            return self._filter_by_hand.get(row.id, self._filter_all)
        by_hand = self._by_hand.get(row.id, self._all)
        return by_hand if by_hand is not None else row.node is None and row.level < unfolded

    def set(self, row_id: RowId, *, opened: bool) -> None:
        """Fold or unfold one row."""
        (self._filter_by_hand if self.filtered else self._by_hand)[row_id] = opened

    def set_all(self, *, opened: bool) -> None:
        """Fold or unfold every row, whatever was done by hand."""
        if self.filtered:
            self._filter_by_hand.clear()
            self._filter_all = opened
        else:
            self._by_hand.clear()
            self._all = opened

    def set_filtered(self, filtered: bool) -> None:
        """A filter was put on or taken off; a new one begins with everything unfolded."""
        if filtered and not self.filtered:
            self._filter_by_hand.clear()
            self._filter_all = True
        self.filtered = filtered
