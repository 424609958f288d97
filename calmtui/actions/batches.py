"""Batches: how many nodes go first, how many then. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calmtui.errors import UsageError

_PART = re.compile(r"(\d+)(%?)")


def read(text: str) -> tuple[str, ...]:
    """`1, 10%, 100%` as its parts. Raises UsageError."""
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None or int(match[1]) == 0 or (match[2] and int(match[1]) > 100):
            raise UsageError(f"{part!r} is no batch", next_step="write numbers of nodes or percentages: 1,10%,100%")
    return parts


def sizes(parts: Sequence[str], total: int) -> list[int]:
    """How many of `total` nodes each batch has; the last part counts again until none are left, and none is empty.

    A percentage is of all the nodes, rounded up. Without parts all of them are one batch.
    """
    found: list[int] = []
    left = total
    while left > 0:
        part = parts[min(len(found), len(parts) - 1)] if parts else "100%"
        number = int(part.rstrip("%"))
        size = min(-(-total * number // 100) if part.endswith("%") else number, left)
        found.append(size)
        left -= size
    return found


def budget(text: str, total: int) -> int | None:
    """How many of `total` nodes may fail: `3`, or `5%` of them, rounded down; None for an empty text: all of them.

    Raises UsageError.
    """
    if not text:
        return None
    match = _PART.fullmatch(text.strip())
    if match is None or (match[2] and int(match[1]) > 100):
        raise UsageError(f"{text!r} is no number of failures", next_step="write a number of nodes or a percentage: 5%")
    return total * int(match[1]) // 100 if match[2] else int(match[1])


def least(text: str, total: int) -> int:
    """How many of `total` nodes have to run: `3`, or `50%` of them, rounded up; none for an empty text.

    Raises UsageError.
    """
    match = _PART.fullmatch(text.strip() or "0")
    if match is None or (match[2] and int(match[1]) > 100):
        raise UsageError(f"{text!r} is no number of nodes", next_step="write a number of nodes or a percentage: 50%")
    return -(-total * int(match[1]) // 100) if match[2] else int(match[1])
