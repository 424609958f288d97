"""Gathering: nodes with the same output and the same end stand together, so that the one that differs stands out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from calmtui.actions.said import Said
from calmtui.fleet import hostset
from calmtui.fleet.node import NodeId

LONGEST_DIFF = 2000
"""Lines of each side that are compared: the time it takes grows with their product."""


_Key = tuple[str, bytes, bytes]
"""How a command ended, and what tells its outputs from others."""


@dataclass(slots=True)
class Answer:
    """What became of a command on one node so far."""

    said: Said
    ending: str = ""
    """`exit 0`, `timed out`, `unreachable`…; empty while it runs."""
    exit_status: int | None = None
    unended: bool = False
    """It was left before its end, and the far side has not said that it has ended there."""

    def left_running(self) -> None:
        """See `Command.unended`."""
        self.unended = True


@dataclass(slots=True)
class Group:
    """Nodes that gave the same answer."""

    ending: str
    exit_status: int | None
    said: Said
    """Of the first of them, as of each."""
    nodes: dict[NodeId, None] = field(default_factory=dict)
    """In the order in which they ended."""

    def hosts(self, called: Mapping[NodeId, str]) -> str:
        """Their names, folded: `web-[001-047]`."""
        return hostset.fold(called[node_id] for node_id in self.nodes)


class Gathering:
    """Answers as they come, equal ones together. To take one in costs the same however many there are."""

    def __init__(self) -> None:
        self._groups: dict[_Key, Group] = {}
        self._keys: dict[NodeId, _Key] = {}

    def add(self, node_id: NodeId, answer: Answer) -> None:
        """Take in the answer of a node where the command has ended, in place of one that it gave before."""
        self.drop(node_id)
        key = (answer.ending, *answer.said.same())
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = Group(answer.ending, answer.exit_status, answer.said)
        group.nodes[node_id] = None
        self._keys[node_id] = key

    def drop(self, node_id: NodeId) -> None:
        """Forget what a node answered: the command runs there again."""
        key = self._keys.pop(node_id, None)
        if key is not None:
            del self._groups[key].nodes[node_id]
            if not self._groups[key].nodes:
                del self._groups[key]

    def groups(self) -> list[Group]:
        """The majority first: of those that ended by themselves the most nodes, then the lowest status."""
        return sorted(self._groups.values(), key=_rank)


def groups(answers: Mapping[NodeId, Answer]) -> list[Group]:
    """The answers that have ended, gathered."""
    gathering = Gathering()
    for node_id, answer in answers.items():
        if answer.ending:
            gathering.add(node_id, answer)
    return gathering.groups()


def _rank(group: Group) -> tuple[bool, int, int]:
    status = group.exit_status
    return status is None, -len(group.nodes), -1 if status is None else status


def diff(majority: Group, other: Group) -> list[str]:
    """How another group's output differs from the majority's: lines of a unified diff, safe for a terminal."""
    ours, theirs = majority.said.lines(), other.said.lines()
    lines = list(difflib.unified_diff(ours[:LONGEST_DIFF], theirs[:LONGEST_DIFF], lineterm="", n=1))[2:]
    if len(ours) > LONGEST_DIFF or len(theirs) > LONGEST_DIFF:
        lines.append(f"… only the first {LONGEST_DIFF:,} lines are compared")
    if majority.ending != other.ending:
        lines.insert(0, f"{majority.ending} → {other.ending}")
    return lines


def unfinished(answers: Mapping[NodeId, Answer], nodes: Iterable[NodeId]) -> list[NodeId]:
    """Those of the nodes that have not given an answer."""
    return [node_id for node_id in nodes if node_id not in answers or not answers[node_id].ending]
