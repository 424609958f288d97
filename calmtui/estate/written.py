"""A YAML file that a person wrote, as plain values with the place of everything in it.

Stricter and simpler than YAML 1.1, for files in which `no` may be a country and `1.10` a version:

- only `true`, `false`, `null`, `~` and nothing at all are not text; whoever wants a number reads it from the text;
- a key stands once; custom tags are refused; anchors, aliases and `<<` work;
- `${NAME}` in a value takes from the environment, `${NAME:-text}` has a default, `$${` is a plain `${`.

Everything wrong is recorded as a Problem and reading goes on where that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from calmtui.estate.problems import Problem, closest

Loc = tuple[str | int, ...]
"""Keys and indices from the top of a file to a value."""
Place = tuple[int, int]
"""Line and column, from 1."""

LARGEST = 1 << 20
"""Bytes of a file that are read: more is a mistake, not an estate."""
MOST_VALUES = 100_000
"""Values that a file may expand to; aliases of aliases grow without bound."""

_TAG = "tag:yaml.org,2002:"
_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<wrong>\$\{)")


@dataclass
class Written:
    """What stands in a file. `value` is None when it could not be read at all."""

    file: str
    value: Any = None
    places: dict[Loc, Place] = field(default_factory=dict)
    """Where each value begins."""
    keys: dict[Loc, Place] = field(default_factory=dict)
    """Where the key of each value of a mapping stands."""
    originals: dict[Loc, str] = field(default_factory=dict)
    """What was written where the environment was put in: the only thing that may be shown of such a value."""
    unset: set[Place] = field(default_factory=set)
    """Values for which the environment had nothing: what else is wrong with them means nothing."""
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: Place, what: str, allowed: str = "", did_you_mean: str = "") -> None:
        """Record a problem at a place."""
        if place in self.unset:
            return
        self.problems.append(Problem(self.file, *place, what, allowed, did_you_mean))

    def place(self, loc: Loc) -> Place:
        """Where a value stands, or the nearest thing around it that stands in the file."""
        while loc not in self.places and loc:
            loc = loc[:-1]
        return self.places.get(loc, (1, 1))

    def at(self, loc: Loc) -> Any:
        """The value that stands at a loc of `places`."""
        value = self.value
        for part in loc:
            value = value[part]
        return value

    def show(self, loc: Loc, value: object) -> str:
        """A value for a message: short, and never what the environment put into it."""
        text = self.originals.get(loc, value)
        return repr(text if not isinstance(text, str) or len(text) <= 60 else text[:59] + "…")


def read(path: Path, environment: Mapping[str, str]) -> Written:
    """Read a file. What cannot be read at all is a problem of the file as a whole."""
    written = Written(str(path))
    try:
        with path.open("rb") as file:  # a pipe such as <(…) is welcome, so no look at its size first
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        written.add((0, 0), "no such file", did_you_mean=_sibling(path))
        return written
    except OSError as error:
        written.add((0, 0), f"cannot be read: {error.strerror or error}")
        return written
    if len(data) > LARGEST:
        written.add((0, 0), "larger than 1 MiB", "split it, or name hosts as sets such as web[001-064]")
        return written
    return parse(data, written, environment)


def parse(data: bytes, written: Written, environment: Mapping[str, str]) -> Written:
    """Fill `written` from the bytes of a file."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        written.add(_end(before), f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        return written
    try:
        top = _compose(text, written)
        if top is not None:
            written.value = _Walk(written, environment).value(top, ())
    except RecursionError:
        written.add((1, 1), "nested too deeply", "an estate is a few levels deep")
    except _TooMany:
        written.add((1, 1), f"expands to more than {MOST_VALUES:,} values", "use fewer aliases of aliases")
    return written


