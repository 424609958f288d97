"""Which lines of a block pass a filter, found for all of them at once.

An expression goes over the bytes of the whole block; what it says of a line is the same as over the line's text.
Lines whose bytes are not their text (see `block.RAW`) are looked at one by one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import re2

from calmtui.logs.block import NOTE, RAW, Block, Mask
from calmtui.logs.filters import COMPARE, Filter, OfField, OfLevel, Pattern, Test
from calmtui.logs.sgr import decode


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
        case OfField():
            asked = asked & _may_have(test.name, block, asked)
            return _by_fields(test, block, asked & ~_refuted(test, block, asked))
        case _:
            return _one_by_one(test, block, asked)


def _may_have(name: str, block: Block, asked: Mask) -> Mask:
    """Which lines may have a field: those that name it, or are laid out so that they need not."""
    from calmtui.logs.formats.fields import positional  # its tables are not needed before somebody asks for a field

    layouts = positional(name)
    if layouts is None:
        return asked
    named = _named(name.rpartition(".")[2])
    found = [match.start() for match in named.finditer(block.data)]
    mask = np.asarray(block.rows["flags"] & RAW != 0)
    mask[np.searchsorted(block.rows["end"], np.array(found, np.uint32))] = True
    if layouts:
        for number in np.flatnonzero(asked & ~mask).tolist():
            text = block.raw(number).decode()
            mask[number] = any(layout.fits(text) for layout in layouts)
    return mask


@lru_cache(maxsize=64)
def _named(name: str) -> Any:
    """Matches once in each of many lines that has the name as pairs and JSON do, or an escape that JSON may spell."""
    return re2.compile(rf"(?:{re2.escape(name)}[=\"]|\\[u/]).*")


def _refuted(test: OfField, block: Block, asked: Mask) -> Mask:
    """Of lines that may have a field, those that cannot hold what is asked of it, though nothing was taken apart.

    All that may be its value in them are plain numbers in pairs, none of which compares so.
    """
    none, wanted = np.zeros(len(block), np.bool_), test.number
    if wanted is None:
        return none
    from calmtui.logs.formats.fields import positional  # its tables are not needed before somebody asks for a field
    from calmtui.logs.formats.fitting import fitting

    layouts, name = positional(test.name), test.name.rpartition(".")[2]
    if layouts is None:
        return none
    compare, ends = COMPARE[test.compare], block.rows["end"]
    plain = [
        found.start() for found in _plain(name).finditer(block.data) if not compare(float(found[1]), wanted)
    ]  # fmt: skip
    if not plain:
        return none
    places = [found.start() for found in _places(name).finditer(block.data)]
    every, failing = (
        np.bincount(np.searchsorted(ends, np.array(at, np.uint32)), minlength=len(block)) for at in (places, plain)
    )
    refuted = np.asarray(asked & (every > 0) & (every == failing) & (block.rows["flags"] & RAW == 0))
    if giving := frozenset(layouts):
        starts = block.starts().tolist()
        for number, end in zip(np.flatnonzero(refuted).tolist(), ends[refuted].tolist(), strict=True):
            refuted[number] = giving.isdisjoint(fitting(block.data[starts[number] : end].decode()))
    return refuted


@lru_cache(maxsize=64)
def _places(name: str) -> Any:
    """Matches each place that may name a field, as `_named` does once in each line."""
    return re2.compile(rf"{re2.escape(name)}[=\"]|\\[u/]")


@lru_cache(maxsize=64)
def _plain(name: str) -> Any:
    """Matches a pair of that name with a number, which is all of its value."""
    return re2.compile(rf"(?m){re2.escape(name)}=(-?(?:0|[1-9]\d{{0,14}})(?:\.\d{{1,9}})?)(?:[\s,;)\]}}|]|$)")


def _by_fields(test: OfField, block: Block, asked: Mask) -> Mask:
    """The same as `_one_by_one` without making a line of each."""
    mask = np.zeros(len(block), np.bool_)
    starts, ends = block.starts().tolist(), block.rows["end"].tolist()
    raw = (block.rows["flags"] & RAW != 0).tolist()
    for number in np.flatnonzero(asked).tolist():
        piece = block.data[starts[number] : ends[number]]
        mask[number] = test.found_in(decode(piece)[0] if raw[number] else piece.decode())
    return mask


def _one_by_one(test: Test, block: Block, asked: Mask) -> Mask:
    mask = np.zeros(len(block), np.bool_)
    for number in np.flatnonzero(asked).tolist():
        mask[number] = test.holds(block[number])
    return mask
