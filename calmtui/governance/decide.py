"""Decisions: for each node whether something may be done to it, and by which rule. Blocks: call it in a thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import cedarpy

from calmtui.fleet.node import Node
from calmtui.governance.identity import Who
from calmtui.governance.policies import Policies, Requirement
from calmtui.governance.vocabulary import action_entities, uid

SLICE = 50
"""Nodes decided between two breaths: Cedar holds the interpreter meanwhile, and screens want it too."""


class Answer(StrEnum):
    """What policy says."""

    ALLOWED = "allowed"
    APPROVAL = "approval"
    """Forbidden until others have approved."""
    DENIED = "denied"


@dataclass(frozen=True)
class Circumstances:
    """In which circumstances something is to be done. Policies know each field as `context.NAME`."""

    danger: int = 0
    """0 harms nothing, 1 interrupts, 2 destroys."""
    targets: int = 1
    """Nodes in the plan."""
    production: int = 0
    """Of them, those that serve customers."""
    hidden: int = 0
    """Of them, those that the filter does not show."""
    undo: bool = False
    """It takes back what was done before."""
    break_glass: bool = False
    incident: bool = False
    interactive: bool = True
    """Somebody sits at a terminal."""
    through: str = "console"
    """`console`, `command` or `runbook`."""


@dataclass(frozen=True)
class Subject:
    """Who asks."""

    who: Who
    groups: AbstractSet[str] = frozenset()


@dataclass(frozen=True)
class Verdict:
    """What policy says of one node."""

    answer: Answer
    rules: tuple[str, ...]
    """Ids of the rules that decided; empty when no rule permits it."""
    reason: str = ""
    """For people: why not, and what to do instead."""
    needs: Mapping[str, Requirement] | None = None
    """By rule, what would lift it."""
    freezes: tuple[str, ...] = ()

    def and_also(self, other: Verdict) -> Verdict:
        """What holds where both of two things are to be done to the node."""
        strictest = max(self, other, key=lambda verdict: _STRICTER[verdict.answer])
        if self.answer is not Answer.APPROVAL or other.answer is not Answer.APPROVAL:
            return strictest
        reason = "; ".join(dict.fromkeys(filter(None, (self.reason, other.reason))))
        rules = tuple(sorted({*self.rules, *other.rules}))
        return Verdict(Answer.APPROVAL, rules, reason, {**(self.needs or {}), **(other.needs or {})}, self.freezes)


_STRICTER = {Answer.ALLOWED: 0, Answer.APPROVAL: 1, Answer.DENIED: 2}


@dataclass(frozen=True)
class Question:
    """What is to be done to which nodes."""

    action: str
    nodes: Sequence[Node]
    circumstances: Circumstances
    freezes: Sequence[tuple[str, ...]]
    """For each node the names of the freezes that hold for it."""
    stale: Callable[[Node], bool] = lambda node: False
    selections: Callable[[Node], Sequence[str]] = lambda node: ()
    """The estate's groups that a node is in."""
    is_production: Callable[[Node], bool] = lambda node: False


def decide(
    policies: Policies, subject: Subject, question: Question, *, lifted: AbstractSet[str] = frozenset()
) -> list[Verdict]:
    """A verdict for each node. `lifted`: the rules that approvals of this very plan have lifted."""
    rules = policies.without(lifted)
    verdicts: list[Verdict] = []
    for start in range(0, len(question.nodes), SLICE):
        nodes = question.nodes[start : start + SLICE]
        freezes = question.freezes[start : start + SLICE]
        entities = cedarpy.Entities.from_json_str(json.dumps(_entities(subject, question, nodes)))
        common = _common(subject, question)
        requests = [_request(subject, question, node, common, held) for node, held in zip(nodes, freezes, strict=True)]
        answers = cedarpy.is_authorized_batch(requests, rules, entities)
        verdicts += [_verdict(policies, answer, held) for answer, held in zip(answers, freezes, strict=True)]
        time.sleep(0)
    return verdicts


def _entities(subject: Subject, question: Question, nodes: Sequence[Node]) -> list[dict[str, Any]]:
    user = {
        "uid": uid("User", subject.who.name),
        "attrs": {},
        "parents": [uid("Group", name) for name in subject.groups],
    }
    return [user, *action_entities([question.action]), *(_node(question, node) for node in nodes)]


def _node(question: Question, node: Node) -> dict[str, Any]:
    attributes = {
        "kind": node.kind, "name": node.name, "source": node.source, "state": node.state.value,
        "raw_state": node.raw_state, "image": node.image, "env": node.env, "service": node.service,
        "region": node.region, "restarts": node.restarts or 0, "production": question.is_production(node),
        "stale": question.stale(node),
    }  # fmt: skip
    parents = [uid("Selection", name) for name in question.selections(node)]
    return {"uid": uid("Node", node.id), "attrs": attributes, "tags": node.labels, "parents": parents}


def _common(subject: Subject, question: Question) -> dict[str, Any]:
    """The part of the context that is the same for every node."""
    now = datetime.now().astimezone()
    return {
        **asdict(question.circumstances),
        "origin": subject.who.origin, "host": subject.who.host, "login": subject.who.login,
        "weekday": now.strftime("%a"), "hour": now.hour,
    }  # fmt: skip


def _request(
    subject: Subject, question: Question, node: Node, common: dict[str, Any], freezes: tuple[str, ...]
) -> dict[str, Any]:
    context = {**common, "frozen": bool(freezes), "freezes": list(freezes)}
    return {
        "principal": uid("User", subject.who.name),
        "action": uid("Action", question.action),
        "resource": uid("Node", node.id),
        "context": context,
    }


def _verdict(policies: Policies, answer: cedarpy.AuthzResult, freezes: tuple[str, ...]) -> Verdict:
    decided = tuple(sorted(answer.diagnostics.reasons))
    if answer.diagnostics.errors:  # a rule that cannot be evaluated must not open what it was to close
        return Verdict(Answer.DENIED, decided, f"a policy failed: {answer.diagnostics.errors[0]}", freezes=freezes)
    if answer.allowed:
        return Verdict(Answer.ALLOWED, decided, freezes=freezes)
    if not decided:
        return Verdict(Answer.DENIED, (), "no policy permits it", freezes=freezes)
    needs = {name: needed for name in decided if (needed := policies.rules[name].requirement) is not None}
    reason = "; ".join(_why(policies, name, freezes) for name in decided)
    if len(needs) == len(decided):
        return Verdict(Answer.APPROVAL, decided, reason, needs, freezes)
    return Verdict(Answer.DENIED, decided, reason, freezes=freezes)


def _why(policies: Policies, name: str, freezes: tuple[str, ...]) -> str:
    rule = policies.rules[name]
    held = f" ({', '.join(freezes)})" if freezes else ""
    if rule.requirement is not None:
        return f"{name}{held}: needs the approval of {rule.requirement}" + (f"; {rule.advice}" if rule.advice else "")
    return f"{name}{held}: {rule.advice or f'forbidden by {rule.place}'}"
