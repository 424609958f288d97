"""YAML text to PyYAML's nodes, with the places and the words of an operator when it is not YAML."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import Node

Place = tuple[int, int]
"""Line and column, from 1."""

TAG = "tag:yaml.org,2002:"
"""What the tags of YAML itself begin with."""


class NotYaml(Exception):
    """A text that is not YAML: where, what, and what to do about it."""

    def __init__(self, place: Place, what: str, allowed: str) -> None:
        super().__init__(place, what, allowed)
        self.place = place
        self.what = what
        self.allowed = allowed


class _Loader(yaml.SafeLoader):
    """PyYAML's reader in pure Python (the same words and places everywhere), with fewer implicit types."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{TAG}null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(f"{TAG}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(f"{TAG}merge", re.compile(r"<<$"), ["<"])


def compose(text: str) -> Node | None:
    """The node at the top; None for an empty text. Raises NotYaml, and RecursionError when nested without end."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        code = ord(error.character) if isinstance(error.character, str) else error.character
        allowed = "remove it, or escape it in quotes"
        raise NotYaml(end(text[: error.position]), f"control character U+{code:04X}", allowed) from None
    try:
        top: Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text) from None
    except (ValueError, OverflowError):  # "\U00110000" in quotes reaches chr() inside PyYAML
        what = "an escape for a character that does not exist"
        raise NotYaml(place_of(loader.get_mark()), what, "the last is \\U0010FFFF") from None
    finally:
        loader.dispose()
    return top


def place_of(mark: Any) -> Place:
    """The place of a mark of PyYAML."""
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def end(text: str) -> Place:
    """The place just after a text."""
    return text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1


_KNOWN = {
    "mapping values are not allowed": (
        "a ':' where no key can be",
        "check the indentation, or quote a text that holds ': '",
    ),
    "could not find expected ':'": ("a key without ':'", "write KEY: VALUE"),
    "another document": ("a second document begins", "one file holds one document: remove the '---'"),
}
"""What operators most often get wrong: PyYAML's words, what it is, what to do."""

_INSIDE = {
    "flow mapping": "a '{'",
    "flow sequence": "a '['",
    "quoted scalar": "a quote",
    "block mapping": "a mapping",
    "block collection": "a list",
}
"""What PyYAML was reading, in its words and in others."""


def _explained(error: yaml.MarkedYAMLError, text: str) -> NotYaml:
    problem = error.problem or error.context or "not YAML"
    place = place_of(error.problem_mark or error.context_mark)
    line = next(iter(text.splitlines()[place[0] - 1 :]), "")
    if "\\t" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return NotYaml(place, "a tab in the indentation", "indent with spaces")
    for words, (what, allowed) in _KNOWN.items():
        if words in problem:
            return NotYaml(place, what, allowed)
    if "undefined alias" in problem:
        return NotYaml(place, problem.removeprefix("found "), "an alias such as *name needs an anchor &name before it")
    if "cannot start any token" in problem:
        found = repr(line[place[1] - 1 : place[1]])
        return NotYaml(place, f"{found} cannot begin a plain text", "put the text in quotes")
    if "${" in line and error.context and "flow" in error.context:
        return NotYaml(place, "a '{' or '}' inside of brackets", "put a text that holds ${NAME} in quotes there")
    inside = next((other for words, other in _INSIDE.items() if words in (error.context or "")), "")
    begun = place_of(error.context_mark)
    if inside and ("end of stream" in problem or "stream end" in problem):
        return NotYaml(begun, f"{inside} that is never closed", "add what closes it")
    where = f", in {inside} that begins in line {begun[0]}" if inside else ""
    return NotYaml(place, f"not YAML: {problem}{where}", "check brackets, quotes and indentation around here")
