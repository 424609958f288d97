"""Matcher: whether nodes are selected; many are asked about at once, column by column, for a tenth of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import compress
from operator import not_

from calmtui.fleet.node import Node

Answers = Callable[[Sequence[Node]], list[bool]]
"""For each of some nodes, whether it is selected."""


class Cost(IntEnum):
    """What it takes to ask about a node; of several that all have to hold the cheap ones are asked first."""

    LITTLE = 0
    """A value that few nodes have alone: a look into a dictionary."""
    SOME = 1
    """A text of its own has to be looked at."""
    MUCH = 2
    """Other nodes have to be looked at."""


@dataclass(frozen=True)
class Matcher:
    """Selects nodes. It may ask about them in any order, and about any of them more than once."""

    answers: Answers
    cost: Cost = Cost.SOME
    lasts: bool = True
    """Whether an answer holds as long as the node stays as it is: nothing else is looked at, and no clock."""

    def __call__(self, node: Node) -> bool:
        """Whether one node is selected."""
        return self.answers((node,))[0]

    def among(self, nodes: Iterable[Node]) -> list[Node]:
        """Those of some nodes that are selected, in their order."""
        asked = list(nodes)
        return list(compress(asked, self.answers(asked)))


EVERYTHING = Matcher(lambda nodes: [True] * len(nodes), Cost.LITTLE)


def none_of(part: Matcher) -> Matcher:
    """What that one does not select."""
    return replace(part, answers=lambda nodes: list(map(not_, part.answers(nodes))))


def all_of(parts: Iterable[Matcher]) -> Matcher:
    """What every part selects; each is asked only about what those before it have left."""
    first, *others = sorted(parts, key=lambda part: part.cost) or [EVERYTHING]

    def answers(nodes: Sequence[Node]) -> list[bool]:
        found = first.answers(nodes)
        for part in others:
            further = iter(part.answers(list(compress(nodes, found))))
            found = [yes and next(further) for yes in found]
        return found

    return Matcher(answers, others[-1].cost, all(part.lasts for part in (first, *others))) if others else first


def any_of(parts: Iterable[Matcher]) -> Matcher:
    """What at least one part selects; each is asked only about what those before it have not selected."""
    first, *others = sorted(parts, key=lambda part: part.cost)

    def answers(nodes: Sequence[Node]) -> list[bool]:
        found = first.answers(nodes)
        for part in others:
            further = iter(part.answers(list(compress(nodes, map(not_, found)))))
            found = [yes or next(further) for yes in found]
        return found

    return Matcher(answers, others[-1].cost, all(part.lasts for part in (first, *others))) if others else first
