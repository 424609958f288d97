"""The level of a line: read where its place says that it is one, never out of prose.

The place may be a field (`level=`, `"severity":`), brackets, a column, the capitals of a word, a letter before the
time as klog has it. Where there are several, the first counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from calmtui.logs.level import Level

HEAD = 96
"""Characters after the time in which a level is looked for: further on it is part of the message."""
FIELDS = 4096
"""Characters of a line of fields in which the one with the level is looked for."""

WORDS = {
    "trace": Level.TRACE, "trc": Level.TRACE, "trce": Level.TRACE, "verbose": Level.TRACE, "finest": Level.TRACE,
    "finer": Level.TRACE,
    "debug": Level.DEBUG, "dbg": Level.DEBUG, "dbug": Level.DEBUG, "fine": Level.DEBUG,
    "info": Level.INFO, "inf": Level.INFO, "information": Level.INFO, "informational": Level.INFO,
    "notice": Level.NOTICE, "note": Level.NOTICE, "system": Level.NOTICE,
    "warn": Level.WARN, "warning": Level.WARN, "wrn": Level.WARN,
    "error": Level.ERROR, "err": Level.ERROR, "severe": Level.ERROR, "fail": Level.ERROR,
    "fatal": Level.FATAL, "ftl": Level.FATAL, "critical": Level.FATAL, "crit": Level.FATAL, "panic": Level.FATAL,
    "dpanic": Level.FATAL, "emerg": Level.FATAL, "emergency": Level.FATAL, "alert": Level.FATAL,
}  # fmt: skip
"""In lower case. `[System]` and `[Note]` are MySQL's, `fine` is java.util.logging's, `fail` and `dbug` are .NET's."""
_PROSE = {"verbose", "finest", "finer", "fine", "note", "system", "fail", "information", "informational"}
"""Words that are levels only where nothing else can stand: in brackets, in a field."""
LETTERS = {
    "T": Level.TRACE, "V": Level.TRACE, "D": Level.DEBUG, "I": Level.INFO, "N": Level.NOTICE, "W": Level.WARN,
    "E": Level.ERROR, "S": Level.ERROR, "C": Level.FATAL, "F": Level.FATAL,
}  # fmt: skip
SYSLOG = (Level.FATAL, Level.FATAL, Level.FATAL, Level.ERROR, Level.WARN, Level.NOTICE, Level.INFO, Level.DEBUG)
"""By severity, RFC 5424 section 6.2.1."""
_TENS = (Level.NONE, Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL)
"""By tens, as bunyan and pino count."""
_REDIS = {"#": Level.WARN, "*": Level.NOTICE, "-": Level.INFO, ".": Level.DEBUG}


