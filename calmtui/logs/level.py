"""The level of a line, read cheaply: most lines cost a few substring tests, no regular expression."""

from __future__ import annotations

import re
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


HEAD = 72
"""Characters after the time in which a level is looked for: further on it is part of the message."""

_WORDS = {
    "trace": Level.TRACE, "trc": Level.TRACE,
    "debug": Level.DEBUG, "dbg": Level.DEBUG,
    "info": Level.INFO, "inf": Level.INFO, "information": Level.INFO, "informational": Level.INFO,
    "notice": Level.NOTICE,
    "warn": Level.WARN, "warning": Level.WARN, "wrn": Level.WARN,
    "error": Level.ERROR, "err": Level.ERROR, "severe": Level.ERROR,
    "fatal": Level.FATAL, "critical": Level.FATAL, "crit": Level.FATAL, "panic": Level.FATAL,
    "emerg": Level.FATAL, "alert": Level.FATAL,
}  # fmt: skip
_STEMS = ("inf", "warn", "err", "debug", "notice", "fatal", "crit", "trace", "panic", "severe", "emerg", "alert",
          "dbg", "wrn", "trc")  # fmt: skip
_NAMES = "|".join(sorted(_WORDS, key=len, reverse=True))
# A word counts as the level when its place says so (a field's value, brackets, before a colon), or when
# it is written in capitals: "0 errors found" and "no error" say nothing about the line.
_FIELD = re.compile(rf"""["']?\b(?:level|lvl|severity|loglevel)["']?\s*[=:]\s*["']?({_NAMES})\b""", re.IGNORECASE)
_PLACED = re.compile(rf"(?:[\[<(|](?:\w+:)?\s*)({_NAMES})\s*[\]>)|]|(?:^|\s)({_NAMES}):", re.IGNORECASE)
_CAPITALS = re.compile(rf"\b({_NAMES.upper()})\b")
_NUMBERED = re.compile(r'"level"\s*:\s*(\d\d)\b')
_KLOG = {"I": Level.INFO, "W": Level.WARN, "E": Level.ERROR, "F": Level.FATAL}
_KLOG_HEAD = re.compile(r"[IWEF]\d{4} \d\d:")


def level_of(text: str, start: int = 0) -> Level:
    """The level of a line whose message begins at `start`; its time, if it has one, stands before."""
    head = text[start : start + HEAD]
    if text[:1] in _KLOG and _KLOG_HEAD.match(text):
        return _KLOG[text[0]]
    low = head.lower()
    for stem in _STEMS:
        if stem in low:
            found = _FIELD.search(head) or _CAPITALS.search(head) or _PLACED.search(head)
            if found is not None:
                return _WORDS[next(filter(None, found.groups())).lower()]
            break
    if text[:1] == "{":
        return _of_json(text)
    return Level.NONE


def _of_json(text: str) -> Level:
    found = _FIELD.search(text)
    if found is not None:
        return _WORDS[found[1].lower()]
    numbered = _NUMBERED.search(text)  # bunyan and pino: 10 is trace, 60 is fatal
    if numbered is None:
        return Level.NONE
    return {1: Level.TRACE, 2: Level.DEBUG, 3: Level.INFO, 4: Level.WARN, 5: Level.ERROR, 6: Level.FATAL}.get(
        int(numbered[1]) // 10, Level.NONE
    )