def _sibling(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    near = closest(path.name, names)
    return str(path.parent / near) if near else ""


def _end(text: str) -> Place:
    return text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1


# -- from text to nodes ---------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """PyYAML's reader in pure Python (the same words and places everywhere), with fewer implicit types."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(f"{_TAG}merge", re.compile(r"<<$"), ["<"])


def _compose(text: str, written: Written) -> Node | None:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        code = ord(error.character) if isinstance(error.character, str) else error.character
        written.add(
            _end(text[: error.position]), f"control character U+{code:04X}", "remove it, or escape it in quotes"
        )
        return None
    try:
        node: Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        written.add(*_explain(error, text))
    except (ValueError, OverflowError):  # "\U00110000" in quotes reaches chr() inside PyYAML
        written.add(
            _place(loader.get_mark()), "an escape for a character that does not exist", "the last is \\U0010FFFF"
        )
    else:
        return node
    finally:
        loader.dispose()
    return None


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str, str]:
    """Where, what and what to do: what operators most often get wrong in their words, the rest in PyYAML's."""
    problem = error.problem or error.context or "not YAML"
    mark = error.problem_mark or error.context_mark
    place = _place(mark)
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if "\\t" in problem or "\t" in line[: len(line) - len(line.lstrip())]:
        return place, "a tab in the indentation", "indent with spaces"
    if "mapping values are not allowed" in problem:
        return place, "a ':' where no key can be", "check the indentation, or quote a text that holds ': '"
    if "could not find expected ':'" in problem:
        return place, "a key without ':'", "write KEY: VALUE"
    if "another document" in problem:
        return place, "a second document begins", "one file holds one document: remove the '---'"
    if "undefined alias" in problem:
        return place, problem.removeprefix("found "), "an alias such as *name needs an anchor such as &name before it"
    if "end of stream" in problem or "stream end" in problem:
        begun = f"{error.context or ''} ".replace("while parsing a ", "").replace("while scanning a ", "")
        return (
            _place(error.context_mark or mark),
            f"a {begun}that is never closed",
            "add the bracket or quote that ends it",
        )
    context = f" {error.context}" if error.context and error.problem else ""
    return place, f"not YAML: {problem}{context}", "check brackets, quotes and indentation around here"


# -- from nodes to values ---------------------------------------------------------


class _TooMany(Exception):
    """The aliases of a file expand without bound."""


class _Walk:
    """One walk over the nodes of a file."""

    def __init__(self, written: Written, environment: Mapping[str, str]) -> None:
        self.written = written
        self.environment = environment
        self.around: set[int] = set()
        self.count = 0

    def tick(self) -> None:
        self.count += 1
        if self.count > MOST_VALUES:
            raise _TooMany

    def value(self, node: Node, loc: Loc) -> Any:
        self.tick()
        place = self.written.places[loc] = _place(node.start_mark)
        if id(node) in self.around:
            self.written.add(place, "an anchor that holds an alias of itself", "remove the alias")
            return None
        if isinstance(node, ScalarNode):
            return self.scalar(node, loc)
        if node.tag not in (f"{_TAG}map", f"{_TAG}seq"):
            self.written.add(place, f"tag {_short(node.tag)} means nothing here", "remove it")
        self.around.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self.mapping(node, loc)
        finally:
            self.around.discard(id(node))

    def scalar(self, node: ScalarNode, loc: Loc) -> Any:
        if node.tag == f"{_TAG}null":
            return None
        if node.tag == f"{_TAG}bool":
            return node.value.lower() == "true"
        if node.tag not in (f"{_TAG}str", f"{_TAG}merge"):
            self.written.add(_place(node.start_mark), f"tag {_short(node.tag)} means nothing here", "remove it")
        return self.expand(node.value, loc) if "${" in node.value else node.value

    def expand(self, text: str, loc: Loc) -> str:
        place = self.written.places[loc]

        def variable(match: re.Match[str]) -> str:
            name = match["name"]
            if match[0] == "$${":
                return "${"
            if match["wrong"]:
                self.written.add(place, "'${' without a name and '}'", "write ${NAME}, or $${ for a plain ${")
                return match[0]
            self.written.originals[loc] = text
            found = self.environment.get(name, match["default"])
            if found is None:
                near = closest(name, self.environment)
                allowed = f"set it, or write ${{{name}:-DEFAULT}}"
                self.written.add(place, f"environment variable {name} is not set", allowed, near)
                self.written.unset.add(place)
                return ""
            return found

        return _VARIABLE.sub(variable, text)

    def mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own: dict[str, Place] = {}
        for key_node, value_node, inherited in self.pairs(node):
            place = _place(key_node.start_mark)
            if not isinstance(key_node, ScalarNode):
                self.written.add(place, "a key that is not plain text", "write KEY: VALUE")
                continue
            key = key_node.value
            if key in own and not inherited:
                self.written.add(place, f"{key!r} stands twice", f"it stands in line {own[key][0]} already: keep one")
            if key in found:
                continue
            own[key] = self.written.keys[*loc, key] = place
            found[key] = self.value(value_node, (*loc, key))
        return found

    def pairs(self, node: MappingNode) -> Iterator[tuple[Node, Node, bool]]:
        """Keys with values, those that `<<` brings in last: what is written out wins over what is inherited."""
        merged: list[Node] = []
        for key, value in node.value:
            self.tick()
            if key.tag != f"{_TAG}merge":
                yield key, value, False
            else:
                merged += value.value if isinstance(value, SequenceNode) else [value]
        for other in merged:
            if not isinstance(other, MappingNode) or id(other) in self.around:
                self.written.add(_place(other.start_mark), "'<<' needs a mapping", "write <<: *ANCHOR")
                continue
            self.around.add(id(other))
            for key, value, _ in self.pairs(other):
                yield key, value, True
            self.around.discard(id(other))


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
