"""Fields of a line, read when somebody asks: JSON, logfmt, the parts of a known layout, pairs in its message."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from calmtui.logs.formats.fitting import LAYOUTS, fitting
from calmtui.logs.formats.layout import Fields, Layout, Parsed, value
from calmtui.logs.formats.servers import LEVEL_BEHIND
from calmtui.logs.formats.spellings import message_begin

MAX_FIELDS = 200
"""Fields kept of one line."""
MAX_TEXT = 16_384
"""Characters of a line in which fields are looked for, unless it is JSON."""
MAX_DEPTH = 8
"""Levels of nested objects that are opened; deeper ones are left as JSON."""

_PAIR = re.compile(
    r"""(?<![^\s,;\[({|])([A-Za-z_@][\w.@/-]{0,63})=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;)\]}"'=]+)(?![^\s,;)\]}|])"""
)
_MESSAGES = tuple(
    re.compile(rf'"(?:{names})"\s*:\s*"((?:[^"\\]|\\.)*)"')
    for names in ("msg|MESSAGE|@m|@mt|short_message", "message", "event|body|log")
)
"""Before `message`, which may be that of an error within, what else holds the line's own."""
_MESSAGE_LOGFMT = re.compile(r'(?:^|\s)(?:msg|message|event)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_LOGFMT = re.compile(
    r'[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|\S*)(?:\s+[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|\S*)){2}'
)


def fields(text: str, likely: Layout | None = None) -> Fields:
    """The fields of a line by name; nested JSON with dots between the names. Empty when it has none."""
    return parse(text, likely).fields


def parse(text: str, likely: Layout | None = None) -> Parsed:
    """The line taken apart; the layout that is likely is tried first."""
    begin = text.find("{")
    if begin == 0 and (members := _members(text)) is not None:
        return Parsed("json", json_message(text), members)
    text = text[:MAX_TEXT]
    if _LOGFMT.match(text):
        return Parsed("logfmt", _logfmt_message(text), _pairs(text))
    parsed = likely.parse(text) if likely else None
    parsed = parsed or next(filter(None, (layout.parse(text) for layout in fitting(text))), None)
    parsed = parsed or _behind_time(text)
    said = text[slice(*parsed.message)]
    parsed.fields.update({name: item for name, item in _within(said).items() if name not in parsed.fields})
    if data := parsed.fields.get("data"):
        parsed.fields.update(_pairs(str(data)))
    return parsed


def positional(name: str) -> tuple[Layout, ...] | None:
    """The layouts that give a field by its place in the line; None: such a line has no layout to tell it by.

    Every other field has the last part of its name in the line, unless JSON spells that with an escape.
    """
    return None if name == "level" else tuple(layout for layout in LAYOUTS if name in layout.names)


def _behind_time(text: str) -> Parsed:
    """A line of a layout that is not known, as a time, perhaps a level, and what it says."""
    begin = message_begin(text)
    if not begin:
        return Parsed("", (0, len(text)), {})
    found = LEVEL_BEHIND.match(text, begin)
    if found is None:
        return Parsed("time", (begin, len(text)), {})
    return Parsed("time", (found.end(), len(text)), {"level": found["level"]})


def _within(said: str) -> Fields:
    """Fields in a message: JSON that it ends with, pairs."""
    if said.endswith("}") and (begin := said.find("{")) >= 0 and (members := _members(said[begin:])) is not None:
        return {**_pairs(said[:begin]), **members}
    return _pairs(said)


def json_message(text: str) -> tuple[int, int]:
    """Begin and end of the message of a line of JSON, within its quotes; of the whole line where it has none."""
    found = next(filter(None, (message.search(text) for message in _MESSAGES)), None)
    return found.span(1) if found else (0, len(text))


def _logfmt_message(text: str) -> tuple[int, int]:
    found = _MESSAGE_LOGFMT.search(text)
    if found is None:
        return 0, len(text)
    return found.span(1 if found[1] is not None else 2)


def _pairs(text: str) -> Fields:
    if "=" not in text:
        return {}
    found = _PAIR.findall(text)[:MAX_FIELDS]
    return {name: _unquoted(item) for name, item in found}


def _unquoted(item: str) -> str | int | float:
    if item[0] == '"':
        return item[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return item[1:-1] if item[0] == "'" else value(item)


def _members(text: str) -> Fields | None:
    """The members of a JSON object; None when it is not one, or was cut."""
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(decoded, dict):
        return None
    flat: Fields = {}
    _flatten(decoded, "", flat, MAX_DEPTH)
    return flat


def _flatten(members: dict[str, Any], before: str, flat: Fields, depth: int) -> None:
    for name, item in members.items():
        if len(flat) >= MAX_FIELDS:
            return
        if isinstance(item, dict) and depth:
            _flatten(item, f"{before}{name}.", flat, depth - 1)
        elif item is not None:
            known = isinstance(item, str | int | float) and not isinstance(item, bool)
            flat[before + name] = item if known else msgspec.json.encode(item).decode()
