"""Regular expressions that operators type: whatever they say, no text holds anything up.

Python's engine is eight times faster here than RE2, but may take for ever. How long it can take at the
worst follows from the pattern and the length of a text; where that is too long, RE2 searches the text.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Sequence

from calmtui.errors import UsageError

Found = Callable[[Sequence[str]], list[bool]]
"""For each of some texts, whether the pattern is found in it."""
Search = Callable[[str], object]

STEPS = 300_000
"""Places at which Python's engine may look in one text: some milliseconds."""
_EXPONENTIAL = re.compile(r"\)[*+{?]|\\\d|\(\?[^:]")
"""Repeated groups and back-references, for which Python's engine may take exponential time; look-around."""
_OTHERWISE = re.compile(r"\[\[:|\\[pPCQzZ]")
"""What the two engines do not read alike."""


def finder(pattern: str) -> Found:
    """What finds a pattern in texts; case does not matter unless there are capitals in it. Raises UsageError."""
    ignore_case = not any(map(str.isupper, re.sub(r"\\.", "", pattern)))
    slow, quick, longest = _linear(pattern, ignore_case), *_quick(pattern)

    def found(texts: Sequence[str]) -> list[bool]:
        read = list(map(str.lower, texts)) if ignore_case else texts
        if max(map(len, read), default=0) <= longest:
            return [quick(text) is not None for text in read]
        return [(quick if len(text) <= longest else slow)(text) is not None for text in read]

    return found


def _linear(pattern: str, ignore_case: bool) -> Search:
    """`search` of RE2."""
    import re2

    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    try:
        search: Search = re2.compile(pattern, options).search
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise UsageError(
            f"{pattern!r} is no regular expression that runs in linear time: {reason}",
            next_step="look-around and back-references are not supported",
        ) from None
    return search


def _quick(pattern: str) -> tuple[Search, int]:
    """`search` of Python, and the length of the longest text that it cannot take long over; -1 when it may be any."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of what Python will read otherwise one day
        try:
            search: Search = re.compile(pattern).search
        except (re.error, Warning):
            return _nothing, -1
    if _EXPONENTIAL.search(pattern) or _OTHERWISE.search(pattern):
        return _nothing, -1
    repeated = len(re.findall(r"[*+{?]", pattern))  # each may end anywhere: so many ends, in order, and a beginning
    ways = (1 + pattern.count("|")) ** max(1, pattern.count("("))
    return search, int((STEPS * math.factorial(repeated + 1) / ways) ** (1 / (repeated + 1)))


def _nothing(text: str) -> None:
    """Is never asked."""
