"""A YAML file that a person wrote, as plain values with the place of everything in it.

Stricter and simpler than YAML 1.1, for files in which `no` may be a country and `1.10` a version:

- only `true`, `false`, `null`, `~` and nothing at all are not text; whoever wants a number reads it from the text;
- a key stands once; custom tags are refused; anchors, aliases and `<<` work;
- `${NAME}` in a value takes from the environment, `${NAME:-text}` has a default, `$${` is a plain `${`; but in files
  that hold commands, which have an environment of their own, nothing is taken.

Everything wrong is recorded as a Problem and reading goes on where that is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from calmtui.estate.compose import TAG, NotYaml, Place, compose, end, place_of
from calmtui.estate.problems import Problem, closest

Loc = tuple[str | int, ...]
"""Keys and indices from the top of a file to a value."""

LARGEST = 1 << 20
"""Bytes of a file that are read: more is a mistake, not an estate."""
MOST_VALUES = 100_000
"""Values that a file may expand to; aliases of aliases grow without bound."""

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
    spoilt: set[Place] = field(default_factory=set)
    """Values that could not be read: what else is wrong with them means nothing."""
    problems: list[Problem] = field(default_factory=list)

    def add(self, place: Place, what: str, allowed: str = "", did_you_mean: str = "") -> None:
        """Record a problem at a place."""
        if place not in self.spoilt:
            self.problems.append(Problem(self.file, *place, what, allowed, did_you_mean))

    def spoil(self, place: Place, what: str, allowed: str, did_you_mean: str = "") -> None:
        """Record why the value at a place cannot be read."""
        self.add(place, what, allowed, did_you_mean)
        self.spoilt.add(place)

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
        if value is None:
            return "nothing"
        if isinstance(value, dict | list) and not value:
            return "empty"
        if isinstance(value, dict | list):
            return "a mapping" if isinstance(value, dict) else "a list"
        text = self.originals.get(loc, str(value).lower() if isinstance(value, bool) else str(value))
        return repr(text if len(text) <= 60 else text[:59] + "…")


def read(path: Path, environment: Mapping[str, str] | None) -> Written:
    """Read a file; without an environment `${` stands for itself.

    What cannot be read at all is a problem of the file as a whole.
    """
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


def parse(data: bytes, written: Written, environment: Mapping[str, str] | None) -> Written:
    """Fill `written` from the bytes of a file."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        written.add(end(before), f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        return written
    try:
        top = compose(text)
        if top is not None:
            written.value = _Walk(written, environment).value(top, ())
    except NotYaml as error:
        written.add(error.place, error.what, error.allowed)
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


# -- from nodes to values ---------------------------------------------------------


class _TooMany(Exception):
    """The aliases of a file expand without bound."""


class _Walk:
    """One walk over the nodes of a file."""

    def __init__(self, written: Written, environment: Mapping[str, str] | None) -> None:
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
        place = self.written.places[loc] = place_of(node.start_mark)
        if id(node) in self.around:
            self.written.spoil(place, "an anchor that holds an alias of itself", "remove the alias")
            return None
        if isinstance(node, ScalarNode):
            return self.scalar(node, loc)
        if node.tag not in (f"{TAG}map", f"{TAG}seq"):
            self.written.spoil(place, f"tag {_short(node.tag)} means nothing here", "remove it")
        self.around.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self.mapping(node, loc)
        finally:
            self.around.discard(id(node))

    def scalar(self, node: ScalarNode, loc: Loc) -> Any:
        if node.tag == f"{TAG}null":
            return None
        if node.tag == f"{TAG}bool":
            return node.value.lower() == "true"
        if node.tag not in (f"{TAG}str", f"{TAG}merge"):
            self.written.spoil(place_of(node.start_mark), f"tag {_short(node.tag)} means nothing here", "remove it")
        if self.environment is None or "${" not in node.value:
            return node.value
        return self.expand(node.value, loc, self.environment)

    def expand(self, text: str, loc: Loc, environment: Mapping[str, str]) -> str:
        place = self.written.places[loc]

        def variable(match: re.Match[str]) -> str:
            name = match["name"]
            if match[0] == "$${":
                return "${"
            if match["wrong"]:
                self.written.spoil(place, "'${' without a name and '}'", "write ${NAME}, or $${ for a plain ${")
                return match[0]
            self.written.originals[loc] = text
            found = environment.get(name, match["default"])
            if found is None:
                near = closest(name, environment)
                allowed = f"set it, or write ${{{name}:-DEFAULT}}"
                self.written.spoil(place, f"environment variable {name} is not set", allowed, near)
                return ""
            return found

        return _VARIABLE.sub(variable, text)

    def mapping(self, node: MappingNode, loc: Loc) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own: dict[str, Place] = {}
        for key_node, value_node, inherited in self.pairs(node):
            place = place_of(key_node.start_mark)
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
            if key.tag != f"{TAG}merge":
                yield key, value, False
            else:
                merged += value.value if isinstance(value, SequenceNode) else [value]
        for other in merged:
            if not isinstance(other, MappingNode) or id(other) in self.around:
                self.written.add(place_of(other.start_mark), "'<<' needs a mapping", "write <<: *ANCHOR")
                continue
            self.around.add(id(other))
            for key, value, _ in self.pairs(other):
                yield key, value, True
            self.around.discard(id(other))


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(TAG) if tag.startswith(TAG) else tag
