"""Plan: exactly what will happen to exactly what, and how strongly to ask before. Data: it touches nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from calmtui.actions import parameters
from calmtui.actions.catalogue import Catalogue, action_of, refusal
from calmtui.actions.deed import Deed
from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.fleet.production import is_production
from calmtui.providers.base import Action, Danger, Parameter

MANY = 10
"""More targets than this are asked about more strongly: a slip of the filter, not an intention, is what it catches."""

LONGEST_TYPED = 40
"""Nobody is asked to type more characters than this."""


@dataclass(frozen=True)
class Target:
    """One node and what will be done to it."""

    node: Node
    action: Action

    @property
    def sentence(self) -> str:
        """What will happen to it."""
        return self.action.summary


@dataclass(frozen=True)
class LeftOut:
    """A node that was asked for and will not be touched."""

    node: Node
    reason: str
    unchanged: bool = False
    """It is already as the action would make it."""


@dataclass(frozen=True)
class Plan:
    """An action with its targets resolved. Nothing that it does not name will be touched."""

    name: str
    """The action."""
    targets: tuple[Target, ...]
    """In the order in which they will be begun."""
    left_out: tuple[LeftOut, ...]
    parameters: Mapping[str, str]
    """Checked values of what its actions need; empty until `filled`."""
    hidden: int
    """How many of the targets the filter does not show."""
    danger: Danger
    reasons: tuple[str, ...]
    """Why it is asked about more strongly than the action alone would be."""
    typed: str
    """What must be typed to confirm; empty when yes is enough."""
    undo: str | None
    """The action that takes it back; None when nothing does for all of the targets."""
    undoing: bool = False
    """It takes back what was done before: freezes let it through."""

    @cached_property
    def deed(self) -> Deed:
        """What it is to the gate."""
        return Deed(
            self.name,
            [target.node for target in self.targets],
            [target.sentence for target in self.targets],
            max((target.action.danger for target in self.targets), default=Danger.NONE),
            self.parameters,
            self.hidden,
            self.undoing,
        )

    @property
    def hash(self) -> str:
        """Names exactly these targets, parameters and actions."""
        return self.deed.hash

    def only(self, nodes: Iterable[Node]) -> Plan:
        """The same for some of its targets."""
        ids = {node.id for node in nodes}
        return replace(self, targets=tuple(target for target in self.targets if target.node.id in ids), left_out=())


def make(
    name: str,
    nodes: Iterable[Node],
    known: Catalogue,
    *,
    hidden: int = 0,
    is_stale: Callable[[Node], bool],
) -> Plan:
    """Plan an action for some nodes: those that allow it are targets, the others are left out with the reason.

    What the action needs to be told is given to the plan with `filled`. Raises UsageError when the
    action is not known for any of the nodes.
    """
    targets: dict[str, Target] = {}
    left_out: dict[str, LeftOut] = {}
    possible: set[str] = set()
    for node in nodes:
        possible.update(node.actions)
        action = action_of(node, name, known)
        if action is None:
            left_out[node.id] = LeftOut(node, f"a {node.kind} has no {name}")
        elif action.reaches is not None and node.state is action.reaches and name not in node.actions:
            left_out[node.id] = LeftOut(
                node, f"{node.kind} {node.name} is {node.raw_state or node.state} already", unchanged=True
            )
        elif name not in node.actions:
            left_out[node.id] = LeftOut(node, refusal(node, name))
        else:
            targets[node.id] = Target(node, action)
    if not targets and not any(action_of(item.node, name, known) for item in left_out.values()):
        offered = ", ".join(sorted(possible)) or "nothing"
        raise UsageError(
            f"none of the {len(left_out)} nodes knows the action {name!r}", next_step=f"they offer: {offered}"
        )
    chosen = tuple(targets.values())
    reasons = _reasons(chosen, hidden, is_stale)
    danger = _danger(chosen, reasons)
    return Plan(
        name,
        chosen,
        tuple(left_out.values()),
        {},
        hidden,
        danger,
        reasons,
        _typed(name, chosen) if danger is Danger.TYPE_NAME else "",
        _undo(chosen),
    )


def of_command(line: str, nodes: Iterable[Node], *, hidden: int = 0, is_stale: Callable[[Node], bool]) -> Plan:
    """Plan a command on nodes that take commands: what it does nobody knows, so it is never harmless."""
    action = Action("exec", f"run {line}", Danger.CONFIRM)
    targets = tuple(Target(node, action) for node in nodes)
    reasons = _reasons(targets, hidden, is_stale)
    danger = _danger(targets, reasons)
    typed = _typed("exec", targets) if danger is Danger.TYPE_NAME else ""
    return Plan("exec", targets, (), {}, hidden, danger, reasons, typed, None)


def needed(plan: Plan) -> tuple[Parameter, ...]:
    """The parameters of all the targets' actions, each name once."""
    return tuple({item.name: item for target in plan.targets for item in target.action.parameters}.values())


def filled(plan: Plan, given: Mapping[str, str]) -> Plan:
    """The plan with the values that it needs, checked. Raises UsageError."""
    return replace(plan, parameters=parameters.check(needed(plan), given))


def difference(before: Plan, now: Plan) -> list[str]:
    """What is otherwise in a plan that was made again: sentences; empty when it is the same."""
    old, new = ({target.node.id: target for target in plan.targets} for plan in (before, now))
    why = {item.node.id: item.reason for item in now.left_out}
    found = [f"{node_id}: {why.get(node_id, 'gone')}" for node_id in old if node_id not in new]
    found += [f"{node_id}: it is a target now" for node_id in new if node_id not in old]
    found += [f"{node_id}: {new[node_id].sentence}" for node_id in old.keys() & new.keys()
              if old[node_id].sentence != new[node_id].sentence]  # fmt: skip
    return found


def _reasons(targets: Sequence[Target], hidden: int, is_stale: Callable[[Node], bool]) -> tuple[str, ...]:
    production = sorted({target.node.env for target in targets if is_production(target.node)})
    stale = sum(is_stale(target.node) for target in targets)
    reasons = []
    if production:
        reasons.append(f"this is {' and '.join(production)}")
    if len(targets) > MANY:
        reasons.append(f"{len(targets)} nodes are more than {MANY}")
    if hidden:
        reasons.append(f"{hidden} of them {'is' if hidden == 1 else 'are'} hidden by the filter")
    if stale:
        reasons.append(f"{stale} of them {'is' if stale == 1 else 'are'} stale: what is shown may not be so any more")
    return tuple(reasons)


def _danger(targets: Sequence[Target], reasons: Sequence[str]) -> Danger:
    """The action's own danger, one step up when there is any reason to look twice."""
    own = max((target.action.danger for target in targets), default=Danger.NONE)
    return Danger(min(own + bool(reasons), Danger.TYPE_NAME))


def _typed(name: str, targets: Sequence[Target]) -> str:
    """The one node's name, or the service that all share, or the action and how many."""
    services = {target.node.service for target in targets}
    word = targets[0].node.name if len(targets) == 1 else services.pop() if len(services) == 1 else ""
    easy = word and word.isascii() and word.isprintable() and word == word.strip() and len(word) <= LONGEST_TYPED
    return word if easy else f"{name} {len(targets)}"


def _undo(targets: Sequence[Target]) -> str | None:
    undos = {target.action.undo for target in targets}
    return undos.pop() if len(undos) == 1 else None
