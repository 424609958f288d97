"""Host sets such as `web-[001-064,!013]`: ClusterShell's notation, with a limit and with exclusions in brackets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from calmtui.errors import UsageError

LIMIT = 100_000
"""Hosts that one set may name. A slip such as `web[1-99999999]` would otherwise take minutes to unfold."""

_RANGE = re.compile(r"(\d+)-(\d+)(?:/(\d+))?")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")


def expand(text: str) -> list[str]:
    """The names that a host set stands for, in order, each once.

    Beside ClusterShell's own notation (ranges, steps, several brackets, `,` union, `!` difference,
    `&` intersection), an entry of a bracket may be taken out with `!`: `web[001-064,!013]`.
    Raises UsageError for a set that cannot be read or names more than LIMIT hosts.
    """
    from ClusterShell.NodeSet import NodeSet, NodeSetException  # 0.04 s, and only for texts with a set in them

    if not text.strip():
        raise UsageError("an empty host set", next_step="write names such as web-[001-064]")
    if _size(text) > LIMIT:
        raise UsageError(f"{text!r} names more than {LIMIT:,} hosts", next_step="narrow the ranges")
    try:
        return list(NodeSet(_without_inner_exclusions(text)))
    except NodeSetException as error:
        raise UsageError(f"{text!r} is no host set: {error}", next_step="write ranges as web-[001-064]") from error


def is_set(text: str) -> bool:
    """Whether a text is written as a host set rather than as one name."""
    return _BRACKET.search(text) is not None


def _size(text: str) -> int:
    """An upper bound of the names in a set, without unfolding it."""
    total = 1
    for bracket in _BRACKET.findall(text):
        count = bracket.count(",") + 1
        for low, high, step in _RANGE.findall(bracket):
            if len(low) > 9 or len(high) > 9:
                return LIMIT + 1
            count += max(0, int(high) - int(low)) // max(1, int(step or 1))
        total *= count
    return total


def _without_inner_exclusions(text: str) -> str:
    """`web[1-9,!3]` as `web[1-9]!web[3]`, which ClusterShell reads."""
    if "!" not in "".join(_BRACKET.findall(text)):
        return text
    if len(_BRACKET.findall(text)) > 1:
        raise UsageError(f"{text!r}: `!` inside brackets works with one bracket only", next_step="use A!B between sets")
    prefix, entries, suffix = re.split(r"[\[\]]", text)
    kept = [entry for entry in entries.split(",") if not entry.startswith("!")]
    out = [entry[1:] for entry in entries.split(",") if entry.startswith("!")]
    return f"{prefix}[{','.join(kept)}]{suffix}!{prefix}[{','.join(out)}]{suffix}"


def fold(names: Iterable[str]) -> str:
    """Names as one text, those that differ in one number as ranges: `db,web-[001-047,049]`; `expand` unfolds it.

    In a name with several numbers the one in which most names differ is folded.
    """
    found = dict.fromkeys(names)
    crowds = Counter(around for name in found for around, _ in _numbered(name))
    folded: dict[_Around, list[str]] = {}
    alone = []
    for name in found:
        numbers = reversed(_numbered(name))  # of equals the last one counts
        around, digits = max(numbers, key=lambda item: crowds[item[0]], default=(("", ""), ""))
        if digits and crowds[around] > 1:
            folded.setdefault(around, []).append(digits)
        else:
            alone.append(name)
    sets = [f"{before}{_bracket(digits)}{after}" for (before, after), digits in folded.items()]
    return ",".join(sorted([*alone, *sets]))


_Around = tuple[str, str]
"""What stands before and after a number."""


def _numbered(name: str) -> list[tuple[_Around, str]]:
    """A name as each of its numbers with what stands around it. What is longer than ClusterShell's numbers is text."""
    return [
        ((name[: match.start()], name[match.end() :]), match[0])
        for match in re.finditer(r"\d+", name, re.ASCII)
        if len(match[0]) <= 9
    ]


def _bracket(digits: list[str]) -> str:
    """Numbers as ranges, those with zeros before them apart from those of other lengths."""
    if len(digits) == 1:
        return digits[0]
    padded = {len(text) for text in digits if text.startswith("0") and len(text) > 1}
    by_width: dict[int, list[int]] = {}
    for text in digits:
        by_width.setdefault(len(text) if len(text) in padded else 0, []).append(int(text))
    ranges = [part for width in sorted(by_width) for part in _ranges(sorted(by_width[width]), width)]
    return f"[{','.join(ranges)}]"


def _ranges(numbers: list[int], width: int) -> list[str]:
    """Sorted numbers as `1-3` and `7`, with zeros before them up to a width."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [f"{low:0{width}}" if low == high else f"{low:0{width}}-{high:0{width}}" for low, high in found]
