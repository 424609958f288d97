"""Which actions some nodes allow together, and why the others are missing. Pure: it reads nodes, touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from calmtui.fleet.node import Node
from calmtui.providers.base import Action, Danger

Catalogue = Mapping[str, Mapping[str, Action]]
"""For each source by name, the actions of its provider by name, as `LiveEstate.actions` gives it."""

NAMED = 3
"""How many nodes a reason names before it only counts."""

READ_ONLY = "read-only: nothing may be changed from here"


@dataclass(frozen=True)
class Choice:
    """An action that was asked about for some nodes."""

    name: str
    action: Action
    """Where several providers have an action of that name, the most dangerous one's."""
    why_not: str = ""
    """Why it cannot be chosen for all the nodes; empty: it can."""


def choices(nodes: Sequence[Node], known: Catalogue, peers: Iterable[Node], *, read_only: bool) -> list[Choice]:
    """The actions that all `nodes` allow, least dangerous first; then those that only some do, each with why.

    `peers` (the fleet) tells what nodes of these kinds allow in another state, so that `start` of a
    running container is listed with its reason rather than missing.
    """
    kinds = {(node.source, node.kind) for node in nodes}
    names = {name for peer in peers if (peer.source, peer.kind) in kinds for name in peer.actions}
    names.update(name for node in nodes for name in node.actions)
    found = []
    for name in names:
        action = _action(name, nodes, known)
        if action is not None:
            why_not = _why_not(name, nodes) or (READ_ONLY if read_only else "")
            found.append(Choice(name, action, why_not))
    return sorted(found, key=lambda choice: (bool(choice.why_not), choice.action.danger, choice.name))


def action_of(node: Node, name: str, known: Catalogue) -> Action | None:
    """What an action's name means for a node, whether or not its present state allows it."""
    return known.get(node.source, {}).get(name)


def refusal(node: Node, name: str) -> str:
    """Why a node does not allow an action, as a sentence of its own."""
    state = node.raw_state or node.state.value
    return f"{node.kind} {node.name} is {state}: it does not offer {name}"


def _action(name: str, nodes: Iterable[Node], known: Catalogue) -> Action | None:
    meant = [action for node in nodes if (action := action_of(node, name, known))]
    return max(meant, key=lambda action: action.danger, default=None)


def _why_not(name: str, nodes: Sequence[Node]) -> str:
    without = [node for node in nodes if name not in node.actions]
    if not without:
        return ""
    if len(nodes) == 1:
        return refusal(nodes[0], name)
    named = ", ".join(f"{node.name} ({node.kind}, {node.raw_state or node.state.value})" for node in without[:NAMED])
    more = f" and {len(without) - NAMED} more" if len(without) > NAMED else ""
    verb = "does" if len(without) == 1 else "do"
    return f"{len(without)} of {len(nodes)} nodes {verb} not offer it: {named}{more}"


def danger_word(danger: Danger) -> str:
    """The danger in a word for lists, so that colour is not needed."""
    return {Danger.NONE: "safe", Danger.CONFIRM: "interrupts", Danger.TYPE_NAME: "destructive"}[danger]
