"""How filters are typed: a text, `~` and an expression, `level>=warn`, `field.status>=500`."""

from __future__ import annotations

import re

from calmtui.errors import UsageError
from calmtui.logs.filters import OfField, OfLevel, Pattern, Rule, Test
from calmtui.logs.level import Level

_OF_FIELD = re.compile(r"field\.([\w.@/$-]+?)\s*(>=|<=|!=|=|>|<|~)\s*(.*)")
_OF_LEVEL = re.compile(r"level\s*(>=|<=|!=|=|>|<)\s*(\w*)\s*", re.ASCII)


def rule(typed: str, *, out: bool = False) -> Rule:
    """The rule that was typed. Raises UsageError."""
    return Rule(typed, _test(typed), out)


def _test(typed: str) -> Test:
    field = _OF_FIELD.fullmatch(typed)
    if field is not None:
        name, compare, wanted = field.groups()
        return OfField(name, compare, wanted, Pattern(f"~{wanted}") if compare == "~" else None)
    level = _OF_LEVEL.fullmatch(typed)
    return Pattern(typed) if level is None else OfLevel(level[1], _level(level[2], typed))


def _level(word: str, typed: str) -> Level:
    """The level of a name or its beginning, or of a longer word for it: `warn`, `err`, `warning`."""
    names = {level.name.lower(): level for level in Level if level is not Level.NONE}
    for name, level in names.items():
        if word and (name.startswith(word.lower()) or word.lower().startswith(name)):
            return level
    raise UsageError(f"there is no level {word!r}", where=typed, next_step=f"there are {', '.join(names)}")
