"""`{{ NAME }}` in the texts of a runbook: names only, nothing is evaluated, and a value stays one value.

What is put into a command is quoted for the shell as the place needs it, what is put into a query for the
query language. Where that cannot be done safely, the file is refused. Braces that begin with a dot or hold
nothing (`{{.Names}}` of docker) are left as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from calmtui.errors import UsageError
from calmtui.estate.problems import closest
from calmtui.fleet.node import Node

NODE_FIELDS = ("id", "name", "address", "kind", "env", "service", "region", "image")
"""What of the node can be put in, as `{{ node.NAME }}`; besides, `{{ node.label.KEY }}`."""

_PLACE = re.compile(r"\{\{\s*([^.{}\s][^{}]*?)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[\w./-]+)?")
_PLAIN = re.compile(r"[\w.:/@+-]+")
"""What the query language reads as one plain value."""


def names(text: str) -> list[str]:
    """The names that stand in a text. Raises UsageError for a place that holds no name."""
    found = [match[1] for match in _PLACE.finditer(text)]
    for name in found:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{{{{ {name} }}}} is no name", next_step="only names of parameters and node.NAME stand there"
            )
    return found


def check(text: str, known: Mapping[str, object]) -> None:
    """Raise UsageError when a text uses something that is neither a parameter nor a field of the node."""
    for name in names(text):
        family, _, field = name.partition(".")
        if family == "node" and (field in NODE_FIELDS or field.startswith("label.")):
            continue
        if name not in known:
            near = closest(name, [*known, *(f"node.{item}" for item in NODE_FIELDS)])
            allowed = f"parameters: {', '.join(known)}" if known else "the runbook has no parameters"
            raise UsageError(f"there is no {{{{ {name} }}}}", next_step=f"did you mean {near!r}?" if near else allowed)


def of_node(node: Node) -> dict[str, str]:
    """The values of a node's fields, by the names under which they are put in."""
    values = {f"node.{name}": str(getattr(node, name)) for name in NODE_FIELDS if name != "address"}
    values["node.address"] = node.addresses[0] if node.addresses else node.name
    return values | {f"node.label.{key}": value for key, value in node.labels.items()}


def text(template: str, values: Mapping[str, str]) -> str:
    """The text with values put in as they are."""
    return _PLACE.sub(lambda match: _value(match[1], values), template)


def deep(value: Any, values: Mapping[str, str]) -> Any:
    """A JSON-like value with values put into all of its texts. Raises UsageError for a name that there is not."""
    if isinstance(value, str):
        check(value, values)
        return text(value, values)
    if isinstance(value, dict):
        return {key: deep(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [deep(item, values) for item in value]
    return value


def query(template: str, values: Mapping[str, str]) -> str:
    """The query with values put in, each of them one value of the query language."""

    def put(match: re.Match[str]) -> str:
        value = _value(match[1], values)
        if _PLAIN.fullmatch(value):
            return value
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return _PLACE.sub(put, template)


def shell(template: str, values: Mapping[str, str]) -> str:
    """The command with values put in, each of them one word or part of one.

    Raises UsageError for a place where no quoting is safe: behind a backtick or `<<`, or in `$(…)` within quotes.
    """
    parts: list[str] = []
    quotes, end = _Quotes(), 0
    for match in _PLACE.finditer(template):
        literal = template[end : match.start()]
        quotes.read(literal)
        parts += [literal, quotes.quoted(_value(match[1], values))]
        end = match.end()
    return "".join([*parts, template[end:]])


def _value(name: str, values: Mapping[str, str]) -> str:
    """A value; a label that the node has not is empty, as in queries."""
    if name.startswith("node.label."):
        return values.get(name, "")
    if name not in values:
        raise UsageError(f"there is no value for {{{{ {name} }}}} yet", next_step="ask for it in a step before")
    return values[name]


class _Quotes:
    """In which quotes of the shell the text stands that has been read so far."""

    def __init__(self) -> None:
        self._open = ""
        """`'`, `"`, `#` (a comment) or nothing."""
        self._substituted = False
        """`$(` stands within the double quotes that are open."""
        self._unsafe = ""

    def read(self, literal: str) -> None:
        index = 0
        while index < len(literal):
            index += self._one(literal, index)

    def _one(self, literal: str, index: int) -> int:
        """Read what stands at an index; returns how many characters that is."""
        char = literal[index]
        if self._open == "'":
            self._open = "" if char == "'" else "'"
        elif self._open == "#":
            self._open = "" if char == "\n" else "#"
        elif char == "\\":
            return 2
        elif char == "`" or literal.startswith("<<", index):
            self._unsafe = self._unsafe or char
        elif char == '"':
            self._open, self._substituted = ("" if self._open else '"'), False
        elif self._open and literal.startswith("$(", index):
            self._substituted = True
        elif not self._open and (char == "'" or (char == "#" and literal[:index][-1:] in ("", " ", "\t", "\n", ";"))):
            self._open = char
        return 1

    def quoted(self, value: str) -> str:
        """A value, quoted for where the reading stands."""
        if self._unsafe or self._substituted:
            where = f"behind {'<<' if self._unsafe == '<' else '`'}" if self._unsafe else "in $(…) within quotes"
            raise UsageError(
                f"nothing can be put in safely {where}", next_step="put it into 'env', and use the variable"
            )
        if self._open == "'":
            return value.replace("'", "'\\''")
        if self._open == '"':
            return re.sub(r'([\\"$`])', r"\\\1", value)
        if self._open == "#":
            return value.replace("\n", " ")
        return quote(value)
