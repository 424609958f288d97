"""Lines as text and as JSON: for the command line, for files, for the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from calmtui.logs.line import LogLine, Note, rfc3339

Name = Callable[[LogLine], str]
"""What a line's origin is called."""

_JSON = msgspec.json.Encoder()


def clock(line: LogLine) -> str:
    """Its time to the millisecond, UTC; as many blanks when nothing tells it."""
    return f"{rfc3339(line.ts)[:23]}Z" if line.ts is not None else " " * 24


def as_text(line: LogLine, name: str) -> str:
    """`2026-11-21T02:29:14.103Z web-001 text`, the text without the time that it begins with."""
    if isinstance(line, Note):
        return f"{clock(line)} {name} ┄┄ {line.text}"
    return f"{clock(line)} {name} {line.text[line.stamp :]}"


def as_json(line: LogLine) -> str:
    """One object on one line; the text whole, the time in UTC with nanoseconds, or null."""
    origin = line.origin
    value = {
        "ts": None if line.ts is None else rfc3339(line.ts),
        "source": origin.source,
        "node": origin.node_id,
        "name": origin.node,
        "stream": origin.stream,
        "text": line.text,
    }
    return _JSON.encode(value).decode()


def document(lines: Iterable[LogLine], name: Name) -> str:
    """Lines as the content of a file."""
    return "".join(f"{as_text(line, name(line))}\n" for line in lines)
