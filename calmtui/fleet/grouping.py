"""Groupings: by what the tree is divided, as data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from calmtui.errors import UsageError
from calmtui.fleet.node import TROUBLE, Node, State


@dataclass(frozen=True)
class Grouping:
    """The levels of groups that nodes are put in."""

    name: str
    """What to type for it."""
    levels: tuple[str, ...]
    """Text fields of a node, or `label.KEY`, from the outermost in."""
    nested: bool = False
    """Whether nodes hang under their parents inside their group, rather than side by side."""
    unfolded: int = 1
    """How many levels are unfolded until somebody folds them."""

    @property
    def title(self) -> str:
        """As the screen names it: `env ▸ service ▸ kind`."""
        return " ▸ ".join(level.removeprefix("label.") for level in self.levels)

    def reader(self) -> Callable[[Node], tuple[str, ...]]:
        """A function that tells the group of a node: a value for each level, empty where it has none."""
        readers = [_reader(level) for level in self.levels]
        if len(readers) == 1:
            read = readers[0]
            return lambda node: (read(node),)
        return lambda node: tuple([read(node) for read in readers])


def _reader(level: str) -> Callable[[Node], str]:
    if level.startswith("label."):
        key = level.removeprefix("label.")
        return lambda node: node.labels.get(key, "")
    return lambda node: getattr(node, level) or ""


BY_SOURCE = Grouping("source", ("source",), nested=True)
GROUPINGS = (
    BY_SOURCE,
    Grouping("service", ("env", "service", "kind"), unfolded=2),
    Grouping("region", ("region", "kind")),
    Grouping("state", ("state", "kind")),
)
"""In the order in which a key goes through them."""


def grouping(name: str) -> Grouping:
    """The grouping of that name, or by a label when it is `label.KEY`. Raises UsageError."""
    for known in GROUPINGS:
        if known.name == name:
            return known
    if name.startswith("label.") and len(name) > len("label."):
        return Grouping(name, (name,))
    names = ", ".join(known.name for known in GROUPINGS)
    raise UsageError(f"there is no grouping {name!r}", next_step=f"there are {names} and label.KEY")


# -- order within a group -------------------------------------------------------

SortKey = tuple[float, str, str, str]
Order = Callable[[Node], SortKey]
"""Gives the place of a node among its siblings."""

_DIGITS = re.compile(r"\d+")


def natural(text: str) -> str:
    """A key that sorts `web-2` before `web-10`: before each number stands how many digits it has."""
    return _DIGITS.sub(_with_length, text.lower())


def _with_length(digits: re.Match[str]) -> str:
    number = digits[0].lstrip("0")
    return f"{chr(ord('0') + len(number))}{number}"


def by_name(node: Node) -> SortKey:
    """Same kinds together, by name: a node keeps its place whatever happens to it."""
    return (0, node.kind, natural(node.name), node.id)


_RANK = {State.FAILED: 0, State.DEGRADED: 1, State.UNKNOWN: 2}


def trouble_first(node: Node) -> SortKey:
    """Failed before degraded before unknown before the rest, then by name."""
    return (_RANK.get(node.state, len(TROUBLE)), node.kind, natural(node.name), node.id)


def youngest_first(node: Node) -> SortKey:
    """What was made last comes first, what has no known age last."""
    return (-node.created if node.created is not None else 0.0, node.kind, natural(node.name), node.id)


def most_restarts_first(node: Node) -> SortKey:
    """What was restarted most often comes first."""
    return (-(node.restarts or 0), node.kind, natural(node.name), node.id)


ORDERS: dict[str, Order] = {
    "name": by_name,
    "trouble": trouble_first,
    "age": youngest_first,
    "restarts": most_restarts_first,
}
"""By the name to type, in the order in which a key goes through them."""
