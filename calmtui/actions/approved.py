"""From a granted request back to what was asked for: made again from the same nodes, it must be the very same."""

from __future__ import annotations

from calmtui.actions.commands import AS_ROOT, command_deed, runs_at
from calmtui.actions.plan import Plan, filled, make
from calmtui.errors import Refused, UsageError
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node
from calmtui.governance.approvals import Request
from calmtui.governance.vocabulary import COMMANDS

NAMED = 3
"""How many differences are named before they are only counted."""


def plan_of(live: LiveEstate, request: Request) -> Plan:
    """The plan that was asked for, on its nodes as they are now.

    Raises Refused when it is another plan now, saying what differs; UsageError when it is no action's.
    """
    asked = request.asked
    if asked.action in COMMANDS:
        raise UsageError(
            f"{asked.action} is not begun from here",
            where=f"approval {request.id}",
            next_step=f"give the same again: {'; '.join(asked.sentences)}",
        )
    nodes = nodes_of(live, request)
    made = filled(make(asked.action, nodes, live.actions(), is_stale=live.fleet.is_stale), asked.parameters)
    if made.hash != request.plan:
        raise Refused(
            f"it is another plan now: {_differs(made, request)}",
            where=f"approval {request.id}",
            next_step="make the plan anew and ask again",
        )
    return made


def nodes_of(live: LiveEstate, request: Request) -> list[Node]:
    """Its nodes as they are now, of those that are there. Raises Refused when none is."""
    nodes = [node for node_id in request.asked.nodes if (node := live.fleet.get(node_id)) is not None]
    if not nodes:
        raise Refused("none of its nodes is there any more", where=f"approval {request.id}")
    return nodes


def command_of(live: LiveEstate, request: Request) -> tuple[list[Node], str, bool]:
    """The nodes and the line of a command that was asked for, and whether it is as root.

    Raises Refused when nodes have gone; UsageError when it was asked for with more than a line can say, such as
    input or environment.
    """
    nodes = nodes_of(live, request)
    (said,) = request.asked.sentences
    for line, more in ((said, ""), (said.removesuffix(AS_ROOT), AS_ROOT)):
        if command_deed(nodes, (line,), more).hash == request.plan:
            through = {place.id for node in nodes if (place := runs_at(live, node)) not in (None, node)}
            return [node for node in nodes if node.id not in through], line, bool(more)
    gone = sorted(set(request.asked.nodes) - {node.id for node in nodes})
    if gone:
        raise Refused(f"it is another command now: {', '.join(gone[:NAMED])} gone", where=f"approval {request.id}")
    raise UsageError(
        "it was asked for with more than a line",
        where=f"approval {request.id}",
        next_step=f"give the same again: {said}",
    )


def _differs(made: Plan, request: Request) -> str:
    why = {item.node.id: item.reason for item in made.left_out}
    still = {target.node.id for target in made.targets}
    found = [f"{node}: {why.get(node, 'gone')}" for node in request.asked.nodes if node not in still]
    if not found:  # the nodes are the same: their source says otherwise what will happen, or a value was masked
        said = {target.sentence for target in made.targets}
        found = sorted(said - set(request.asked.sentences)) or ["a value in it is secret and was not kept"]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more
