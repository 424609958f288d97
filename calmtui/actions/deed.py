"""Deed: what is to be done to which nodes, in the form that policy judges, people approve and the trail records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from calmtui import masks
from calmtui.fleet.node import Node
from calmtui.governance.record import Event
from calmtui.providers.base import Danger


@dataclass(frozen=True)
class Deed:
    """An action, a command, a shell or a copy, and its targets."""

    action: str
    """As policies know it: an action's name, or `exec`, `shell`, `copy`, `runbook`."""
    nodes: Sequence[Node]
    sentences: Sequence[str]
    """What will happen to each of them: the API call in words, the command."""
    danger: Danger
    parameters: Mapping[str, str] = field(default_factory=dict)
    hidden: int = 0
    """How many of the nodes the filter does not show."""
    undo: bool = False
    """It takes back what was done before: freezes let it through."""
    event: Event = Event.INTENT
    """What it is recorded as before it is begun."""
    changes: bool = True
    """It may change something: read-only mode refuses it."""
    whole: bool = False
    """All of it or nothing: one denied node refuses it. Else the denied ones are left out."""
    exclusive: bool = True
    """Nobody else may change its nodes meanwhile. Commands and shells go side by side."""
    binds: str = ""
    """What an approval binds besides: the whole hash of a larger plan, such as a runbook's; what a command has besides
    its words."""
    comprises: tuple[str, ...] = ()
    """What else is done in its course, as policies know it: all of it has to be allowed."""

    @cached_property
    def hash(self) -> str:
        """Names exactly this: another target, parameter or command is another deed. 64 hexadecimal digits."""
        whole = {
            "action": self.action,
            "parameters": dict(self.parameters),
            "binds": self.binds,
            "targets": sorted((node.id, sentence) for node, sentence in zip(self.nodes, self.sentences, strict=True)),
        }
        return hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its nodes."""
        return tuple(node.id for node in self.nodes)

    @property
    def summary(self) -> str:
        """It in a sentence, without secrets."""
        values = "".join(f" {name}={value}" for name, value in self.parameters.items())
        count = self.nodes[0].id if len(self.nodes) == 1 else f"{len(self.nodes)} nodes"
        words = "" if self.event is Event.INTENT else f": {self.sentences[0]}" if self.sentences else ""
        return masks.text(f"{self.action}{values} of {count}{words}")
