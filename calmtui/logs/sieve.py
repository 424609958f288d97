"""Which lines of a block pass a filter, found for all of them at once.

An expression goes over the bytes of the whole block; what it says of a line is the same as over the line's text.
Lines whose bytes are not their text (see `block.RAW`) are looked at one by one.
"""

from __future__ import annotations

import numpy as np

from calmtui.logs.block import NOTE, RAW, Block, Mask
from calmtui.logs.filters import COMPARE, Filter, OfLevel, Pattern, Test


def passing(wanted: Filter, block: Block) -> Mask:
    """Which lines pass; `Filter.passes` for each."""
    rows = block.rows
    mask = np.asarray(rows["level"] >= wanted.level)
    if wanted.muted or wanted.solo:
        heard = np.fromiter(map(wanted.hears, block.origins.known), np.bool_, len(block.origins.known))
        mask &= heard[rows["origin"]]
    for rule in wanted.active:
        mask &= holding(rule.test, block, mask) != rule.out
    return np.asarray(mask | (rows["flags"] & NOTE != 0)) if wanted.notes else mask


def holding(test: Test, block: Block, asked: Mask) -> Mask:
    """Which lines hold what a rule asks; those not `asked` for may be told wrongly."""
    match test:
        case OfLevel():
            return np.asarray(COMPARE[test.compare](block.rows["level"], test.level))
        case Pattern(blockwise=expression) if expression is not None:
            found = [match.start() for match in expression.finditer(block.data)]
            mask = np.zeros(len(block) + 1, np.bool_)  # one that matches nothing at all does so after the last line too
            mask[np.searchsorted(block.rows["end"], np.array(found, np.uint32))] = True
            raw = np.asarray(block.rows["flags"] & RAW != 0)
            return np.where(raw, _one_by_one(test, block, raw & asked), mask[:-1])
        case _:
            return _one_by_one(test, block, asked)


def _one_by_one(test: Test, block: Block, asked: Mask) -> Mask:
    mask = np.zeros(len(block), np.bool_)
    for number in np.flatnonzero(asked).tolist():
        mask[number] = test.holds(block[number])
    return mask
