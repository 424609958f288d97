"""How grave a line is."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """How grave a line says it is, in the order of gravity; NONE when it does not say."""

    NONE = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    NOTICE = 4
    WARN = 5
    ERROR = 6
    FATAL = 7
