"""How filters are typed: a text, `~` and an expression, `level>=warn`, `field.status>=500`."""

from __future__ import annotations

import re

from calmtui.errors import UsageError
from calmtui.logs.filters import OfLevel, Pattern, Rule, Test
from calmtui.logs.level import Level

_OF_LEVEL = re.compile(r"level\s*(>=|<=|!=|=|>|<)\s*(\w*)\s*", re.ASCII)


def rule(typed: str, *, out: bool = False) -> Rule:
    """The rule that was typed. Raises UsageError."""
    return Rule(typed, _test(typed), out)


def _test(typed: str) -> Test:
    level = _OF_LEVEL.fullmatch(typed)
    return Pattern(typed) if level is None else OfLevel(level[1], _level(level[2], typed))


def _level(word: str, typed: str) -> Level:
    """The level of a name or its beginning, or of a longer word for it: `warn`, `err`, `warning`."""
    names = {level.name.lower(): level for level in Level if level is not Level.NONE}
    for name, level in names.items():
        if word and (name.startswith(word.lower()) or word.lower().startswith(name)):
            return level
    raise UsageError(f"there is no level {word!r}", where=typed, next_step=f"there are {', '.join(names)}")
