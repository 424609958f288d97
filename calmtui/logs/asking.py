"""What somebody asks of a search of logs, in the words of `calmtui logs --grep`, typed or given as options."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from calmtui.errors import UsageError
from calmtui.fleet.moment import moment
from calmtui.logs.filters import Pattern
from calmtui.logs.search import Expression, bar_seconds, clock
from calmtui.providers.base import SearchRequest

MOST = 1000
"""Matches of a node that are brought here, unless told otherwise."""
SECONDS = 60.0
"""How long the search of a node may take, unless told otherwise."""
MOST_CONTEXT = 1000
"""Lines beside a match; more are no context."""

_VALUED = ("--since", "--until", "--context", "-C", "--max", "--limit")
_FLAGS = ("--ignore-case", "-i", "--fixed")


@dataclass(frozen=True)
class Asked:
    """What to look for, when, and how much of it to bring here; times in seconds since the epoch."""

    expression: str
    plain: bool = False
    ignore_case: bool = False
    since: float | None = None
    until: float | None = None
    context: int = 0
    most: int = MOST
    seconds: float = SECONDS

    def compiled(self) -> Expression:
        """The expression. Raises UsageError when it cannot be compiled."""
        return Expression(self.expression, plain=self.plain, ignore_case=self.ignore_case)

    def request(self, *, lines: bool = True) -> SearchRequest:
        """What is asked of every node; without `lines`, only to count. Raises UsageError as `compiled` does."""
        return SearchRequest(
            self.expression,
            self.compiled().matches,
            clock,
            plain=self.plain,
            ignore_case=self.ignore_case,
            since=self.since,
            until=self.until,
            context=self.context,
            max_lines=self.most if lines else 0,
            seconds=self.seconds,
            bucket=bar_seconds(self.since, self.until or time.time()),
        )

    def pattern(self) -> Pattern:
        """The same for lines that are here: marks what matched. Raises UsageError as `compiled` does."""
        wanted = re.escape(self.expression) if self.plain else self.expression
        return Pattern(f"~(?{'' if self.ignore_case else '-'}i:{wanted})")


def read(typed: str, now: float) -> Asked:
    """What was typed: an expression as it is, spaces and backslashes too, with options before it or behind it.

    `now`: seconds since the epoch. Raises UsageError.
    """
    expression, options = _parted(typed)
    if not expression:
        raise UsageError("nothing to look for", where=typed.strip(), next_step="write error.*timeout --since 2h -C 3")
    since, until = options.get("--since"), options.get("--until")
    return Asked(
        expression,
        plain="--fixed" in options,
        ignore_case="-i" in options or "--ignore-case" in options,
        since=moment(since, now, where="--since") if since is not None else None,
        until=moment(until, now, where="--until") if until is not None else None,
        context=min(_number(options, "--context", _number(options, "-C", 0)), MOST_CONTEXT),
        most=_number(options, "--max", MOST),
        seconds=float(_number(options, "--limit", round(SECONDS))),
    )


def _parted(typed: str) -> tuple[str, dict[str, str]]:
    """The expression, and the options with their values, those of flags empty."""
    words = list(re.finditer(r"\S+", typed))
    options: dict[str, str] = {}
    while words and (taken := _taken(words[0][0], len(words))):
        options[words[0][0]] = words[1][0] if taken == 2 else ""
        del words[:taken]
    while words and (taken := 2 if len(words) > 1 and words[-2][0] in _VALUED else _taken(words[-1][0], 1)):
        options[words[-taken][0]] = words[-1][0] if taken == 2 else ""
        del words[-taken:]
    return (typed[words[0].start() : words[-1].end()] if words else ""), options


def _taken(word: str, left: int) -> int:
    """How many words an option takes, of so many that are left; 0: it is none. Raises UsageError without its value."""
    if word in _VALUED and left < 2:
        raise UsageError("nothing follows it", where=word, next_step="write its value behind it: --since 2h")
    return 2 if word in _VALUED else int(word in _FLAGS)


def _number(options: dict[str, str], name: str, otherwise: int) -> int:
    text = options.get(name)
    if text is None:
        return otherwise
    if not text.isdecimal():
        raise UsageError(f"not a number: {text!r}", where=name)
    return int(text)