def _either(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_ANY = _either(WORDS)
_PLAIN = _either(WORDS.keys() - _PROSE)
_BEFORE_COLON = _either(WORDS.keys() - _PROSE - {"trace"})  # "Stack trace:" is none
_STEMS = ("inf", "war", "err", "wrn", "deb", "db", "note", "notice", "fat", "ftl", "crit", "trac", "trc", "panic",
          "sever", "emerg", "alert", "fine", "fail", "verbose", "system", "log:")  # fmt: skip
"""One of them is in every line in which `_PLACE` finds something: most lines cost no regular expression."""

# A word counts as the level when its place says so (a field's value, brackets, before a colon, a column by itself),
# or when it is written in capitals: "0 errors found" and "no error" say nothing about the line.
_KEYS = r"log[._]?level|levelname|level|lvl|severity(?:_?text)?|sev|@l|priority"
_PLACE = re.compile(
    rf"""(?:^|[\s{{,(|;])["']?(?i:{_KEYS})["']?\s*[=:]\s*["']?(?i:({_ANY}))\b"""
    rf"""|[\[<(|](?:[\w .#-]{{1,40}}[:/])?\s*(?i:({_ANY}))\s*[\]>)|]"""
    rf"""|^[\s|:-]*(?i:({_PLAIN}))(?:\t|\s\s|\s*[\[|(])|^\s*(?i:({_ANY})):"""
    rf"""|\s(?i:({_BEFORE_COLON})):|\s-\s(?i:({_ANY}))\s-\s"""
    rf"""|(?:^=|(?<![\w./=-]))({_PLAIN.upper()})(?![\w/=]|[.-]\w)"""
    rf"""|\b[a-z]\w*\.({_PLAIN.upper()}):"""  # Monolog
    r"""|\b(?:kern|user|mail|daemon|auth|authpriv|syslog|cron|local[0-7])\.(emerg|alert|crit|err|warn|notice|info|debug)"""
)
LOGFMT_KEYS = ("level=", "severity=", "lvl=")
"""Where one of them is, the line is one of fields, and the level may stand anywhere."""
_BEHIND_TIME = re.compile(rf"((?i:{_PLAIN}))\s")
_POSTGRES = re.compile(r"(?:^|[\s:])LOG:  ")
_JSON_WORD = re.compile(rf"""[{{,\s]"(?:{_KEYS})"\s*:\s*"({_ANY})\d?\"""", re.IGNORECASE)
_NUMBER = re.compile(rf"""[{{,\s]"?({_KEYS}|severity_?number)"?\s*[=:]\s*"?(\d{{1,2}})"?(?=[\s,}}]|$)""", re.IGNORECASE)
_ONE_LETTER = re.compile(rf"""[{{,\s]"?(?:{_KEYS}|s)"?\s*[=:]\s*"?([TVDINWECF])\d?"?(?=[\s,}}]|$)""", re.IGNORECASE)
_BEGINS = re.compile(r"\[?([DINWECFTS])(?:(?:\d{4}|\d{8}) [ \d]\d:|, \[\d|[ ]\d{2,4}[-:]?\d\d)")
"""klog, Ruby's Logger, tornado: a letter and a time."""
_COLUMN = re.compile(r"(?:[ \t]*\d+){0,2}[ \t]*(?:[\[(]([TVDIWEF])[\])]|([VDIWEF])/|([TVDIWEF])(?:\s+[\[(A-Z]|[|:!]))")
"""A letter by itself behind the time: MongoDB before 4.4, Android."""
_CISCO = re.compile(r"%[A-Z]\w*-([0-7])-[A-Z]\w*:")
_REDIS_MARK = re.compile(r"\d+:[MSCX] .{0,20}\d\d:\d\d:\d\d(?:\.\d+)? ([#*.-]) ")
_PRIORITY = re.compile(r"<(\d{1,3})>")


def level_of(text: str, start: int = 0) -> Level:
    """The level of a line whose message begins at `start`; its time, if it has one, stands before."""
    return decided(text, start)[0]


def decided(text: str, start: int) -> tuple[Level, int]:
    """The level, and how many characters from `start` on decided it, whatever follows; 0 when that is not known."""
    if text[:1] == "{":
        return _of_json(text), 0
    if found := _BEGINS.match(text):
        return LETTERS[found[1]], found.end() if not start else 0
    if text[:1].isdigit() and (found := _REDIS_MARK.match(text)):
        return _REDIS[found[1]], found.end() if not start else 0
    head = text[start : start + HEAD]
    low = head.lower()
    for stem in _STEMS:
        if stem in low:
            if found := _PLACE.search(head) or (_BEHIND_TIME.match(head) if start else None):
                return _word(found), min(found.end() + 2, HEAD)
            break
    return _of_marks(text, start, head), 0


def _word(found: re.Match[str]) -> Level:
    return WORDS[next(filter(None, found.groups())).lower()]


def _of_marks(text: str, start: int, head: str) -> Level:
    """The level of a line that has no word for it: a letter, a number, a sign."""
    if start and (found := _COLUMN.match(head)):
        return LETTERS[next(filter(None, found.groups()))]
    if "=" in head and any(key in text for key in LOGFMT_KEYS):
        return _of_fields(text)
    if "%" in head and (found := _CISCO.search(head)):
        return SYSLOG[int(found[1])]
    if "LOG:" in head and _POSTGRES.search(head):
        return Level.INFO
    if text[:1] == "<" and (found := _PRIORITY.match(text)):
        return SYSLOG[int(found[1]) & 7]
    return Level.NONE


def _of_fields(text: str) -> Level:
    if found := _PLACE.search(text, 0, FIELDS):
        return _word(found)
    return _of_number_or_letter(text)


def _of_json(text: str) -> Level:
    found = _JSON_WORD.search(text, 0, FIELDS)
    return WORDS[found[1].lower()] if found else _of_number_or_letter(text)


def _of_number_or_letter(text: str) -> Level:
    if found := _NUMBER.search(text, 0, FIELDS):
        return _of_number(found[1].lower(), int(found[2]))
    found = _ONE_LETTER.search(text, 0, FIELDS)
    return LETTERS[found[1].upper()] if found else Level.NONE


def _of_number(key: str, number: int) -> Level:
    """OpenTelemetry's numbers when the key is theirs; syslog's below ten; bunyan's and pino's from ten on."""
    if key.endswith("number"):
        return Level.NONE if not 0 < number < 25 else (*_TENS[1:4], *_TENS[4:])[(number - 1) // 4]
    if number < len(SYSLOG):
        return SYSLOG[number]
    return _TENS[number // 10] if number < 70 else Level.NONE
